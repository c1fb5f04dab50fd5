"""The verbs for Python: each asks the command line, answers with what it said, and raises `ThampiError`.

The command line runs as a program of its own and shows its progress on standard error.
"""

import json
import os
import subprocess

from thampi import node
from thampi.errors import ThampiError
from thampi.runtime.encode import encode, to_bytes

__all__ = ["clean", "info", "init", "predict", "serve"]


def serve(
    environment,
    model_dir,
    dependency_file,
    zappa_settings_file=None,
    project_dir=None,
    served_time_utc=None,
):
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


def predict(environment, data):
    """The answer of a stage for `data`: a dict with `properties` and `result`.

    `data` may hold whatever a result may hold, numpy arrays included. When the endpoint answers with an
    error, the ThampiError's `problem` is what it said.

        thampi.predict('staging', {'input': [5.9, 3.2, 4.8, 1.8]})['result']
    """
    return _ask("predict", environment, {"data": "-"}, to_bytes(encode(data)))


def info(environment):
    """What is served on a stage, as a dict; `url` is where."""
    return _ask("info", environment)


def clean(scope):
    """Removes what Thampi keeps on this machine: `project` or `all`. Does not ask again."""
    return _ask("clean", None, {"scope": scope, "yes": True})


def init(all_config):
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
    done = subprocess.run(arguments, input=given, stdout=subprocess.PIPE, env=node.environment(), check=False)
    return _said(verb, done)


def _said(verb, done):
    try:
        said = json.loads(done.stdout.decode("utf-8")) if done.stdout.strip() else None
    except ValueError as cause:
        what = f"`thampi {verb}` ended with status {done.returncode} and said something unreadable."
        raise ThampiError("INTERNAL", what) from cause
    error = said.get("error") if isinstance(said, dict) else None
    if isinstance(error, dict):
        problem = error.get("problem", said.get("problem"))
        message = error.get("message", f"`thampi {verb}` failed.")
        raise ThampiError(error.get("code", "INTERNAL"), message, hint=error.get("hint"), problem=problem)
    if done.returncode != 0:
        code = "INTERRUPTED" if done.returncode in (130, -2) else "INTERNAL"
        raise ThampiError(code, f"`thampi {verb}` ended with status {done.returncode}.")
    return said


def _time(value):
    if value is None or isinstance(value, str):
        return value
    from thampi.saving import naive_utc

    return naive_utc(value)
