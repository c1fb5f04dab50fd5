"""Models that other tools wrote. `brought.json` beside them says what the command line found out about them.

    brought.is_brought(start["digests"])
    model, saved = brought.load(start)

The files are read by the tool's own code, so they cannot be hashed while they are read, as a pickle is: all
of them are hashed before, and a file that nobody knows of is refused.
"""

import hashlib
import json
import os
import sys

from thampi.errors import ThampiError
from thampi.runtime.blame import describe
from thampi.runtime.load import PROPERTIES, SavedFiles

__all__ = ["is_brought", "load"]

_FACTS = "brought.json"
_PIECE = 1024 * 1024


def is_brought(digests):
    """Whether a model with these files is one of another tool."""
    return _FACTS in (digests or {})


def load(start):
    """(model, SavedFiles around it). Raises ThampiError INTEGRITY, MODULE_MISSING, MODEL_LOAD_FAILED."""
    directory, name = start["modelDir"], start.get("model")
    _check_digests(directory, start["digests"], name)
    facts, properties = _read(directory, _FACTS), _read(directory, "thampi.json")
    schema = _read(directory, "schema.json") if "schema.json" in start["digests"] else None
    if start.get("codeDir"):
        sys.path.insert(0, start["codeDir"])
    if facts["format"] == "onnx":
        from thampi.runtime.onnx_model import load_onnx as load_model
    else:
        from thampi.runtime.mlflow_model import load_mlflow as load_model
    try:
        model = load_model(directory, facts)
    except (ThampiError, KeyboardInterrupt):
        raise
    except ModuleNotFoundError as error:
        what = f"{name} needs the module `{error.name}`, which no package of the dependency file brings."
        raise ThampiError("MODULE_MISSING", what, hint="add its package.") from error
    except BaseException as error:
        raise ThampiError("MODEL_LOAD_FAILED", f"{name} could not be loaded: {describe(error)}.") from error
    properties = {key: properties[key] for key in PROPERTIES if key in properties}
    return model, SavedFiles(name, None, properties, {}, schema)


def _read(directory, file):
    with open(os.path.join(directory, file), encoding="utf-8") as stream:
        return json.load(stream)


def _check_digests(directory, digests, name):
    found = {}
    for place, _, files in os.walk(directory):
        for file in files:
            path = os.path.join(place, file)
            found[os.path.relpath(path, directory).replace(os.sep, "/")] = path
    for file in sorted({*found, *digests}):
        if file not in digests:
            why = "no digest was given for it"
        elif file not in found:
            why = "it is missing"
        elif _digest(found[file]) != digests[file]:
            why = "its digest is another one"
        else:
            continue
        what = f"{file} of {name} is not the file that was packed; the model was not loaded."
        raise ThampiError("INTEGRITY", what, why=f"{file}: {why}.", hint="serve the model again.")


def _digest(path):
    hashed = hashlib.sha256()
    with open(path, "rb") as stream:
        for piece in iter(lambda: stream.read(_PIECE), b""):
            hashed.update(piece)
    return f"sha256:{hashed.hexdigest()}"
