"""What an MLflow model says it takes, and how a request becomes that: a table or arrays.

Columns by name: what is missing is named, what is more is ignored; whole numbers may stand for numbers, never
the other way round, and texts only for texts. A column may be left out when it is not required.
"""

import base64
import binascii
import math

from thampi.errors import BadInput
from thampi.runtime.tensors import below, shown, tensor

__all__ = ["Signature"]

_WORDS = {
    "boolean": "true or false",
    "integer": "a whole number of 32 bits",
    "long": "a whole number of 64 bits",
    "float": "a number",
    "double": "a number",
    "string": "a text",
    "binary": "a text in base64",
    "datetime": "a date such as 2018-09-06T22:03:04",
}
_DTYPES = {"boolean": "bool", "integer": "int32", "long": "int64", "float": "float32", "double": "float64"}


class Signature:
    """`inputs` are columns `{type, name?, required}` or tensors `{type: "tensor", name?, dtype, shape}`.

    Signature([{"type": "double", "name": "a", "required": True}]).read({"input": [{"a": 1}]})
    """

    def __init__(self, inputs):
        self.inputs = inputs
        self.names = [column.get("name") for column in inputs]
        self.named = all(name is not None for name in self.names)
        self.tensors = inputs[0]["type"] == "tensor"

    def read(self, args):
        """(a DataFrame, an array or a dict of arrays; how many rows it has; whether one row came alone).

        The number of rows is None where there are no rows. Raises BadInput.
        """
        value, at = self._input(args)
        if not self.tensors:
            return self._table(value, at)
        if self.named:
            return self._arrays(value, at), None, False
        array, alone = _array(self.inputs[0], _without_names(value, at), at)
        return array, len(array) if array.ndim else None, alone

    def _input(self, args):
        """What stands under `input`, or the whole object when it has the inputs by name; and where."""
        if isinstance(args, dict):
            if self.named and ("input" in self.names or "input" not in args):
                return args, "/data"
            if "input" in args:
                return args["input"], "/data/input"
        raise BadInput(f"`data.input` is missing. Expected: {self.expected()}.", "/data/input")

    def _arrays(self, value, at):
        if not isinstance(value, dict):
            if len(self.names) > 1:
                raise BadInput(f"`{shown(at)}` must be an object. Expected: {self.expected()}.", at)
            [only] = self.inputs
            return {only["name"]: _array(only, value, at)[0]}
        arrays = {}
        for spec in self.inputs:
            name = spec["name"]
            if name not in value:
                raise BadInput(f"`{name}` is missing. Expected: {self.expected()}.", below(at, name))
            arrays[name] = _array(spec, value[name], below(at, name))[0]
        return arrays

    def expected(self):
        """The signature in a line."""
        if self.tensors:
            parts = [
                f"{each.get('name') or 'input'}: {each['dtype']} {each['shape']}" for each in self.inputs
            ]
        else:
            optional = ("", " (optional)")
            parts = [
                f"{each.get('name') or number}: {each['type']}{optional[not each['required']]}"
                for number, each in enumerate(self.inputs, 1)
            ]
        return ", ".join(parts)

    def _table(self, value, at):
        from pandas import DataFrame

        alone = isinstance(value, dict) or not (isinstance(value, list) and value and _is_row(value[0]))
        rows = [value] if alone else value
        places = [at] if alone else [f"{at}/{index}" for index in range(len(rows))]
        columns = {}
        read = [self._row(row, place) for row, place in zip(rows, places)]
        for index, column in enumerate(self.inputs):
            values = [row[index] for row in read]
            if all(value is _LEFT_OUT for value in values):
                continue
            values = [None if value is _LEFT_OUT else value for value in values]
            columns[self.names[index] if self.named else index] = _series(values, column["type"])
        return DataFrame(columns), len(rows), alone

    def _row(self, row, at):
        if isinstance(row, dict) and self.named:
            values = []
            for column, name in zip(self.inputs, self.names):
                if name not in row:
                    if column["required"]:
                        what = f"`{name}` is missing. Expected: {self.expected()}."
                        raise BadInput(what, below(at, name))
                    values.append(_LEFT_OUT)
                else:
                    values.append(_checked(row[name], column, below(at, name)))
            return values
        if not isinstance(row, list):
            raise BadInput(f"`{shown(at)}` must be a row. Expected: {self.expected()}.", at)
        if len(row) != len(self.inputs):
            have = f"{len(row)} value{'' if len(row) == 1 else 's'}"
            raise BadInput(f"`{shown(at)}` has {have}; {len(self.inputs)} are wanted: {self.expected()}.", at)
        return [
            _checked(value, column, f"{at}/{index}")
            for index, (value, column) in enumerate(zip(row, self.inputs))
        ]


_LEFT_OUT = object()


def _is_row(value):
    return isinstance(value, (list, dict))


def _without_names(value, at):
    """Rows as lists, in the order of the first one's columns: what a table is to a model of arrays."""
    if not (isinstance(value, list) and value and all(isinstance(row, dict) for row in value)):
        return value
    names = list(value[0])
    for index, row in enumerate(value):
        if row.keys() != value[0].keys():
            place = f"{at}/{index}"
            what = f"`{shown(place)}` has other columns than the first row: {', '.join(row)}."
            raise BadInput(what, place)
    return [[row[name] for name in names] for row in value]


def _array(spec, value, at):
    return tensor(value, spec["dtype"], spec["shape"], at)


def _checked(value, column, at):
    """The value of a cell, as Python has it. Raises BadInput."""
    kind = column["type"]
    if kind not in _WORDS:  # lists, objects and maps: MLflow itself looks into them
        return value
    if value is None:
        if column["required"] and kind in ("integer", "long", "boolean"):
            raise BadInput(f"`{shown(at)}` must be {_WORDS[kind]}, not null.", at)
        return None
    if _fits(value, kind):
        return base64.b64decode(value) if kind == "binary" else value
    raise BadInput(f"`{shown(at)}` must be {_WORDS[kind]}.", at)


def _fits(value, kind):
    if kind == "boolean":
        return type(value) is bool
    if kind in ("integer", "long"):
        bits = 31 if kind == "integer" else 63
        return type(value) is int and -(2**bits) <= value < 2**bits
    if kind in ("float", "double"):
        largest = 3.4028235e38 if kind == "float" else 1.7976931348623157e308
        return type(value) in (int, float) and -largest <= value <= largest
    if kind == "binary":
        return isinstance(value, str) and _is_base64(value)
    if kind == "datetime":
        return isinstance(value, str) and _is_date(value)
    return isinstance(value, str)


def _is_base64(text):
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_date(text):
    from pandas import Timestamp

    try:
        return Timestamp(text).tzinfo is None
    except (ValueError, TypeError):
        return False


def _series(values, kind):
    from pandas import Series, to_datetime

    missing = any(value is None for value in values)
    if kind == "datetime":
        return to_datetime(Series(values, dtype="object"))
    if kind in _DTYPES and not (missing and kind in ("integer", "long", "boolean")):
        numbers = [math.nan if value is None else value for value in values]
        return Series(numbers, dtype=_DTYPES[kind])
    return Series(values, dtype="object")
