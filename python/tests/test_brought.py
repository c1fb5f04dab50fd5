"""Models that MLflow wrote, without MLflow: signatures, arrays, flavours, digests."""

import json
import pickle

import numpy
import pandas
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import thampi
from thampi.errors import BadInput, ThampiError
from thampi.mlmodel import mlmodel
from thampi.runtime import brought
from thampi.runtime.load import digest
from thampi.runtime.signature import Signature
from thampi.runtime.tensors import tensor

FEATURES, TARGETS = load_iris(return_X_y=True)
IRIS = LogisticRegression(max_iter=1000).fit(FEATURES, TARGETS)
FLOWER = [5.9, 3.2, 4.8, 1.8]
CONTEXT = thampi.ThampiContext()


def columns(**types):
    return Signature(
        [{"name": n, "type": t.rstrip("?"), "required": not t.endswith("?")} for n, t in types.items()]
    )


@pytest.mark.parametrize(
    ("value", "dtype", "shape", "expected", "alone"),
    [
        ([[1, 2], [3, 4]], "float32", (-1, 2), [[1, 2], [3, 4]], False),
        ([1, 2], "float32", (-1, 2), [[1, 2]], True),
        ([2**53 + 1], "int64", (None,), [2**53 + 1], False),
        (2**63 - 1, "int64", (None,), [2**63 - 1], True),
        ([2**64 - 1], "uint64", (1,), [2**64 - 1], False),
        ([True, False], "bool", (2,), [True, False], False),
        (["a", "ü"], "str", (-1,), ["a", "ü"], False),
        (7, "int32", (), 7, False),
        ([1, 2.0], "int64", (-1,), [1, 2], False),
        ([], "int64", (-1,), [], False),
    ],
)
def test_lists_become_arrays(value, dtype, shape, expected, alone):
    array, came_alone = tensor(value, dtype, shape, "/data/input")
    assert (array.tolist(), came_alone) == (expected, alone)
    assert array.ndim == len(shape)


@pytest.mark.parametrize(
    ("value", "dtype", "shape", "words"),
    [
        ([[1, 2, 3]], "float32", (-1, 2), "`data.input[0]` has 3 values; 2 are wanted"),
        ([1, 2, 3], "float32", (-1, 2), "`data.input` has 3 values; 2 are wanted"),
        ([[1], [1, 2]], "float32", (-1, -1), "must be of one length"),
        ([1, "2"], "float32", (-1,), "`data.input[1]` must be a number"),
        ([1, True], "float32", (-1,), "`data.input[1]` must be a number"),
        ([1, None], "float64", (-1,), "`data.input[1]` must be a number"),
        ([1, 2.5], "int64", (-1,), "`data.input[1]` must be a whole number"),
        ([2**63], "int64", (-1,), "does not fit into int64"),
        ([300], "uint8", (-1,), "does not fit into uint8"),
        ([-1], "uint64", (-1,), "does not fit into uint64"),
        ([1e39], "float32", (-1,), "does not fit into float32"),
        ([70000], "float16", (-1,), "does not fit into float16"),
        ([10**400], "float64", (-1,), "does not fit into float64"),
        ([1], "bool", (-1,), "`data.input[0]` must be true or false"),
        ([1], "str", (-1,), "`data.input[0]` must be a text"),
        ("x", "float32", (-1, 2), "`data.input` must be a list"),
        ([], "float32", (-1, 2), "`data.input` has 0 values; 2 are wanted"),
        ([[[1, 2], 3]], "float32", (-1, 2), "`data.input[0][0]` must be a number"),
        ({}, "float32", (-1, 2), "`data.input` must be a list"),
    ],
)
def test_what_is_no_such_array_is_refused_by_place(value, dtype, shape, words):
    with pytest.raises(BadInput) as refused:
        tensor(value, dtype, shape, "/data/input")
    assert words in str(refused.value)


