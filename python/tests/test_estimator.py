"""Bare estimators: what they are asked, how they answer, and how a file becomes a saved model."""

import json
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy
import pandas
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import thampi
from thampi.runtime.answer import Answerer
from thampi.wrapping import load_estimator

FEATURES, TARGETS = load_iris(return_X_y=True)
IRIS = LogisticRegression(max_iter=1000).fit(FEATURES, TARGETS)
FLOWER = [5.9, 3.2, 4.8, 1.8]


def flowers(names=("length", "width", "petal", "breadth")):
    return LogisticRegression(max_iter=1000).fit(pandas.DataFrame(FEATURES, columns=names), TARGETS)


def answer(estimator, data, **more):
    body = json.dumps({"data": data}).encode()
    status, text, _ = Answerer(thampi.Estimator(estimator, **more), {}).answer(body, thampi.ThampiContext())
    said = json.loads(text)
    return said["result"] if status == 200 else (status, said["code"], said["detail"])


def test_one_row_gives_one_prediction_and_rows_a_list():
    expected = IRIS.predict(FEATURES[:50]).tolist()
    assert answer(IRIS, {"input": FLOWER}) == IRIS.predict([FLOWER])[0]
    assert answer(IRIS, {"input": FEATURES[:50].tolist()}) == expected
    assert answer(IRIS, {"input": FEATURES[:1].tolist()}) == expected[:1]


def test_named_columns_come_in_any_order_alone_or_in_a_list_and_more_of_them_are_ignored():
    estimator = flowers()
    named = {"breadth": 1.8, "petal": 4.8, "width": 3.2, "length": 5.9, "colour": "blue"}
    expected = answer(estimator, {"input": FLOWER})
    assert answer(estimator, named) == answer(estimator, {"input": named}) == expected
    assert answer(estimator, {"input": [named, named]}) == [expected] * 2
    assert answer(estimator, {"input": [FLOWER, named]}) == [expected] * 2


def test_a_column_may_be_called_input():
    estimator = flowers(("input", "width", "petal", "breadth"))
    named = {"breadth": 1.8, "petal": 4.8, "width": 3.2, "input": 5.9}
    assert answer(estimator, named) == answer(IRIS, {"input": FLOWER})


def test_probabilities_stand_under_the_names_of_the_classes():
    result = answer(IRIS, {"input": FLOWER}, probabilities=True)
    assert result["prediction"] == 2
    assert result["probabilities"] == pytest.approx(dict(zip("012", IRIS.predict_proba([FLOWER])[0])))


def test_texts_go_to_a_vectorizer():
    texts = make_pipeline(TfidfVectorizer(), LogisticRegression())
    texts.fit(["so good", "so bad", "very good", "bad"], ["up", "down", "up", "down"])
    assert answer(texts, {"input": "good"}) == "up"
    assert answer(texts, {"input": ["good", "bad"]}) == ["up", "down"]
    assert answer(texts, {"input": [1]})[:2] == (422, "model-rejected-input")
    assert answer(texts, {"input": []})[:2] == (422, "model-rejected-input")


def test_texts_among_the_columns_are_fine_where_the_pipeline_takes_them():
    table = pandas.DataFrame({"city": ["Rome", "Oslo", "Rome"], "days": [1, 2, 3]})
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city"]), remainder="passthrough"
    )
    pipeline = make_pipeline(encode, LinearRegression()).fit(table, [10.0, 40.0, 30.0])
    asked = [{"city": "Rome", "days": 1}, {"city": "Oslo", "days": 2}]
    assert answer(pipeline, {"input": asked}) == pytest.approx([10.0, 40.0])


