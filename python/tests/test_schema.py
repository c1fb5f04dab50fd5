"""schema.json: what save learns about a model's inputs, from annotations or from examples."""

import json
import typing
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import pytest

import thampi
from thampi.annotations import described
from thampi.evidence import inferred
from thampi.runtime.validate import compiled


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Flower(typing.TypedDict, total=False):
    sepal_length: float
    color: typing.Optional[Color]


@dataclass
class Node:
    value: float
    kind: typing.Literal["leaf", "branch"] = "leaf"
    children: "list[Node]" = field(default_factory=list)
    where: tuple[float, int] = (0, 0)


class Result(typing.TypedDict):
    result: int


def schema_of(saved):
    path = saved / "schema.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def test_a_model_that_says_nothing_has_no_schema(saved):
    class Old(thampi.Model):
        def predict(self, args: dict, context: thampi.ThampiContext) -> dict:
            return args

    class Loose(thampi.Model):
        def predict(self, args: dict[str, float], context):
            return args

    assert schema_of(saved(Old(), "old")) is None
    assert schema_of(saved(Loose(), "loose")) is None


def test_a_typed_dict_declares(saved):
    class Typed(thampi.Model):
        def predict(self, args: Flower, context) -> Result:
            return {"result": 1}

    schema = schema_of(saved(Typed()))
    assert schema["declared"] is True
    assert schema["input"] == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Flower",
        "type": "object",
        "properties": {
            "sepal_length": {"type": "number"},
            "color": {"anyOf": [{"enum": ["red", "blue"]}, {"type": "null"}]},
        },
    }
    assert schema["output"]["required"] == ["result"]


def test_a_dataclass_declares_and_may_contain_itself():
    schema = described(Node)
    fits = compiled(schema)
    assert fits({"value": 1, "children": [{"value": 2, "children": [{"value": 3.5, "where": [1, 2]}]}]})
    assert not fits({"value": 1, "children": [{"value": 2, "children": [{"kind": "leaf"}]}]})
    assert not fits({"value": 1, "kind": "twig"})
    assert not fits({"value": 1, "where": [1, 2, 3]})


def test_a_batch_declares_by_its_items(saved):
    class Batches(thampi.Model):
        def predict_batch(self, batch: list[Flower], context):
            return batch

    assert schema_of(saved(Batches()))["input"]["title"] == "Flower"


def test_an_annotation_that_cannot_be_read_costs_the_schema_and_not_the_model(saved, capfd):
    class Lost(thampi.Model):
        def predict(self, args: "Missing", context):  # noqa: F821
            return args

    assert schema_of(saved(Lost())) is None
    assert "`args` says nothing (NameError" in capfd.readouterr().err


def test_examples_must_fit_what_is_declared(saved):
    class Typed(thampi.Model):
        def predict(self, args: Flower, context):
            return 1

    with pytest.raises(thampi.ThampiError) as refused:
        saved(Typed(), input_example={"sepal_length": "5.9"})
    assert refused.value.message == (
        'Example 1: `data.sepal_length` must be a number; you sent the text "5.9". Send 5.9, without quotes. '
        "Nothing was saved."
    )


def test_examples_say_types_keys_and_lengths_but_no_limits(saved):
    class Means(thampi.Model):
        def predict(self, args, context):
            return {"mean": sum(args["input"]) / len(args["input"])}

    examples = [
        {"input": [1, 2.5], "note": "a", "how": None},
        {"input": [3, 4], "how": "much"},
    ]
    schema = schema_of(saved(Means(), examples=examples))
    assert schema["declared"] is False
    assert schema["input"] == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "input": {
                "type": "array",
                "items": {"type": "number", "description": "from 1 to 4 in the examples"},
                "minItems": 2,
                "maxItems": 2,
            },
            "note": {"type": "string"},
            "how": {"type": ["null", "string"]},
        },
        "required": ["how", "input"],
        "examples": examples,
    }
    assert schema["output"]["properties"]["mean"]["type"] == "number"


