"""Results become the JSON text of contract/encodings.json, to the byte."""

import collections
import dataclasses
import datetime
import decimal
import enum
import json
import math
import types
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from thampi.runtime.encode import NotJson, encode, encode_indented, plain, to_bytes

CONTRACT = json.loads((Path(__file__).parents[2] / "contract" / "encodings.json").read_text("utf-8"))


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Point:
    x: Any
    y: Any


class Hostile:
    __module__ = "__main__"

    def __getattr__(self, name):
        raise RuntimeError("do not touch me")


def cycle():
    value = []
    value.append(value)
    return value


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


NAMES = {
    **{module.__name__: module for module in (collections, datetime, decimal, math, types, uuid)},
    **{"np": np, "pd": pd, "Colour": Colour, "Level": Level, "Point": Point, "Hostile": Hostile},
    **{"cycle": cycle, "deep": deep},
}


def value_of(case):
    return eval(case["python"], dict(NAMES))


@pytest.mark.parametrize("case", CONTRACT["values"], ids=lambda case: case["python"])
def test_a_value_becomes_exactly_this_text(case):
    missing = []
    text = encode(value_of(case), missing.append)
    assert to_bytes(text).decode() == case["json"]
    if "missing" in case:
        assert missing == [case["missing"]]
    json.loads(text)


@pytest.mark.parametrize("case", CONTRACT["values"], ids=lambda case: case["python"])
def test_the_slow_road_gives_the_same_text_as_the_fast_one(case):
    value = value_of(case)
    assert encode(plain(value)) == encode(value)


@pytest.mark.parametrize("case", CONTRACT["refused"], ids=lambda case: case["python"])
def test_what_json_cannot_carry_is_named_with_its_place(case):
    with pytest.raises(NotJson) as caught:
        encode(value_of(case))
    error = caught.value
    assert (error.where, error.pointer, error.what) == (case["where"], case["pointer"], case["what"])


def test_a_way_out_is_offered():
    fixes = {}
    for value in (b"x", {1}, 1j, (n for n in []), datetime.time(1)):
        with pytest.raises(NotJson) as caught:
            encode(value)
        fixes[type(value).__name__] = caught.value.fix
    assert fixes["set"] == "return `sorted(…)`"
    assert fixes["generator"] == "return `list(…)`"
    assert "base64" in fixes["bytes"]


def test_indented_text_has_the_layout_of_the_tutorial():
    assert encode_indented({"result": {"b": [1.0], "a": "ü"}}) == (
        '{\n  "result": {\n    "a": "ü",\n    "b": [\n      1.0\n    ]\n  }\n}'
    )


def test_one_warning_for_a_whole_array_of_missing_values():
    missing = []
    encode(np.full(1000, np.nan), missing.append)
    assert missing == ["result[0]"]