def test_columns_are_taken_by_name_and_widened():
    signature = columns(a="long", b="double", c="string", d="boolean", e="integer", f="float")
    row = {"f": 1, "e": 2, "d": True, "c": "x", "b": 3, "a": 4, "more": None}
    table, count, alone = signature.read({"input": [row, row]})
    assert list(table.columns) == list("abcdef")
    assert [str(table[name].dtype) for name in "abdef"] == ["int64", "float64", "bool", "int32", "float32"]
    assert (count, alone) == (2, False)
    alone, count, was_alone = signature.read(row)
    assert (count, was_alone) == (1, True)
    assert alone.iloc[0].tolist() == table.iloc[0].tolist()


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("long", 1.5, "must be a whole number of 64 bits"),
        ("long", 2**63, "must be a whole number of 64 bits"),
        ("integer", 2**31, "must be a whole number of 32 bits"),
        ("integer", True, "must be a whole number of 32 bits"),
        ("double", "1", "must be a number"),
        ("float", 1e39, "must be a number"),
        ("string", 1, "must be a text"),
        ("boolean", 0, "must be true or false"),
        ("binary", "é", "must be a text in base64"),
        ("datetime", "yesterday", "must be a date"),
        ("long", None, "not null"),
    ],
)
def test_other_types_are_refused(kind, value, words):
    with pytest.raises(BadInput, match=words) as refused:
        columns(a=kind).read({"input": [{"a": value}]})
    assert refused.value.pointer == "/data/input/0/a"


def test_what_is_missing_is_named_unless_it_is_optional():
    signature = columns(a="double", b="double?")
    table, _, _ = signature.read({"a": 1})
    assert list(table.columns) == ["a"]
    table, _, _ = signature.read({"input": [{"a": 1}, {"a": 1, "b": 2}]})
    assert table["b"].isna().tolist() == [True, False]
    with pytest.raises(BadInput, match=r"`a` is missing. Expected: a: double, b: double \(optional\)."):
        signature.read({"input": [{"b": 1}]})


def test_dates_and_bytes_arrive_as_such():
    table, _, _ = columns(when="datetime", what="binary").read(
        {"when": "2018-09-06T22:03:04", "what": "aGk="}
    )
    assert table["when"][0] == pandas.Timestamp("2018-09-06T22:03:04")
    assert table["what"][0] == b"hi"


def test_tensors_by_name():
    signature = Signature(
        [
            {"type": "tensor", "name": "x", "dtype": "float64", "shape": [-1, 2]},
            {"type": "tensor", "name": "n", "dtype": "int64", "shape": [-1]},
        ]
    )
    arrays, count, _ = signature.read({"x": [[1, 2]], "n": [3]})
    assert ({name: array.tolist() for name, array in arrays.items()}, count) == (
        {"x": [[1, 2]], "n": [3]},
        None,
    )
    assert signature.read({"input": {"x": [[1, 2]], "n": [3]}})[0]["n"].tolist() == [3]
    with pytest.raises(BadInput, match="`n` is missing"):
        signature.read({"x": [[1, 2]]})


def test_a_table_is_an_array_to_a_model_of_arrays():
    signature = Signature([{"type": "tensor", "dtype": "float64", "shape": [-1, 2]}])
    array, count, alone = signature.read({"input": [{"a": 1, "b": 2}, {"b": 4, "a": 3}]})
    assert (array.tolist(), count, alone) == ([[1, 2], [3, 4]], 2, False)
    with pytest.raises(BadInput, match=r"`data\.input\[1\]` has other columns than the first row: a, c\."):
        signature.read({"input": [{"a": 1, "b": 2}, {"a": 3, "c": 4}]})


SIGNATURE = {"inputs": [{"type": "tensor", "dtype": "float64", "shape": [-1, 4]}]}
FLAVORS = {"sklearn": {"pickled_model": "model.pkl", "serialization_format": "cloudpickle"}}


@pytest.fixture
def directory(tmp_path):
    """An MLflow directory of the plain flavour, with what the command line adds."""

    def make(estimator=IRIS, flavors=FLAVORS, signature=SIGNATURE):
        facts = {"format": "mlflow", "flavors": flavors, "signature": signature}
        properties = {
            "thampi_data_version": "0.1",
            "trained_time_utc": "2018-09-06T22:03:04",
            "instance_id": "x",
        }
        (tmp_path / "model.pkl").write_bytes(pickle.dumps(estimator))
        (tmp_path / "brought.json").write_text(json.dumps(facts))
        (tmp_path / "thampi.json").write_text(json.dumps(properties))
        digests = {file.name: digest(file.read_bytes()) for file in tmp_path.iterdir()}
        return {"modelDir": str(tmp_path), "digests": digests, "model": "iris"}

    return make


