"""What AWS Lambda calls: `handler`. Importing this starts the function that `thampi-manifest.json` describes.

# thampi_handler.py
from thampi.runtime.aws_lambda import handler
"""

import json
import os

from thampi.errors import ThampiError
from thampi.runtime import process
from thampi.runtime.lambda_function import Function
from thampi.runtime.lambda_logs import JsonLogs

__all__ = ["handler"]

_MANIFEST = "thampi-manifest.json"
_SCHEMA = 1


def _begin():
    root = os.environ.get("LAMBDA_TASK_ROOT") or _directory_above(__file__, 3)
    manifest = _manifest(os.path.join(root, _MANIFEST))
    version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "")
    version = int(version) if version.isdecimal() else 0
    process.say_where_it_hurts()
    logs = JsonLogs(version)
    logs.take_over(manifest["start"].get("logLevel", "INFO"))
    function = Function(manifest, root, version, logs)
    _before_and_after_snapshots(function)
    function.begin(os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE"))
    return function


def _manifest(path):
    with open(path, encoding="utf-8") as stream:
        manifest = json.load(stream)
    if manifest.get("schemaVersion") != _SCHEMA:
        what = f"{_MANIFEST} has schema {manifest.get('schemaVersion')}, this runtime reads {_SCHEMA}."
        raise ThampiError("INTERNAL", what, hint="serve the model again.")
    return manifest


def _before_and_after_snapshots(function):
    try:
        import snapshot_restore_py  # of the managed runtime
    except ImportError:
        return
    snapshot_restore_py.register_before_snapshot(function.before_snapshot)
    snapshot_restore_py.register_after_restore(function.after_restore)


def _directory_above(path, levels):
    for _ in range(levels):
        path = os.path.dirname(path)
    return path


handler = _begin()
