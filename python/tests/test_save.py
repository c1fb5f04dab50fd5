"""`save`: what stands in the directory afterwards, and what stands there when it fails."""

import hashlib
import json
import os
import pickle
import random
import subprocess
import sys
import textwrap
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cloudpickle
import contract_models
import numpy as np
import pytest

import thampi
from thampi.packages import of_modules
from thampi.pickling import modules_named_by

SOURCE = Path(thampi.__file__).parents[1]


def facts(path):
    return json.loads((path / "thampi.json").read_text("utf-8"))


def made(path):
    return json.loads((path / "saved.json").read_text("utf-8"))


def run(directory, program, **environment):
    """Runs a training script in a directory of its own."""
    (directory / "train.py").write_text(textwrap.dedent(program))
    env = {key: value for key, value in os.environ.items() if not key.startswith("THAMPI")}
    return subprocess.run(
        [sys.executable, "train.py"],
        cwd=directory,
        env={**env, "PYTHONPATH": str(SOURCE), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def load_elsewhere(path, tmp_path, args):
    """What the model answers in a process that has never seen the training script."""
    program = f"""
        import sys, thampi
        model = thampi.load({str(path)!r})
        print(model.predict({args!r}, thampi.ThampiContext()))
    """
    (tmp_path / "elsewhere").mkdir(exist_ok=True)
    done = run(tmp_path / "elsewhere", program)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_thampi_json_is_the_file_of_2018_to_the_byte(tmp_path):
    saved = thampi.save(
        contract_models.Echo(),
        "iris",
        tmp_path,
        trained_time_utc=datetime(2018, 9, 6, 22, 3, 4, 886644),
        instance_id="9dbc56dd",
        tags={"größe": 1.0},
    )
    assert (saved.path / "thampi.json").read_bytes().decode() == (
        '{\n    "thampi_data_version": "0.1",\n'
        '    "trained_time_utc": "2018-09-06T22:03:04.886644",\n'
        '    "instance_id": "9dbc56dd",\n'
        '    "tags": {\n        "größe": 1.0\n    }\n}'
    )


def test_times_and_ids_come_from_wherever_the_caller_says(tmp_path):
    def save(**more):
        return facts(thampi.save(contract_models.Echo(), "iris", tmp_path, **more).path)

    assert list(save()) == ["thampi_data_version", "trained_time_utc", "instance_id"]
    assert save(now_func=lambda: "2018-01-01T00:00:00")["trained_time_utc"] == "2018-01-01T00:00:00"
    assert save(now_func=lambda: datetime(2018, 1, 1))["trained_time_utc"] == "2018-01-01T00:00:00"
    aware = datetime(2018, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert save(trained_time_utc=aware)["trained_time_utc"] == "2018-01-01T00:00:00"
    assert save(uuid_str_func=lambda: "an-id")["instance_id"] == "an-id"
    assert len(save()["instance_id"]) == 36


def test_the_directory_says_what_it_was_made_with(tmp_path):
    path = thampi.save(contract_models.Echo(), "iris", tmp_path).path
    assert sorted(file.name for file in path.iterdir()) == [
        "MLmodel",
        "model.pkl",
        "saved.json",
        "thampi.json",
    ]
    found = made(path)
    assert (found["schemaVersion"], found["format"], found["name"]) == (1, "python", "iris")
    assert found["python"] == {
        "version": ".".join(map(str, sys.version_info[:3])),
        "implementation": sys.implementation.name,
    }
    assert found["cloudpickle"] == cloudpickle.__version__
    assert found["thampi"] == thampi.__version__
    for file, digest in found["files"].items():
        assert digest == "sha256:" + hashlib.sha256((path / file).read_bytes()).hexdigest()
    assert set(found["files"]) == {"model.pkl", "thampi.json"}


def test_a_class_and_a_module_of_the_project_travel_inside(tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "features").mkdir()
    (tmp_path / "project" / "features" / "__init__.py").write_text("from features.scaling import scale\n")
    (tmp_path / "project" / "features" / "scaling.py").write_text(
        "FACTOR = 3\ndef scale(x): return x * FACTOR\n"
    )
    done = run(
        tmp_path / "project",
        """
        import features, thampi
        from features.scaling import scale
        class Wrapper(thampi.Model):
            def predict(self, args, context):
                return scale(args) + features.scale(args)
        thampi.save(Wrapper(), 'iris', './models')
        """,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert (
        done.stderr
        == "thampi: modules of your project that travel with the model: features, features.scaling\n"
    )
    path = tmp_path / "project" / "models" / "iris"
    assert made(path)["localModules"] == ["features", "features.scaling"]
    assert load_elsewhere(path, tmp_path, 2) == "12"


def test_a_virtual_environment_inside_the_project_is_not_the_project(tmp_path):
    for place in ("venv/lib/python3.11/site-packages", "env/lib/site-packages"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "venv/lib/python3.11/site-packages/installed.py").write_text("def one(): return 1\n")
    done = run(
        tmp_path,
        """
        import sys
        sys.path.insert(0, 'venv/lib/python3.11/site-packages')
        import installed, thampi
        class Wrapper(thampi.Model):
            def predict(self, args, context):
                return installed.one()
        thampi.save(Wrapper(), 'iris')
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert made(tmp_path / "iris")["localModules"] == []
    assert "installed" in modules_named_by((tmp_path / "iris" / "model.pkl").read_bytes())


def test_quiet_means_quiet(tmp_path):
    (tmp_path / "features.py").write_text("")
    done = run(
        tmp_path,
        "import features, thampi\nclass W(thampi.Model): pass\nthampi.save(W(), 'iris')",
        THAMPI_QUIET="1",
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


def test_packages_that_the_pickle_names_are_recorded_with_their_versions(tmp_path):
    from sklearn.neighbors import KNeighborsClassifier

    knn = KNeighborsClassifier(1).fit([[0.0], [1.0]], [0, 1])

    class Wrapper(thampi.Model):
        def __init__(self):
            self.knn = knn

        def predict(self, args, context):
            return np.array(self.knn.predict([args]))

    import sklearn

    packages = made(thampi.save(Wrapper(), "iris", tmp_path).path)["packages"]
    assert packages["sklearn"] == {"distribution": "scikit-learn", "version": sklearn.__version__}
    assert packages["numpy"] == {"distribution": "numpy", "version": np.__version__}
    assert packages["cloudpickle"] == {"distribution": "cloudpickle", "version": cloudpickle.__version__}
    assert not {"thampi", "builtins", "json", "__main__"} & set(packages)


@pytest.mark.parametrize("protocol", range(6))
def test_modules_are_read_from_a_pickle_of_any_protocol_without_executing_it(protocol):
    import decimal
    import fractions

    value = [
        decimal.Decimal(1),
        fractions.Fraction(1, 2),
        decimal.Decimal(2),
        np.float64(1),
        {"a": (1, "numpy")},
    ]
    found = modules_named_by(pickle.dumps(value, protocol))
    assert {"decimal", "fractions"} <= found
    assert any(name.split(".")[0] == "numpy" for name in found)
    assert modules_named_by(b"cos\nsystem\n(S'exit 1'\ntR.") == {"os"}


def test_a_module_that_is_only_imported_by_name_is_found_too():
    namespace = {"np": np}
    exec("def f(): return np.zeros(1)", namespace)
    assert "numpy" in modules_named_by(cloudpickle.dumps(namespace["f"]))


def test_the_standard_library_is_no_package():
    assert of_modules({"json", "collections.abc", "_thread", "thampi.core.model", "__main__"}) == {}


def test_receipts_record_what_the_runtime_would_answer(tmp_path):
    class Wrapper(thampi.Model):
        def initialize(self, context):
            import threading

            self.lock = threading.Lock()  # cannot be pickled, and need not be

        def predict(self, args, context):
            assert type(args["input"]) is list
            return {"z": np.float32(0.5), "a": sum(args["input"]), "nan": float("nan")}

    model = Wrapper()
    example = {"input": np.array([1.0, 2.0])}
    saved = thampi.save(model, "iris", tmp_path, input_example=example, examples=[{"input": []}])
    assert (saved.path / "receipts.jsonl").read_text() == (
        '{"data":{"input":[1.0,2.0]},"result":{"a":3.0,"nan":null,"z":0.5}}\n'
        '{"data":{"input":[]},"result":{"a":0,"nan":null,"z":0.5}}\n'
    )
    assert "receipts.jsonl" in made(saved.path)["files"]
    assert not hasattr(model, "lock")
    thampi.save(model, "iris", tmp_path)
    assert not (saved.path / "receipts.jsonl").exists()


def test_without_an_example_the_model_is_never_asked(tmp_path):
    class Untouchable(thampi.Model):
        def initialize(self, context):
            raise AssertionError

        predict = initialize

    thampi.save(Untouchable(), "iris", tmp_path)


def fails(code, *words, **arguments):
    with pytest.raises(thampi.ThampiError) as caught:
        thampi.save(**arguments)
    assert caught.value.code == code, caught.value
    for word in words:
        assert word in str(caught.value)


def test_an_example_that_the_model_cannot_answer_saves_nothing(tmp_path):
    def save(model, examples, *words, code):
        fails(code, *words, "Nothing was saved", model=model, name="iris", path=tmp_path, examples=examples)

    double = contract_models.Double()
    save(double, [{"value": 1}, {}], "example 2", "KeyError in contract_models.py", "{}", code="MODEL_RAISED")
    save(contract_models.Exits(), [3], "example 1", "sys.exit(3)", code="MODEL_RAISED")
    save(contract_models.Fixed(), ["object"], "Example 1", "`result.scores[3]` is", code="RESULT_NOT_JSON")
    save(double, [{"value": object()}], "`example 1.value` is an object", code="RESULT_NOT_JSON")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_leaves_the_model_that_was_there(tmp_path):
    path = thampi.save(contract_models.Double(), "iris", tmp_path).path
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    for model, more in (
        (contract_models.Double(), {"input_example": 1}),
        (object(), {}),
        (Unpicklable(), {}),
    ):
        with pytest.raises(thampi.ThampiError):
            thampi.save(model, "iris", tmp_path, **more)
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before


class Unpicklable(thampi.Model):
    def __init__(self):
        import threading

        self.lock = threading.Lock()


def test_mistakes_are_told_in_a_sentence(tmp_path):
    echo = contract_models.Echo()
    fails("MODEL_INVALID", "no method predict", "extends thampi.Model", model=object(), name="iris")
    fails("MODEL_INVALID", "lock", "`initialize`", model=Unpicklable(), name="iris", path=tmp_path)
    for name in ("", " ", ".", "..", "a/b", "a\\b", "a\n", "\0"):
        fails("NAME_INVALID", repr(name), model=echo, name=name, path=tmp_path)
    fails("NAME_INVALID", "int", model=echo, name=7, path=tmp_path)
    fails("RESULT_NOT_JSON", "`tags`", model=echo, name="iris", path=tmp_path, tags={1, 2})
    fails("USAGE", "not a list", model=echo, name="iris", path=tmp_path, examples={"a": 1})
    (tmp_path / "file").write_text("")
    fails("MODEL_INVALID", "is a file", model=echo, name="file", path=tmp_path)
    fails("MODEL_INVALID", "in the way", model=echo, name="iris", path=tmp_path / "file")


def test_other_files_in_the_directory_are_kept(tmp_path):
    path = thampi.save(contract_models.Echo(), "iris", tmp_path, tags=1).path
    (path / "notes.txt").write_text("mine")
    (path / "plots").mkdir()
    (path / "plots" / "a.png").write_bytes(b"png")
    (path / "link").symlink_to("notes.txt")
    path.chmod(0o750)
    thampi.save(contract_models.Double(), "iris", tmp_path)
    assert (path / "notes.txt").read_text() == "mine"
    assert (path / "plots" / "a.png").read_bytes() == b"png"
    assert (path / "link").readlink() == Path("notes.txt")
    assert path.stat().st_mode & 0o777 == 0o750
    assert "tags" not in facts(path)
    assert thampi.load(path).predict({"value": 1}, None) == {"result": 2}
    assert [file.name for file in tmp_path.iterdir()] == ["iris"]


def test_a_directory_behind_a_link_and_an_empty_directory_are_written_into(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "iris").symlink_to("real")
    thampi.save(contract_models.Echo(), "iris", tmp_path)
    assert (tmp_path / "iris").is_symlink()
    assert (tmp_path / "real" / "model.pkl").exists()


def test_a_save_that_is_killed_leaves_the_old_model_or_the_new_one(tmp_path):
    """Killed again and again at moments of the operating system's choosing."""
    program = f"""
        import itertools, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import contract_models, thampi
        print('ready', flush=True)
        for number in itertools.count():
            names = dict(tags=number, instance_id=str(number))
            thampi.save(contract_models.Echo(), 'iris', {str(tmp_path)!r}, **names)
    """
    path = thampi.save(contract_models.Echo(), "iris", tmp_path, tags=-1, instance_id="-1").path
    (path / "notes.txt").write_text("mine")
    for _ in range(12):
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)],
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            stdout=subprocess.PIPE,
        )
        child.stdout.readline()
        time.sleep(random.uniform(0, 0.05))
        child.kill()
        child.wait()
        child.stdout.close()
        thampi.load(path)
        assert facts(path)["instance_id"] == str(facts(path)["tags"])
        assert (path / "notes.txt").read_text() == "mine"


def test_what_save_returns_is_a_path_and_says_what_comes_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved = thampi.save(contract_models.Echo(), "iris-sklearn", "./models")
    assert os.fspath(saved) == os.path.join("models", "iris-sklearn")
    assert repr(saved).endswith("next: thampi serve --model_dir=./models/iris-sklearn")
    assert "<code>thampi serve --model_dir=./models/iris-sklearn</code>" in saved._repr_html_()
    assert saved.size == sum(file.stat().st_size for file in saved.path.iterdir())
    html = thampi.SavedModel("a<b>", 1)._repr_html_()
    assert "a<b>" not in html and "a&lt;b&gt;" in html
