"""contract/validation.json holds for this edition, and what is compiled agrees with what is explained."""

import json
import random
from pathlib import Path

import pytest

from thampi.runtime.body import read_data
from thampi.runtime.explain import explain, hint_for, summary
from thampi.runtime.screen import Screen
from thampi.runtime.validate import SchemaError, compiled

CONTRACT = json.loads((Path(__file__).parents[2] / "contract" / "validation.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CONTRACT["cases"], ids=lambda case: case["name"])
def test_a_value_is_answered_with_exactly_these_errors(case):
    schema, data = case["schema"], case["data"]
    misfits = explain(schema, data)
    assert [misfit.document() for misfit in misfits] == case["errors"]
    assert compiled(schema)(data) is (not case["errors"])
    if misfits:
        assert summary(misfits) == case["detail"]
        assert hint_for(schema, misfits[0]) == case["hint"]


@pytest.mark.parametrize("case", CONTRACT["invalid"], ids=lambda case: case["name"])
def test_a_schema_that_is_wrong_is_refused_by_its_place(case):
    with pytest.raises(SchemaError) as refused:
        compiled(case["schema"])
    assert refused.value.pointer == case["pointer"]


def test_every_value_of_the_contract_against_every_schema_is_either_explained_or_fits():
    schemas = [case["schema"] for case in CONTRACT["cases"]]
    values = [part for case in CONTRACT["cases"] for part in parts_of(case["data"])]
    for schema in schemas:
        fits = compiled(schema)
        for value in values:
            assert fits(value) is (explain(schema, value) == []), (schema, value)


def parts_of(value):
    yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts_of(part)


def test_random_values_are_either_explained_or_fit():
    chance = random.Random(7)
    schemas = [case["schema"] for case in CONTRACT["cases"]]
    for _ in range(3_000):
        schema, value = chance.choice(schemas), some_value(chance, 3)
        assert compiled(schema)(value) is (explain(schema, value) == []), (schema, value)


def some_value(chance, depth):
    kind = chance.randrange(8 if depth else 6)
    if kind == 6:
        return [some_value(chance, depth - 1) for _ in range(chance.randrange(5))]
    if kind == 7:
        keys = chance.sample(["input", "kind", "color", "value", "children", "a", "x"], chance.randrange(4))
        return {key: some_value(chance, depth - 1) for key in keys}
    return [None, True, chance.randrange(9), chance.random() * 9, chance.choice(["red", "cat", "5"]), 2.0][
        kind
    ]


def test_hostile_inputs_are_explained_soon():
    names = [f"feature {number:04d} of many" for number in range(2_000)]
    schema = {
        "type": "object",
        "required": names,
        "properties": {name: {"type": "number"} for name in names},
        "additionalProperties": False,
    }
    sent = {f"faeture {number:04d} of many"[:40]: 0 for number in range(20_000)}
    assert len(explain(schema, sent)) == 20


@pytest.mark.parametrize("case", CONTRACT["bodies"], ids=lambda case: case["name"])
def test_a_body_is_refused_or_explained_as_the_schema_file_says(case):
    screen, body = Screen(case["schemaFile"]), case["body"].encode()
    if case["schemaFile"]["declared"]:
        data = read_data(body)
        refused = None if screen.fits(data) else screen.refused(data, body)
        members = refused and {"detail": refused.detail, "hint": refused.hint, "errors": list(refused.errors)}
        assert members == case["refused"]
    else:
        assert screen.hint(body) == case["hint"]


def test_terse_says_nothing_of_the_schema():
    screen = Screen({"declared": True, "input": {"type": "number"}}, terse=True)
    refused = screen.refused("x", b'{"data": "x"}')
    assert (refused.detail, refused.hint, refused.errors) == (CONTRACT["terse"], None, ())
    assert Screen({"declared": False, "input": {"type": "number"}}, terse=True).hint(b'{"data": "x"}') is None
