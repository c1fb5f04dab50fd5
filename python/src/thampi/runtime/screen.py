"""What a model's schema does for requests: a declared one refuses, an inferred one explains.

screen = Screen({"declared": True, "input": {"type": "object", "required": ["input"]}})
screen.fits({"inputs": [1, 2, 3, 4]})    # False
screen.refused({"inputs": [1, 2, 3, 4]}, body)
# Problem: `data.input` is missing (got `inputs`). Did you mean `input`?
"""

from thampi.errors import ThampiError
from thampi.runtime.body import read_object
from thampi.runtime.problem import Problem
from thampi.runtime.validate import SchemaError, compiled

__all__ = ["Screen", "screen_of"]

_TERSE = "The input is not what the model takes."


class Screen:
    """`document` is schema.json; `terse` keeps what it says to ourselves. Raises SchemaError.

    `fits(data)`   whether a declared schema lets an input through
    `declares`     False when there is nothing to ask `fits` about
    """

    def __init__(self, document, terse=False):
        self._schema = document.get("input", True)
        self._terse = terse
        self.fits = compiled(self._schema)
        self.declares = document.get("declared") is True

    def refused(self, data, body):
        """The problem with an input that does not fit."""
        if self._terse:
            return Problem("model-rejected-input", _TERSE)
        if data is None and "data" not in read_object(body):
            return self._without_data(body)
        from thampi.runtime.explain import explain, hint_for, summary

        misfits = explain(self._schema, data)
        errors = [misfit.document() for misfit in misfits]
        return Problem("model-rejected-input", summary(misfits), hint_for(self._schema, misfits[0]), errors)

    def hint(self, body):
        """What may help when the model raised: how the input differs from the examples, or None."""
        if self._terse or self.declares:
            return None
        sent = read_object(body)
        data = sent.get("data")
        if self.fits(data):
            return None
        if "data" not in sent:
            problem = self._without_data(body)
            return f"{problem.detail} {problem.hint}"
        from thampi.runtime.explain import explain, hint_for, summary

        misfits = explain(self._schema, data)
        more = hint_for(self._schema, misfits[0])
        return f"By its examples, {summary(misfits)}" + (f" {more}" if more else "")

    def _without_data(self, body):
        """The whole input was sent where an object with the input under `data` is wanted."""
        from thampi.runtime.words import example_in, listed

        got = list(read_object(body))
        detail = f"`data` is missing (got {listed(got, 3)})." if got else "`data` is missing."
        example = example_in(self._schema)
        hint = f'Send {{"data": …}}, e.g. {{"data": {example}}}' if example else 'Send {"data": …}.'
        place = {"pointer": "/data", "code": "required", "message": detail}
        return Problem("model-rejected-input", detail, hint, [place])


def screen_of(saved, terse=False):
    """The screen of a saved model, None when it has no schema. Raises ThampiError MODEL_INVALID."""
    if saved.schema is None:
        return None
    try:
        return Screen(saved.schema, terse)
    except SchemaError as error:
        what = f"schema.json of {saved.name} is no JSON Schema: /input{error}."
        raise ThampiError("MODEL_INVALID", what, hint="mend it, or delete the file.") from None
