"""contract/lambda.json holds for the function, and with it the contracts of bodies: events, answers."""

import copy
import json
import random

import contract_doors
import pytest
from lambda_support import (
    ANSWERS,
    CONTRACT,
    EVENTS,
    LambdaContext,
    event_of,
    joined,
    lay_out,
    model_named,
    save,
)
from test_contract import assert_holds, body_of

from thampi.runtime.lambda_function import Function, ThampiProblem
from thampi.runtime.lambda_logs import JsonLogs

DOORS = json.loads((CONTRACT / "doors.json").read_text("utf-8"))
PATHS = {
    "v2": "/v2/models/mymodel/infer",
    "v1": "/v1/models/mymodel:predict",
    "mlflow": "/mymodel/invocations",
}


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    """The function of a model of the contracts; one for all its cases with the same manifest."""
    saved, functions = {}, {}

    def function(model, changes=None):
        if model not in saved:
            saved[model] = save(model(), tmp_path_factory.mktemp("models"))
        key = model, json.dumps(changes, sort_keys=True)
        if key not in functions:
            root = tmp_path_factory.mktemp("task")
            manifest = lay_out(saved[model], root, changes)
            functions[key] = Function(manifest, str(root), EVENTS["version"], JsonLogs(EVENTS["version"], 2))
            functions[key].begin("on-demand")
        return functions[key]

    return function


@pytest.mark.parametrize("front", EVENTS["fronts"], ids=lambda front: front["name"])
@pytest.mark.parametrize("case", EVENTS["requests"], ids=lambda case: case["name"])
def test_a_request_has_this_answer_whoever_is_in_front(case, front, functions):
    function = functions(model_named(case["model"]), case.get("manifest"))
    answer = function(event_of(front, case["request"]), LambdaContext())
    assert list(answer) == ["statusCode", "headers", "body", "isBase64Encoded"]
    assert (answer["statusCode"], answer["headers"]) == (case["status"], case["headers"]), answer["body"][
        :500
    ]
    assert answer["isBase64Encoded"] is False
    assert_body(answer["body"], case)
    assert len(json.dumps(answer, ensure_ascii=False).encode()) <= 6 * 1024 * 1024


def assert_body(body, case):
    if "response" in case:
        assert body == case["response"]
    elif "responseRepeat" in case:
        assert body == joined(case["responseRepeat"])
    elif "json" in case:
        assert json.loads(body) == case["json"]
    elif "result" in case:
        assert_holds(json.loads(body)["result"], case["result"])
    else:
        problem = json.loads(body)
        assert body.endswith("}\n")
        assert_holds(problem, case.get("problem", {}))
        assert not set(case.get("absent", ())) & set(problem)


@pytest.mark.parametrize("case", EVENTS["events"], ids=lambda case: case["name"])
def test_an_event_has_this_answer(case, functions):
    function = functions(model_named(case["model"]))
    if "problem" in case:
        with pytest.raises(ThampiProblem) as caught:
            function(case["event"], LambdaContext())
        assert_holds(json.loads(str(caught.value)), case["problem"])
        return
    answer = function(case["event"], LambdaContext())
    if "answer" in case:
        assert answer == case["answer"]
    else:
        assert_holds(answer, case["has"])
    if "bodyProblem" in case:
        assert_holds(json.loads(answer["body"]), case["bodyProblem"])


@pytest.mark.parametrize("case", ANSWERS["cases"], ids=lambda case: case["name"])
def test_a_body_means_what_it_means_everywhere(case, functions):
    import base64

    request = {
        "method": "POST",
        "path": "/mymodel/predict",
        "query": "pretty" if case.get("pretty") else "",
        "headers": {"x-request-id": "r-1"},
        "bodyBase64": base64.b64encode(body_of(case)).decode("ascii"),
    }
    function = functions(model_named(case["model"]))
    answer = function(event_of(EVENTS["fronts"][0], request), LambdaContext())
    assert answer["statusCode"] == case["status"], answer["body"]
    if "response" in case:
        assert answer["body"] == case["response"]
    else:
        problem = json.loads(answer["body"])
        assert_holds(problem, case["problem"])
        assert problem["instance"] == "urn:thampi:request:r-1"


@pytest.mark.parametrize(
    "case",
    [case for case in DOORS["cases"] if case["door"] in PATHS and "without" not in case],
    ids=lambda case: case["name"],
)
def test_other_protocols_mean_what_they_mean_everywhere(case, functions):
    headers = {"x-request-id": "r-1", "content-type": case.get("contentType", "application/json")}
    body = case["text"] if "text" in case else json.dumps(case["body"])
    request = {"method": "POST", "path": PATHS[case["door"]], "headers": headers, "body": body}
    function = functions(model_named(case["model"], contract_doors))
    answer = function(event_of(EVENTS["fronts"][0], request), LambdaContext())
    assert answer["statusCode"] == case["status"], answer["body"]
    document = json.loads(answer["body"])
    if "response" in case:
        assert document == case["response"]
    elif "error" in case:
        assert list(document) == ["error"]
        assert case["error"] in document["error"]
    else:
        assert_holds(document, case["problem"])


def test_no_event_however_odd_makes_a_mistake_of_ours(functions, monkeypatch):
    function = functions(model_named("Echo"))
    monkeypatch.setattr(function, "mistake", lambda: pytest.fail("a mistake of ours"))
    chance = random.Random(7)
    request = {"method": "POST", "path": "/mymodel/predict", "query": "pretty", "body": '{"data": 1}'}
    events = [event_of(front, request) for front in EVENTS["fronts"]]
    events += [case["event"] for case in EVENTS["events"]]
    for _ in range(3_000):
        event = mutated(copy.deepcopy(chance.choice(events)), chance)
        try:
            answer = function(event, LambdaContext())
        except ThampiProblem as problem:
            answer = json.loads(str(problem))
        json.dumps(answer, ensure_ascii=False, allow_nan=False).encode("utf-8")


def mutated(event, chance):
    """The event with one to three of its values replaced, or gone."""
    for _ in range(chance.randint(1, 3)):
        places = list(places_in(event))
        if not places:
            return chance.choice(ODD)
        inside, key = chance.choice(places)
        if chance.random() < 0.3:
            del inside[key]
        else:
            inside[key] = copy.deepcopy(chance.choice(ODD))
    return event


ODD = [
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    "",
    "x",
    "\ud800",
    "/mymodel/predict",
    [],
    [1],
    {},
    {"a": None},
    {"pretty": [0]},
]


def places_in(value):
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from places_in(inner)