def test_lists_of_several_lengths_have_none():
    assert inferred([[1], [1, 2]]) == {
        "type": "array",
        "items": {"type": "number", "description": "from 1 to 2 in the examples"},
    }
    assert inferred([[]]) == {"type": "array"}


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_features_of_an_estimator_name_the_numbers(saved):
    from sklearn.neighbors import KNeighborsClassifier

    names = ["sepal length (cm)", "sepal width (cm)"]
    estimator = KNeighborsClassifier(1).fit([[1, 2], [3, 4]], [0, 1])
    estimator.feature_names_in_ = names

    class Wrapper(thampi.Model):
        def __init__(self, knn):
            self.knn = knn

        def predict(self, args, context):
            return int(self.knn.predict([args["input"]])[0])

    one = schema_of(saved(Wrapper(estimator), input_example={"input": [5.9, 3.2]}))
    parts = one["input"]["properties"]["input"]
    assert [part["title"] for part in parts["prefixItems"]] == names
    assert (parts["items"], parts["minItems"]) == (False, 2)


def test_a_schema_given_by_hand_declares(saved):
    class Echo(thampi.Model):
        def predict(self, args, context):
            return args

    schema = {"type": "object", "required": ["input"]}
    found = schema_of(saved(Echo(), schema=schema, input_example={"input": 1}))
    assert found["declared"] is True
    assert found["input"]["required"] == ["input"]
    with pytest.raises(thampi.ThampiError) as refused:
        saved(Echo(), schema={"type": "float"})
    assert refused.value.code == "MODEL_INVALID"
    assert "/type must be a type of JSON" in refused.value.message


def test_saving_again_without_examples_takes_the_schema_away(saved):
    class Echo(thampi.Model):
        def predict(self, args, context):
            return args

    assert schema_of(saved(Echo(), input_example=1, rtol=0.1)) is not None
    path = saved(Echo())
    left = {entry.name for entry in Path(path).iterdir()}
    assert not left & {"schema.json", "tolerances.json", "receipts.jsonl"}


@pytest.mark.parametrize(
    "given",
    [{"rtol": -1}, {"rtol": "0.1"}, {"atol": float("nan")}, {"ignore": "result.id"}, {"ignore": ["id"]}],
)
def test_tolerances_that_make_no_sense_are_refused(saved, given):
    with pytest.raises(thampi.ThampiError) as refused:
        saved(thampi.Model(), **given)
    assert refused.value.code == "USAGE"


def test_a_declared_schema_answers_for_the_model(sandbox, saved):
    class Typed(thampi.Model):
        def predict(self, args: Flower, context):
            raise RuntimeError("was asked")

    host = sandbox(saved(Typed()))
    host.ready()
    status, body, _ = host.ask(b'{"data": {"sepal_length": "wide"}}')
    problem = json.loads(body)
    assert (status, problem["code"]) == (422, "model-rejected-input")
    assert problem["errors"] == [
        {
            "pointer": "/data/sepal_length",
            "code": "type",
            "message": '`data.sepal_length` must be a number; you sent the text "wide".',
        }
    ]
    status, body, _ = host.ask(b'{"data": {"sepal_length": 1}}')
    assert (status, json.loads(body)["code"]) == (500, "model-error")


def test_an_inferred_schema_explains_when_the_model_raises(sandbox, saved):
    class Loose(thampi.Model):
        def predict(self, args, context):
            return args.get("input", 7) / 1

    host = sandbox(saved(Loose(), input_example={"input": 5.9}))
    host.ready()
    status, body, _ = host.ask(b'{"data": {"inputs": 1}}')
    assert status == 200, "what the model can answer is answered"
    status, body, _ = host.ask(b'{"data": {"input": "x"}}')
    problem = json.loads(body)
    assert (status, problem["code"]) == (500, "model-error")
    assert problem["hint"] == (
        'By its examples, `data.input` must be a number; you sent the text "x". For example: 5.9'
    )


def test_a_schema_that_is_edited_into_nonsense_is_refused_at_load(sandbox, saved):
    path = saved(thampi.Model(), schema={"type": "number"})
    (path / "schema.json").write_text('{"declared": true, "input": {"type": "float"}}')
    failed = sandbox(path).failed()
    assert failed["code"] == "MODEL_INVALID"
    assert "/input/type must be a type of JSON" in failed["message"]