def test_missing_values_are_for_models_that_know_them():
    knows = HistGradientBoostingClassifier(max_iter=5).fit(FEATURES, TARGETS)
    hole = [5.9, None, 4.8, 1.8]
    assert answer(knows, {"input": hole}) == knows.predict([[5.9, numpy.nan, 4.8, 1.8]])[0]
    status, code, detail = answer(IRIS, {"input": hole})
    assert (status, code) == (422, "model-rejected-input")
    assert "NaN" in detail


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "`data.input` is missing. Expected: a row of 4 values"),
        ({"inputs": FLOWER}, "`data.input` is missing"),
        (FLOWER, "`data.input` is missing"),
        ({"input": FLOWER[:3]}, "`data.input` has 3 values; the model was fitted on 4"),
        ({"input": [FLOWER, FLOWER[:3]]}, "`data.input[1]` has 3 values"),
        ({"input": [FLOWER, 1]}, "`data.input[1]` must be a row of 4 values"),
        ({"input": [1, [2], 3, 4]}, "`data.input[1]` must be a single value"),
        ({"input": []}, "`data.input` must be a row"),
        ({"input": [[]]}, "`data.input[0]` must be a row"),
        ({"input": "5.9"}, "`data.input` must be a row"),
        ({"input": ["5.9", "wide", 4.8, 1.8]}, "could not convert string to float: 'wide'"),
        ({"input": [10**400, 1, 1, 1]}, "cannot take `data.input`"),
        ({"input": {"a": 1}}, "must be a row"),
    ],
)
def test_wrong_inputs_are_the_callers(data, words):
    status, code, detail = answer(IRIS, data)
    assert (status, code) == (422, "model-rejected-input")
    assert words in detail


def test_a_missing_column_is_named():
    status, _, detail = answer(
        flowers(), {"input": [{"length": 1, "width": 2, "petal": 3, "breadth": 4}, {}]}
    )
    assert (status, detail) == (422, "`length` is missing. The columns are length, width, petal, breadth.")


def test_an_exception_over_plain_numbers_is_the_models():
    class Broken:
        n_features_in_ = 2

        def predict(self, rows):
            raise ValueError("no such season")

    assert answer(Broken(), {"input": [1, 2]})[:2] == (500, "model-error")


class Counting:
    """Remembers how often it was asked."""

    n_features_in_ = 4

    def __init__(self):
        self.calls = []

    def predict(self, rows):
        self.calls.append(len(rows))
        return IRIS.predict(rows)


def test_callers_in_a_batch_share_one_call_and_get_what_they_get_alone():
    counting = Counting()
    model = thampi.Estimator(counting)
    rows = FEATURES[:40].tolist()
    batch = [{"input": row} for row in rows[:10]] + [{"input": rows[10:40]}, {"input": [1]}, {}]
    results = model.predict_batch(batch, thampi.ThampiContext())
    assert counting.calls == [40]
    assert results[:10] == IRIS.predict(rows[:10]).tolist()
    assert results[10] == IRIS.predict(rows[10:40]).tolist()
    assert [type(result) for result in results[11:]] == [thampi.BadInput] * 2


def test_a_text_in_one_input_leaves_its_neighbours_alone():
    counting = Counting()
    results = thampi.Estimator(counting).predict_batch(
        [{"input": FLOWER}, {"input": ["x", 1, 1, 1]}, {"input": FLOWER}], thampi.ThampiContext()
    )
    assert results[0] == results[2] == 2
    assert isinstance(results[1], thampi.BadInput)
    assert counting.calls == [2, 1]


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        ({"model": IRIS}, "A dict is no estimator; its keys are 'model'"),
        (LogisticRegression(), "LogisticRegression was never fitted"),
        (LogisticRegression, "LogisticRegression is a class"),
        (numpy.zeros(3), "has no `predict`"),
    ],
)
def test_what_is_no_fitted_estimator_is_refused(thing, words):
    with pytest.raises(thampi.ThampiError, match=words) as refused:
        thampi.Estimator(thing)
    assert refused.value.code == "MODEL_INVALID"


def test_probabilities_are_refused_where_there_are_none():
    with pytest.raises(thampi.ThampiError, match="has no `predict_proba`"):
        thampi.Estimator(LinearRegression().fit(FEATURES, TARGETS), probabilities=True)


def test_the_pickle_names_the_packages_it_needs(saved):
    made = json.loads((saved(thampi.Estimator(flowers())) / "saved.json").read_text())
    assert {"pandas", "sklearn"} <= set(made["packages"])
    assert thampi.load(saved(thampi.Estimator(IRIS))).predict({"input": FLOWER}, thampi.ThampiContext())


