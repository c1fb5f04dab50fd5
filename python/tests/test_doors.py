"""contract/doors.json holds for this runtime, through a real sandbox; and what only Python's results have."""

import json
from pathlib import Path

import contract_doors
import pytest
from test_contract import ANSWERS, assert_holds

DOORS = json.loads((Path(__file__).parents[2] / "contract" / "doors.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def asked(layer, tmp_path_factory):
    """Asks a model through a door; each has one sandbox with pandas and, where it matters, one without."""
    import cloudpickle
    from conftest import Host

    import thampi

    nowhere = tmp_path_factory.mktemp("nowhere")
    (nowhere / "pandas.py").write_text("raise ImportError\n")
    times = {key: ANSWERS["properties"][key] for key in ("instance_id", "trained_time_utc")}
    hosts = {}

    def host(model, has_pandas):
        key = model.__name__, has_pandas
        if key not in hosts:
            cloudpickle.register_pickle_by_value(contract_doors)
            saved = thampi.save(model(), "mymodel", tmp_path_factory.mktemp("models"), **times).path
            cloudpickle.unregister_pickle_by_value(contract_doors)
            environment = {} if has_pandas else {"PYTHONPATH": str(nowhere)}
            hosts[key] = Host(layer, saved, env=environment, maxBatch=8)
            hosts[key].ready()
        return hosts[key]

    def ask(model, body, has_pandas=True, **extra):
        return host(model, has_pandas).ask(body, extra=json.dumps(extra).encode())[:2]

    ask.host = host
    yield ask
    for each in hosts.values():
        each.close()


@pytest.mark.parametrize("case", DOORS["cases"], ids=lambda case: case["name"])
def test_a_request_through_a_door_has_this_answer(case, asked):
    body = case["text"] if "text" in case else json.dumps(case["body"])
    extra = {"door": case["door"]}
    if "contentType" in case:
        extra["contentType"] = case["contentType"]
    model = getattr(contract_doors, case["model"])
    status, answer = asked(model, body.encode(), case.get("without") != "pandas", **extra)
    assert status == case["status"], answer
    assert answer.endswith(b"}\n")
    document = json.loads(answer)
    if "response" in case:
        assert document == case["response"]
    elif "error" in case:
        assert list(document) == ["error"]
        assert case["error"] in document["error"]
    else:
        assert_holds(document, case["problem"])
        assert (document["model"], document["stage"], document["version"]) == ("mymodel", "staging", 7)


class Arrays:
    def predict(self, args, context):
        import numpy
        import pandas

        return {
            "single": numpy.array([[1, 2]], dtype="float32"),
            "bytes": numpy.array([1, 2], dtype="uint8"),
            "flag": numpy.bool_(True),
            "frame": pandas.DataFrame({"a": [1]}),
            "series": pandas.Series([1, 2], dtype="int16"),
        }


class Frame:
    def predict(self, args, context):
        import pandas

        return pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]})


def outputs_of(answer):
    return {
        output["name"]: (output["datatype"], output["shape"], output["data"])
        for output in json.loads(answer)["outputs"]
    }


ONE_INPUT = b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}'


def test_arrays_keep_their_datatype(asked, monkeypatch):
    monkeypatch.setattr(Arrays, "__module__", "__main__")
    status, answer = asked(Arrays, ONE_INPUT, door="v2")
    assert status == 200, answer
    assert outputs_of(answer) == {
        "single": ("FP32", [1, 2], [1.0, 2.0]),
        "bytes": ("UINT8", [2], [1, 2]),
        "flag": ("BOOL", [1], [True]),
        "frame": ("BYTES", [1], ['[{"a":1}]']),
        "series": ("INT16", [2], [1, 2]),
    }


def test_a_table_is_one_output_per_column(asked, monkeypatch):
    monkeypatch.setattr(Frame, "__module__", "__main__")
    _, answer = asked(Frame, ONE_INPUT, door="v2")
    assert outputs_of(answer) == {"a": ("INT64", [2], [1, 2]), "b": ("BYTES", [2], ["x", "y"])}


