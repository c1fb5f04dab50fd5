"""What a sandbox says when a saved model cannot be loaded."""

import json
import pickle
import sys

import cloudpickle
import contract_models
import pytest

import thampi
from thampi.runtime.load import digest


@pytest.fixture(autouse=True)
def models_travel_by_value():
    cloudpickle.register_pickle_by_value(contract_models)
    yield
    cloudpickle.unregister_pickle_by_value(contract_models)


def rewrite(path, change):
    """Changes saved.json, as if another machine had written it."""
    file = path / "saved.json"
    made = json.loads(file.read_text())
    change(made)
    file.write_text(json.dumps(made))


def with_pickle(path, data, packages=None):
    (path / "model.pkl").write_bytes(data)
    rewrite(path, lambda made: made.update(packages=packages or {}))
    return path


def of_2018(path):
    (path / "saved.json").unlink()
    return path


def test_a_model_of_2018_loads_without_the_facts_that_it_lacks(sandbox, saved):
    host = sandbox(of_2018(saved(contract_models.Echo())))
    host.ready()
    assert host.ask(b'{"data":1}')[0] == 200


@pytest.mark.parametrize("file", ["model.pkl", "thampi.json"])
def test_changed_bytes_are_refused_before_anything_is_loaded(sandbox, saved, file):
    path = saved(contract_models.Echo())
    digests = {name: digest((path / name).read_bytes()) for name in ("model.pkl", "thampi.json")}
    data = bytearray((path / file).read_bytes())
    data[len(data) // 2] ^= 1
    (path / file).write_bytes(data)
    failed = sandbox(path, digests=digests).failed()
    assert failed["code"] == "INTEGRITY"
    assert failed["message"].startswith(f"{file} of mymodel is not the file that was saved")


def test_a_model_without_a_digest_is_refused(sandbox, saved):
    failed = sandbox(saved(contract_models.Echo()), digests={}).failed()
    assert (failed["code"], failed["trace"]) == ("INTEGRITY", None)


def test_another_python_is_refused_in_words(sandbox, saved):
    path = saved(contract_models.Echo(), "iris-sklearn")
    rewrite(path, lambda made: made["python"].update(version="3.6.7"))
    failed = sandbox(path).failed()
    here = ".".join(map(str, sys.version_info[:3]))
    minor = ".".join(map(str, sys.version_info[:2]))
    assert failed["code"] == "PYTHON_MISMATCH"
    assert failed["message"] == (
        f"iris-sklearn was saved with Python 3.6.7 but would be served with {here}; "
        "pickled code cannot cross Python versions."
    )
    assert failed["fix"] == f"`thampi serve … --python 3.6`, or run your training script again under {minor}."


def test_a_missing_package_is_named_with_the_version_that_was_saved(sandbox, saved):
    path = saved(contract_models.Echo(), "iris-sklearn")
    packages = {"skloose": {"distribution": "scikit-loose", "version": "1.9.1"}}
    failed = sandbox(with_pickle(path, b"cskloose.neighbors\nKNN\n.", packages)).failed()
    assert failed["code"] == "MODULE_MISSING"
    assert failed["message"].startswith("iris-sklearn needs scikit-loose (1.9.1 when saved)")
    assert failed["fix"] == "add `scikit-loose==1.9.1`."


def test_a_module_of_the_project_that_was_not_saved_is_called_that(sandbox, saved):
    failed = sandbox(with_pickle(saved(contract_models.Echo(), "iris"), b"cfeatures\nscale\n.")).failed()
    assert failed["code"] == "LOCAL_MODULE"
    assert (
        failed["message"] == "iris imports `features.py` from your project, which is not in the saved model."
    )


def test_a_class_of_the_training_script_that_was_not_saved_is_called_that(sandbox, saved):
    failed = sandbox(with_pickle(saved(contract_models.Echo(), "iris"), b"c__main__\nWrapper\n.")).failed()
    assert failed["code"] == "LOCAL_MODULE"
    assert "`Wrapper` from your training script" in failed["message"]


def test_a_package_that_lacks_a_package_of_its_own_is_no_module_of_the_project(sandbox, saved, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "installed.py").write_text("import its_own_dependency\n")
    path = with_pickle(saved(contract_models.Echo(), "iris"), b"cinstalled\nKNN\n.")
    failed = sandbox(path, codeDir=str(tmp_path / "code")).failed()
    assert failed["code"] == "MODULE_MISSING"
    assert "`its_own_dependency`" in failed["message"]
    assert "installed.py:1" in failed["why"]


def test_an_unknown_module_of_a_model_of_2018_may_be_either(sandbox, saved):
    path = of_2018(with_pickle(saved(contract_models.Echo(), "iris"), b"cfeatures\nscale\n."))
    failed = sandbox(path).failed()
    assert failed["code"] == "MODULE_MISSING"
    assert "if it is a file of your project" in failed["fix"]


@pytest.mark.parametrize("data", [b"", b"not a pickle", b"\x80\x05\x95\xff", b"cos\nno_such_name\n."])
def test_a_broken_pickle_is_a_failure_of_loading(sandbox, saved, data):
    failed = sandbox(with_pickle(saved(contract_models.Echo(), "iris"), data)).failed()
    assert failed["code"] == "MODEL_LOAD_FAILED"
    assert "Traceback" in failed["trace"]


def test_versions_that_differ_are_listed_when_loading_fails(sandbox, saved):
    packages = {"cloudpickle": {"distribution": "cloudpickle", "version": "0.5.6"}}
    failed = sandbox(with_pickle(saved(contract_models.Echo()), b"cos\nno_such_name\n.", packages)).failed()
    assert failed["why"] == f"Here: cloudpickle {cloudpickle.__version__} (0.5.6 when saved)."


def test_code_that_exits_while_it_is_unpickled_is_a_failure_of_loading(sandbox, saved):
    failed = sandbox(with_pickle(saved(contract_models.Echo()), b"csys\nexit\n(I3\ntR.")).failed()
    assert failed["code"] == "MODEL_LOAD_FAILED"
    assert "sys.exit(3)" in failed["message"]


def test_an_object_without_predict_is_no_model(sandbox, saved):
    failed = sandbox(with_pickle(saved(contract_models.Echo()), pickle.dumps({"a": 1}))).failed()
    assert failed["code"] == "MODEL_LOAD_FAILED"
    assert "'dict', which has no method predict" in failed["message"]


class Unready(contract_models.Echo):
    def initialize(self, context):
        raise OSError("no vocabulary")


def test_an_exception_in_initialize_is_the_models_with_its_line(sandbox, saved):
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        failed = sandbox(saved(Unready())).failed()
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    line = Unready.initialize.__code__.co_firstlineno + 1
    assert failed["code"] == "MODEL_RAISED"
    assert failed["message"] == f"OSError in test_load.py:{line}, `initialize`: no vocabulary"
    assert "no vocabulary" in failed["trace"]


def test_a_model_is_gone_or_unreadable(sandbox, saved):
    path = saved(contract_models.Echo())
    digests = {"model.pkl": "sha256:0", "thampi.json": "sha256:0"}
    (path / "model.pkl").unlink()
    assert sandbox(path, digests=digests).failed()["code"] == "MODEL_MISSING"


def test_load_gives_the_model_back(saved):
    model = thampi.load(saved(contract_models.Double()))
    assert model.predict({"value": 3}, thampi.ThampiContext()) == {"result": 6}


def test_load_compares_the_digest(saved):
    path = saved(contract_models.Double())
    data = bytearray((path / "model.pkl").read_bytes())
    data[-20] ^= 1
    (path / "model.pkl").write_bytes(data)
    with pytest.raises(thampi.ThampiError) as caught:
        thampi.load(path)
    assert caught.value.code == "INTEGRITY"


def test_load_says_where_it_looked(tmp_path):
    with pytest.raises(thampi.ThampiError) as caught:
        thampi.load(tmp_path / "nothing")
    assert caught.value.code == "MODEL_MISSING"
    assert "model.pkl is missing" in str(caught.value)
