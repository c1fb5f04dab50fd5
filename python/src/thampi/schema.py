"""`schema.json`: what a model takes and gives, from its annotations or else from its examples.

    {"declared": false, "input": {JSON Schema}, "output": {JSON Schema}}

A declared schema refuses what does not fit before the model runs; one that is inferred only explains.
"""

import json
import os
import sys

from thampi.annotations import described, given_and_returned
from thampi.errors import ThampiError
from thampi.evidence import feature_names, inferred
from thampi.runtime.blame import describe
from thampi.runtime.validate import SchemaError, compiled

__all__ = ["Evidence"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MOST_EXAMPLES = 3
_LONGEST_EXAMPLE = 2_000


class Evidence:
    """What is known about a model's inputs before it was asked, and what its answers add to that.

    `given` is a JSON Schema that its author wrote, or None. Raises ThampiError MODEL_INVALID.
    """

    def __init__(self, model, given=None):
        self._model = model
        self._input, self._output = given_and_returned(model)
        if given is not None:
            self._input = _checked(given)
        else:
            self._input = _described(self._input, "validation")
        self._output = _described(self._output, "serialization")

    @property
    def declared(self):
        """The declared JSON Schema of inputs, or None."""
        return self._input

    def document(self, receipts):
        """schema.json as bytes, None when nothing is known. `receipts` are (data, result) as JSON texts."""
        inputs = [json.loads(data) for data, _ in receipts]
        taken, given = self._input, self._output
        if taken is None and inputs:
            taken = inferred(inputs, feature_names(self._model))
        if given is None and receipts:
            given = inferred([json.loads(result) for _, result in receipts])
        if taken is None and given is None:
            return None
        document = {"declared": self._input is not None}
        if taken is not None:
            examples = [] if "examples" in taken else _short(receipts)
            document["input"] = {
                "$schema": _DIALECT,
                **taken,
                **({"examples": examples} if examples else {}),
            }
        if given is not None:
            document["output"] = {"$schema": _DIALECT, **given}
        return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _described(annotation, mode):
    try:
        return None if annotation is None else described(annotation, mode)
    except Exception as error:  # pydantic has types that JSON Schema has no words for
        if not os.environ.get("THAMPI_QUIET"):
            print(f"thampi: {annotation} has no JSON Schema: {describe(error)}", file=sys.stderr)
        return None


def _checked(schema):
    if not isinstance(schema, dict):
        what = f"`schema` is a JSON Schema as a dict; got {type(schema).__name__}."
        raise ThampiError("MODEL_INVALID", what)
    try:
        plain = json.loads(json.dumps(schema, allow_nan=False))
        compiled(plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise ThampiError("MODEL_INVALID", f"`schema` cannot be written as JSON: {error}.") from error
    except SchemaError as error:
        raise ThampiError("MODEL_INVALID", f"`schema` is no JSON Schema: {error}.") from error
    return plain


def _short(receipts):
    """The first examples, unless they are long: in receipts.jsonl they stand anyway."""
    return [json.loads(data) for data, _ in receipts[:_MOST_EXAMPLES] if len(data) <= _LONGEST_EXAMPLE]