def test_the_plain_flavour_predicts_without_mlflow(directory):
    model, saved = brought.load(directory())
    assert saved.properties["instance_id"] == "x"
    expected = IRIS.predict(FEATURES).tolist()
    assert model.predict({"input": FEATURES.tolist()}, CONTEXT) == expected
    assert model.predict({"input": FLOWER}, CONTEXT) == 2
    batch = [{"input": FLOWER}, {"input": FEATURES[:3].tolist()}, {"input": [1]}, {}]
    results = model.predict_batch(batch, CONTEXT)
    assert results[:2] == [2, expected[:3]]
    assert [type(result) for result in results[2:]] == [BadInput] * 2


def test_without_a_signature_the_estimator_says_what_it_wants(directory):
    model, _ = brought.load(directory(signature={}))
    assert model.predict({"input": FLOWER}, CONTEXT) == 2
    with pytest.raises(BadInput, match="has 3 values; the model was fitted on 4"):
        model.predict({"input": FLOWER[:3]}, CONTEXT)


def test_a_hole_in_a_table_is_the_callers(directory):
    named = LogisticRegression(max_iter=1000).fit(pandas.DataFrame(FEATURES, columns=list("abcd")), TARGETS)
    signature = {"inputs": [{"type": "double", "name": name, "required": True} for name in "abcd"]}
    model, _ = brought.load(directory(named, signature=signature))
    assert model.predict(dict(zip("abcd", FLOWER)), CONTEXT) == 2
    with pytest.raises(BadInput, match="contains NaN"):
        model.predict({**dict(zip("abcd", FLOWER)), "b": None}, CONTEXT)


def test_a_flavour_of_its_own_needs_mlflow(directory):
    start = directory(flavors={"python_function": {"loader_module": "mlflow.pyfunc.model"}})
    with pytest.raises(ThampiError) as refused:
        brought.load(start)
    assert refused.value.code == "MODULE_MISSING"
    assert "mlflow" in refused.value.hint


@pytest.mark.parametrize("change", ["flip", "more", "less", "unknown"])
def test_nothing_is_loaded_that_was_not_packed(directory, tmp_path, change):
    start = directory()
    if change == "flip":
        data = bytearray((tmp_path / "model.pkl").read_bytes())
        data[40] ^= 1
        (tmp_path / "model.pkl").write_bytes(data)
    elif change == "more":
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "extra.py").write_text("raise SystemExit")
    elif change == "less":
        (tmp_path / "model.pkl").unlink()
    else:
        start["digests"].pop("model.pkl")
    with pytest.raises(ThampiError) as refused:
        brought.load(start)
    assert refused.value.code == "INTEGRITY"


def test_a_model_that_cannot_be_unpickled_says_so(directory):
    start = directory(flavors={"sklearn": {"pickled_model": "brought.json"}})
    with pytest.raises(ThampiError) as refused:
        brought.load(start)
    assert refused.value.code == "MODEL_LOAD_FAILED"


def test_it_answers_from_a_sandbox(directory, sandbox):
    start = directory()
    host = sandbox(start["modelDir"], digests=start["digests"])
    host.ready()
    status, body, _ = host.ask(json.dumps({"data": {"input": FLOWER}}).encode())
    said = json.loads(body)
    assert (status, said["result"]) == (200, 2)
    assert said["properties"]["trained_time_utc"] == "2018-09-06T22:03:04"


def test_save_writes_what_mlflow_asks_for(saved):
    document = json.loads((saved(thampi.Estimator(IRIS)) / "MLmodel").read_text())
    assert document["flavors"]["python_function"]["loader_module"] == "thampi.mlflow"
    assert (
        json.loads(mlmodel({"trained_time_utc": "2018-01-01T00:00:00", "instance_id": "x"}, "3.11.7"))[
            "utc_time_created"
        ]
        == "2018-01-01 00:00:00"
    )


def test_mlflow_opens_a_saved_model_through_a_loader_of_ours(saved):
    from thampi.mlflow import _load_pyfunc

    opened = _load_pyfunc(saved(thampi.Estimator(IRIS)))
    assert opened.predict({"input": FLOWER}) == 2
    assert opened.predict([{"input": FLOWER}] * 2) == [2, 2]
    assert opened.predict(numpy.array([FLOWER] * 3)) == [2, 2, 2]
    with pytest.raises(BadInput):
        opened.predict([{"input": [1]}])