def test_requests_of_a_batch_are_answered_whichever_way_they_came(asked):
    host = asked.host(contract_doors.Rows, True)
    through = json.dumps({"door": "v1"}).encode()
    payloads = [
        host.request_bytes(b'{"data": 1}', "r-0"),
        host.request_bytes(b'{"instances": [2, 3]}', "r-1", extra=through),
        host.request_bytes(b'{"data": 4}', "r-2"),
    ]
    from conftest import HEAD, REPLY, REQUEST

    numbers = range(1001, 1004)
    frames = [HEAD.pack(5 + len(p), REQUEST, n) + p for n, p in zip(numbers, payloads)]
    host.send_bytes(b"".join(frames))
    answers = {}
    for _ in payloads:
        kind, number, payload = host.receive()
        assert kind == REPLY
        answers[number] = json.loads(payload[4:])
    first, second, third = (answers[number] for number in numbers)
    assert (first["result"], third["result"]) == ("1 of 1", "4 of 1")
    assert second == {"predictions": ["2 of 2", "3 of 2"]}


def test_a_model_that_ends_the_process_is_replaced_through_a_door_too(sandbox, saved):
    class Exits:
        def predict(self, args, context):
            raise SystemExit(3)

    host = sandbox(saved(Exits()))
    host.ready()
    status, answer, extra = host.ask(b'{"instances":[1]}', extra=b'{"door":"v1"}')
    assert (status, extra) == (500, {"retire": True})
    assert "sys.exit(3)" in json.loads(answer)["error"]


def test_a_declared_schema_refuses_through_a_door_before_the_model_runs(sandbox, saved):
    class Never:
        def predict(self, args, context):
            raise ValueError("it ran")

    path = saved(Never())
    schema = {"declared": True, "input": {"type": "object", "required": ["input"]}}
    (path / "schema.json").write_text(json.dumps(schema))
    host = sandbox(path)
    host.ready()
    status, answer, _ = host.ask(b'{"instances":[{"input":1},{"inputs":1}]}', extra=b'{"door":"v1"}')
    assert status == 422
    assert "`data.input` is missing (got `inputs`)" in json.loads(answer)["error"]
    status, answer, _ = host.ask(b'{"inputs":null}', extra=b'{"door":"mlflow"}')
    assert (status, json.loads(answer)["code"]) == (422, "model-rejected-input")
    status, answer, _ = host.ask(b'{"dataframe_records":[{"a":1}]}', extra=b'{"door":"mlflow"}')
    assert "it ran" in json.loads(answer)["detail"]


@pytest.mark.parametrize(
    ("door", "body"),
    [
        ("v1", {"instances": [[0, 0], [9, 9]]}),
        ("mlflow", {"instances": [[0, 0], [9, 9]]}),
        ("mlflow", {"inputs": [[0, 0], [9, 9]]}),
        ("mlflow", {"dataframe_split": {"columns": ["a", "b"], "data": [[0, 0], [9, 9]]}}),
        ("mlflow", {"dataframe_records": [{"b": 0, "a": 0}, {"a": 9, "b": 9}]}),
        ("v2", {"inputs": [{"name": "input-0", "shape": [2, 2], "datatype": "FP64", "data": [0, 0, 9, 9]}]}),
        (
            "v2",
            {
                "parameters": {"content_type": "pd"},
                "inputs": [
                    {"name": name, "shape": [2], "datatype": "FP64", "data": [0, 9]} for name in ("b", "a")
                ],
            },
        ),
    ],
)
def test_a_bare_estimator_takes_the_rows_that_clients_of_other_servers_send(estimator, door, body):
    status, answer, _ = estimator.ask(json.dumps(body).encode(), extra=json.dumps({"door": door}).encode())
    assert status == 200, answer
    document = json.loads(answer)
    result = document["outputs"][0]["data"] if door == "v2" else document["predictions"]
    assert result == ["low", "high"]


def test_rows_of_a_table_have_a_value_for_each_column(estimator):
    split = {"dataframe_split": {"columns": ["a", "b"], "data": [[1]]}}
    status, answer, _ = estimator.ask(json.dumps(split).encode(), extra=b'{"door":"mlflow"}')
    assert (status, json.loads(answer)["code"]) == (400, "invalid-request")
    assert "2 values, one for each column" in json.loads(answer)["detail"]


@pytest.fixture(scope="module")
def estimator(layer, tmp_path_factory):
    """A sandbox with a classifier that was fitted on named columns and nothing around it."""
    from conftest import Host
    from pandas import DataFrame
    from sklearn.neighbors import KNeighborsClassifier

    import thampi

    table = DataFrame({"a": [0.0, 9.0], "b": [0.0, 9.0]})
    model = thampi.Estimator(KNeighborsClassifier(1).fit(table, ["low", "high"]))
    host = Host(layer, thampi.save(model, "mymodel", tmp_path_factory.mktemp("estimator")).path)
    host.ready()
    yield host
    host.close()
