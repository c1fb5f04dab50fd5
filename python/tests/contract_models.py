"""The models that contract/answers.json asks. One class each, as small as its purpose allows."""

import sys

import thampi


class Echo(thampi.Model):
    """Gives back what it got."""

    def predict(self, args, context):
        return args


class Double(thampi.Model):
    def predict(self, args, context):
        return {"result": args["value"] * 2}


class Iris:
    """No base class and no initialize; both are fine."""

    def predict(self, args, context):
        length = args["input"][2]
        return {"result": 0 if length < 2.5 else 1 if length < 4.9 else 2}


class Fixed(thampi.Model):
    """Returns what its key names, for results that no request can carry."""

    def initialize(self, context):
        import datetime
        import decimal
        import math
        import uuid

        cycle = []
        cycle.append(cycle)
        self.results = {
            "nan": {"x": [1.0, math.nan, math.inf]},
            "big": 2**70,
            "tuple": (1, (2, 3)),
            "date": datetime.datetime(2018, 9, 6, 22, 3, 9),
            "uuid": uuid.UUID("9dbc56dd-936d-4dff-953c-8c22267ebe84"),
            "decimal": decimal.Decimal("1.10"),
            "surrogate": "\ud800",
            "control": "\x00\x1f\u2028",
            "bytes": b"x",
            "set": {1},
            "complex": {"z": 1j},
            "tuple key": {(1, 2): 3},
            "cycle": cycle,
            "object": {"scores": [0, 1, 2, object()]},
            "huge": "x" * 7_000_000,
        }

    def predict(self, args, context):
        return self.results[args]


class Raises(thampi.Model):
    def predict(self, args, context):
        if args == "str":
            raise _BadMessage
        if args == "long":
            raise ValueError("x" * 100_000)
        if args == "surrogate":
            raise ValueError("\ud800 größe")
        if args == "deep":
            return self.predict(args, context)
        raise ValueError(f"no answer for {args!r}")


class _BadMessage(Exception):
    def __str__(self):
        raise RuntimeError("no message")


class Refuses(thampi.Model):
    def predict(self, args, context):
        if args is None:
            raise thampi.BadInput("input is missing")
        raise thampi.BadInput("input must have 4 numbers", pointer="/data/input")


class Exits(thampi.Model):
    def predict(self, args, context):
        if args == "interrupt":
            raise KeyboardInterrupt
        sys.exit(args)


class Async(thampi.Model):
    async def initialize(self, context):
        self.ready = True

    async def predict(self, args, context):
        import asyncio

        await asyncio.sleep(0)
        if args == "raise":
            raise ValueError("late")
        return {"ready": self.ready, "args": args}


class Batches(thampi.Model):
    """Has no predict."""

    def predict_batch(self, batch, context):
        if batch == ["short"]:
            return []
        if batch == ["text"]:
            return "t"
        instead = {"item": thampi.ItemError("nothing is near"), "bad": thampi.BadInput("too hot", "/data")}
        return [instead.get(args, args) if isinstance(args, str) else args for args in batch]


class Generates(thampi.Model):
    def predict(self, args, context):
        yield args


class Mutates(thampi.Model):
    def predict(self, args, context):
        args.append("changed")
        context.properties["instance_id"] = "forged"
        return args


class Context(thampi.Model):
    """What a model is told."""

    def predict(self, args, context):
        return {
            "stage": context.stage,
            "properties": sorted(context.properties),
            "has_request_id": bool(context.request_id),
            "has_time": 0 < context.remaining_time() < 3600 and context.get_remaining_time_in_millis() > 0,
            "logger": hasattr(context.logger, "info") and hasattr(context.get_app().logger, "info"),
        }


class Prints(thampi.Model):
    def predict(self, args, context):
        print("printed", args)
        print("to stderr", file=sys.stderr)
        context.logger.warning("logged %s\nin two lines", args)
        print("unfinished", end="")
        return None


class Falsy(thampi.Model):
    """A model may look empty."""

    def __bool__(self):
        return False

    def __len__(self):
        return 0

    def predict(self, args, context):
        return "here"
