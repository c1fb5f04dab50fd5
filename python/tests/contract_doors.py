"""The models that contract/doors.json asks. One class each, as small as its purpose allows."""

import thampi


class Echo(thampi.Model):
    """Gives back what it got."""

    def predict(self, args, context):
        return args


class Columns(thampi.Model):
    """The names of the inputs."""

    def predict(self, args, context):
        return ", ".join(sorted(args))


class Kinds(thampi.Model):
    """Results of every kind, whatever it got."""

    def predict(self, args, context):
        return {
            "int": 3,
            "text": "naïve",
            "nested": {"a": [1]},
            "ragged": [[1], [2, 3]],
            "mixed": [1, "a"],
            "none": None,
            "huge": 2**70,
            "gaps": [1.5, float("nan")],
        }


class Parameters(thampi.Model):
    """What was sent beside the input."""

    def predict(self, args, context):
        return context.params


class Table(thampi.Model):
    """What it is told in a table."""

    def predict(self, args, context):
        return {"columns": list(args.columns), "rows": len(args)}


class Rows(thampi.Model):
    """Says how many it was asked together."""

    def predict_batch(self, batch, context):
        return [
            thampi.ItemError("bad item") if args == "bad" else f"{args} of {len(batch)}" for args in batch
        ]


class Raises(thampi.Model):
    def predict(self, args, context):
        if "refuse" in args:
            raise thampi.BadInput("not today")
        raise ValueError("no")