# Files.


PROGRAM = "import sys; from thampi.wrapping import main; sys.exit(main(sys.argv[1]))"


def wrapped(**asked):
    """(exit status, document) of the program that the command line starts."""
    environment = {**os.environ, "PYTHONPATH": str(Path(thampi.__file__).parents[1])}
    command = [sys.executable, "-c", PROGRAM, json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("compress", [0, 3, ("xz", 3), ("bz2", 3), ("gzip", 3)])
def test_joblib_files_are_read_however_compressed(tmp_path, compress):
    joblib.dump(IRIS, tmp_path / "iris.joblib", compress=compress)
    estimator, notices = load_estimator(tmp_path / "iris.joblib")
    assert (estimator.predict([FLOWER]).tolist(), notices) == ([2], [])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_every_protocol_are_read(tmp_path, protocol):
    (tmp_path / "iris.pkl").write_bytes(pickle.dumps(IRIS, protocol))
    assert load_estimator(tmp_path / "iris.pkl")[0].predict([FLOWER]).tolist() == [2]


def test_a_file_becomes_a_saved_model_with_a_receipt(tmp_path):
    joblib.dump(IRIS, tmp_path / "iris.joblib")
    asked = {"file": str(tmp_path / "iris.joblib"), "name": "iris", "path": str(tmp_path / "models")}
    status, said = wrapped(**asked, example={"input": FLOWER})
    assert (status, said["estimator"], said["width"]) == (0, "LogisticRegression", 4)
    assert said["dir"] == str(tmp_path / "models" / "iris")
    receipts = (tmp_path / "models" / "iris" / "receipts.jsonl").read_text()
    assert json.loads(receipts) == {"data": {"input": FLOWER}, "result": 2}


def test_nothing_is_said_about_annotations_that_are_not_the_users(tmp_path, capfd):
    thampi.save(thampi.Estimator(IRIS), "quiet", tmp_path, examples=[{"input": FLOWER}])
    assert "annotation" not in capfd.readouterr().err


def test_what_a_pickle_prints_is_not_in_the_document(tmp_path):
    (tmp_path / "loud.pkl").write_bytes(b"cbuiltins\nprint\n(Vloaded\ntR.")
    status, said = wrapped(file=str(tmp_path / "loud.pkl"), name="loud", path=str(tmp_path))
    assert (status, said["error"]["code"]) == (1, "MODEL_INVALID")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "MODEL_INVALID"),
        (b"hello", "MODEL_INVALID"),
        (b"PK\x03\x04", "MODEL_INVALID"),
        (pickle.dumps(IRIS)[:200], "MODEL_LOAD_FAILED"),
        (b"cnosuchmodule\nThing\n.", "MODULE_MISSING"),
        (b"csys\nexit\n(I3\ntR.", "MODEL_LOAD_FAILED"),
    ],
)
def test_files_that_hold_no_estimator_are_refused_by_name(tmp_path, content, code):
    (tmp_path / "model.pkl").write_bytes(content)
    with pytest.raises(thampi.ThampiError) as refused:
        load_estimator(tmp_path / "model.pkl")
    assert refused.value.code == code
    assert "model.pkl" in refused.value.message


def test_a_file_that_is_not_there_is_missing(tmp_path):
    with pytest.raises(thampi.ThampiError) as refused:
        load_estimator(tmp_path / "model.joblib")
    assert refused.value.code == "MODEL_MISSING"


def test_another_version_of_scikit_learn_is_told(tmp_path):
    data = pickle.dumps(IRIS, protocol=0)
    import sklearn

    assert sklearn.__version__.encode() in data
    old = data.replace(sklearn.__version__.encode(), b"0.24")
    (tmp_path / "old.pkl").write_bytes(old)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # none of scikit-learn's own is to be shown
        _, notices = load_estimator(tmp_path / "old.pkl")
    assert len(notices) == 1
    assert f"was saved with scikit-learn 0.24 and loaded with {sklearn.__version__}" in notices[0]
