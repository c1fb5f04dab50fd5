"""The verbs for Python: each asks the command line, answers with what it said, and raises `ThampiError`.

The command line runs as a program of its own; its progress goes to standard error unless THAMPI_QUIET is set.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from tempfile import TemporaryFile

from thampi import node
from thampi.errors import ThampiError
from thampi.runtime.encode import encode, to_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    Place = str | os.PathLike[str]

__all__ = ["clean", "info", "init", "predict", "serve"]


def serve(
    environment: str,
    model_dir: Place,
    dependency_file: Place,
    zappa_settings_file: Place | None = None,
    project_dir: Place | None = None,
    served_time_utc: datetime | str | None = None,
) -> dict[str, Any]:
    """Serves a saved model on a stage and gives the deployment as a dict, its `url` among others.

    `served_time_utc` is a datetime (naive: UTC) or its text.

        thampi.serve('staging', './models/iris-sklearn', './requirements.txt')['url']
    """
    options = {
        "model_dir": model_dir,
        "dependency_file": dependency_file,
        "zappa_settings_file": zappa_settings_file,
        "project_dir": project_dir,
        "served_time_utc": _time(served_time_utc),
    }
    return _ask("serve", environment, options)


def predict(environment: str, data: Any) -> dict[str, Any]:
    """The answer of a stage for `data`: a dict with `properties` and `result`.

    `data` may hold whatever a result may hold, numpy arrays included. When the endpoint answers with an
    error, the ThampiError's `problem` is what it said.

        thampi.predict('staging', {'input': [5.9, 3.2, 4.8, 1.8]})['result']
    """
    return _ask("predict", environment, {"data": "-"}, to_bytes(encode(data)))


def info(environment: str) -> dict[str, Any]:
    """What is served on a stage, as a dict; `url` is where."""
    return _ask("info", environment)


def clean(scope: str) -> Any:
    """Removes what Thampi keeps on this machine: `project` or `all`. Does not ask again."""
    return _ask("clean", None, {"scope": scope, "yes": True})


def init(all_config: Mapping[str, Any]) -> Any:
    """Writes `zappa_settings.json` from the answers in a dict: name, profile, region, bucket,
    package_manager, platform; whatever is missing takes its default.

        thampi.init({'name': 'mymodel', 'bucket': 'thampi-store'})
    """
    unknown = sorted(set(all_config) - set(_ANSWERS))
    if unknown:
        hint = f"the answers are {', '.join(_ANSWERS)}."
        raise ThampiError("USAGE", f"init has no question named {unknown[0]!r}.", hint=hint)
    return _ask("init", None, {**all_config, "yes": True})


_ANSWERS = ("name", "profile", "region", "bucket", "package_manager", "platform")


def _ask(verb, stage, options=None, given=b""):
    arguments = [*node.command(), verb]
    for name, value in (options or {}).items():
        if value is True:
            arguments.append(f"--{name}")
        elif value is not None:
            arguments.append(f"--{name}={os.fspath(value) if hasattr(value, '__fspath__') else value}")
    arguments.append("--json")
    if stage is not None:
        arguments += ["--", str(stage)]  # after it nothing can be taken for an option
    # Files, not pipes, on both sides: neither side can wait for the other while progress is shown.
    with TemporaryFile() as to_cli, TemporaryFile() as from_cli:
        to_cli.write(given)
        to_cli.seek(0)
        with subprocess.Popen(
            arguments, stdin=to_cli, stdout=from_cli, stderr=subprocess.PIPE, env=node.environment()
        ) as cli:
            for line in cli.stderr:
                _show(line.decode("utf-8", "replace"))
        from_cli.seek(0)
        return _said(verb, cli.returncode, from_cli.read())


def _show(line):
    """A line of progress, on this process's standard error: in a notebook that is the cell's output."""
    if os.environ.get("THAMPI_QUIET"):
        return
    try:
        line = json.loads(line)["text"]
    except (ValueError, KeyError, TypeError):
        line = line.rstrip("\n")
    print(line, file=sys.stderr)


def _said(verb, status, text):
    try:
        said = json.loads(text.decode("utf-8")) if text.strip() else None
    except ValueError as cause:
        what = f"`thampi {verb}` ended with status {status} and said something unreadable."
        raise ThampiError("INTERNAL", what) from cause
    error = said.get("error") if isinstance(said, dict) else None
    if isinstance(error, dict):
        problem = error.get("problem", said.get("problem"))
        message = error.get("message", f"`thampi {verb}` failed.")
        raise ThampiError(error.get("code", "INTERNAL"), message, hint=error.get("hint"), problem=problem)
    if status != 0:
        code = "INTERRUPTED" if status in (130, -2) else "INTERNAL"
        raise ThampiError(code, f"`thampi {verb}` ended with status {status}.")
    return said


def _time(value):
    if value is None or isinstance(value, str):
        return value
    from thampi.saving import naive_utc

    return naive_utc(value)
