"""Results become the JSON text of contract/encodings.json, to the byte."""

import collections
import dataclasses
import datetime
import decimal
import enum
import json
import math
import random
import struct
import types
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from thampi.runtime import fast
from thampi.runtime.body import read_data
from thampi.runtime.encode import NotJson, encode, encode_bytes, encode_indented, plain, to_bytes

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


@pytest.mark.parametrize("case", CONTRACT["values"], ids=lambda case: case["python"])
def test_orjson_gives_the_same_bytes_or_leaves_it_to_python(case):
    missing = []
    assert encode_bytes(value_of(case), missing.append).decode() == case["json"]
    if "missing" in case:
        assert missing == [case["missing"]]


def numbers(chance):
    """Floats of every size: any bits, short ones, and those around the places where the notation changes."""
    bits = struct.unpack("d", chance.randbytes(8))[0]
    near = chance.random() * 10.0 ** chance.randrange(-8, 20)
    return chance.choice(
        [bits if math.isfinite(bits) else 0.5, near, round(near, chance.randrange(9)), -near]
    )


def values(chance, depth=0):
    kind = chance.randrange(9 if depth < 4 else 6)
    if kind < 2:
        return numbers(chance)
    if kind == 2:
        return chance.choice([True, 10 ** chance.randrange(25), -chance.randrange(2**64), np.float64(1e-5)])
    if kind < 6:
        return "".join(chance.choice('ab"\\\\e1-0.0000123:,[]{}\n\x00\x7f\u2028ü🙂') for _ in range(12))
    if kind == 6:
        return np.array([numbers(chance) for _ in range(chance.randrange(4))])
    if kind == 7:
        return [values(chance, depth + 1) for _ in range(chance.randrange(5))]
    return {str(values(chance, 9)): values(chance, depth + 1) for _ in range(chance.randrange(5))}


def test_random_values_have_the_same_bytes_with_and_without_orjson():
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    sooner = 0
    for _ in range(3000):
        value = values(chance)
        written = fast.write(value)
        sooner += written is not None
        if written is not None:
            assert written == to_bytes(encode(value)), seed
            body = b'{"data":' + written + b"}"
            read = fast.read(body, fast.has_many_digits(body))
            assert read is fast.NOT_READ or repr(read) == repr(json.loads(body)), seed
    assert sooner > 2000


@pytest.mark.parametrize(
    "text",
    [
        *(
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775809",
            "[1,\n12345678901234567890]",
        ),
        *("1e400", "-1e400", "-0", "-0.0", "1E5", "123456789012345678901234567890.5", "[" * 100 + "]" * 100),
        *(
            "0.123456789012345678901234567890",
            "0.000000000000000000000000123",
            '"\\ud800"',
            '"\\u0064"',
            "5e-324",
        ),
    ],
    ids=lambda text: text[:40],
)
def test_orjson_reads_the_same_value_or_leaves_it_to_python(text):
    read = read_data(b'{"data":' + text.encode() + b"}")
    assert repr(read) == repr(json.loads(text))


def test_megabytes_of_floats_take_the_fast_road():
    rows = [[random.random() for _ in range(100)] for _ in range(500)]
    body = b'{"data":' + to_bytes(encode(rows)) + b"}"
    assert fast.read(body, fast.has_many_digits(body))["data"] == rows
    assert fast.write({"rows": rows}) == to_bytes(encode({"rows": rows}))


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
