"""`thampi replay --pdb`, with a debugger that reads its commands from a pipe."""

import subprocess
import sys
from pathlib import Path

import pytest

import thampi

SOURCE = Path(thampi.__file__).parents[1]


class Divides(thampi.Model):
    def initialize(self, context):
        self.by = 2

    def predict(self, args, context):
        return self.by / args["value"]


@pytest.fixture
def debug(saved, tmp_path):
    def run(body, commands=""):
        request = tmp_path / "request.json"
        request.write_text(body)
        program = "import sys; from thampi.debugging import main; sys.exit(main(sys.argv[1:]))"
        return subprocess.run(
            [sys.executable, "-c", program, str(saved(Divides())), str(tmp_path), "iris", str(request)],
            input=commands,
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": str(SOURCE)},
        )

    return run


def test_the_debugger_stands_where_the_model_raised(debug):
    done = debug('{"data": {"value": 0}}', "p args, self.by\nq\n")
    assert done.returncode == 1
    assert "ZeroDivisionError in test_debugging.py:" in done.stderr
    assert "({'value': 0}, 2)" in done.stdout


def test_a_model_that_does_not_raise_says_what_it_gave(debug):
    done = debug('{"data": {"value": 4}}')
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("The model did not raise. It gave 0.5\n")
