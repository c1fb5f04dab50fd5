"""What `import thampi` offers, and what it costs."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import thampi

SOURCE = Path(thampi.__file__).parents[1]


def python(program):
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n{program}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_public_names_are_these():
    assert (
        sorted(thampi.__all__)
        == thampi.__all__
        == [
            *(
                "BadInput",
                "Estimator",
                "ItemError",
                "Model",
                "SavedModel",
                "ThampiContext",
                "ThampiError",
                "__version__",
            ),
            *("clean", "info", "init", "load", "predict", "save", "serve"),
        ]
    )
    for name in thampi.__all__:
        assert getattr(thampi, name) is not None
        assert name in dir(thampi)
    with pytest.raises(AttributeError, match="no attribute 'sve'"):
        _ = thampi.sve


@pytest.mark.parametrize("module", [path.stem for path in (SOURCE / "thampi").glob("[a-z]*.py")])
def test_every_module_says_what_it_offers(module):
    found = importlib.import_module(f"thampi.{module}")
    for name in found.__all__:
        assert hasattr(found, name)
        assert getattr(found, name).__doc__ or not callable(getattr(found, name))


def test_the_names_of_2018_still_stand():
    from thampi.core import api
    from thampi.core.model import Model
    from thampi.core.thampi_core import ThampiContext

    assert Model is thampi.Model and Model.__module__ == "thampi.core.model"
    assert ThampiContext is thampi.ThampiContext
    for name in ("serve", "predict", "info", "clean", "save"):
        assert getattr(api, name) is getattr(thampi, name)


def test_importing_loads_one_file_and_prints_nothing():
    loaded = python("before = set(sys.modules); import thampi; print(sorted(set(sys.modules) - before))")
    assert loaded == "['thampi']"


def test_save_loads_nothing_of_others_but_cloudpickle(tmp_path):
    """All that is imported from `import thampi` to the end of `save` is the standard library's or ours."""
    program = f"""
import sys
sys.path.insert(0, {str(SOURCE)!r})
import thampi
class Wrapper(thampi.Model): pass
thampi.save(Wrapper(), 'iris', {str(tmp_path)!r})
for name, module in sorted(sys.modules.items()):
    file = getattr(module, '__file__', None) or ''
    if 'site-packages' in file: print(name.partition('.')[0])
"""
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) - sitecustomized() == {"cloudpickle"}


def sitecustomized():
    """What this Python loads by itself at every start."""
    program = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    return set(
        subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True).stdout.split()
    )


def test_the_runtime_needs_nothing_but_the_standard_library():
    assert python("import thampi.runtime.sandbox; print('here')") == "here"


def test_a_context_without_arguments_is_good_enough_to_test_a_model():
    context = thampi.ThampiContext()
    assert context.remaining_time() == float("inf")
    assert context.get_remaining_time_in_millis() == 2**31 - 1
    assert (context.request_id, context.properties, context.stage) == ("", {}, None)
    assert context.get_app().logger is context.logger
    assert context.get_app() is context.get_app()


def test_a_model_needs_neither_initialize_nor_arguments():
    class Wrapper(thampi.Model):
        def __init__(self):
            super().__init__()

    assert Wrapper().initialize(None) is None
    with pytest.raises(NotImplementedError, match="Wrapper has no predict"):
        Wrapper().predict(None, None)


def test_errors_read_as_sentences():
    error = thampi.ThampiError("NAME_INVALID", "What happened.", hint="do this.", why="Because.")
    assert str(error) == "What happened.\nBecause.\nFix: do this.\n(NAME_INVALID)"
    assert str(thampi.ThampiError("USAGE", "What happened.")) == "What happened.\n(USAGE)"
    import pickle

    assert pickle.loads(pickle.dumps(error)).hint == "do this."
