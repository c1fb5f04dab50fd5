"""Loading a saved model: the very bytes, in the Python that saved them, or a sentence that says why not."""

import hashlib
import json
import os
import pickle
import platform
import re
import sys
import traceback

from thampi.errors import ThampiError
from thampi.runtime.ask import can_be_asked
from thampi.runtime.blame import describe, message_of

__all__ = ["PROPERTIES", "SavedFiles", "failure", "initialize", "read_saved", "trace_of", "unpickle"]

PROPERTIES = ("instance_id", "thampi_data_version", "trained_time_utc", "tags")


class SavedFiles:
    """The files of a saved model in memory, their digests checked.

    `pickled`     the bytes of model.pkl, or a binary file that gives them
    `properties`  what answers carry, without `served_time_utc`
    `made`        what `save` observed (saved.json); empty for models of 2018
    `schema`      schema.json, or None
    """

    def __init__(self, name, pickled, properties, made, schema=None):
        self.name = name
        self.pickled = pickled
        self.properties = properties
        self.made = made
        self.schema = schema


def read_saved(directory, digests=None, name=None, pickled=None):
    """Reads each file once and hashes the very bytes that it gives.

    `digests` maps file names to `sha256:…`; without them those in the model's own saved.json count. `pickled`
    is a binary file with model.pkl where the directory has none; who gives it has checked its digest.
    Raises ThampiError MODEL_MISSING, MODEL_INVALID, INTEGRITY.
    """
    name = name or os.path.basename(os.path.abspath(directory))
    read = _Reader(directory, name)
    saved = read.bytes("saved.json", required=False)
    made = _json_object(saved, "saved.json", name) if saved is not None else {}
    pinned = digests is not None
    if not pinned:
        digests = made.get("files") or {}
    found = {}
    if pickled is None:
        found["model.pkl"] = pickled = read.bytes("model.pkl")
    facts = read.bytes("thampi.json")
    schema = read.bytes("schema.json", required=False)
    found.update({"thampi.json": facts, "saved.json": saved, "schema.json": schema})
    for file in found:
        wanted = digests.get(file)
        if wanted is None and pinned and file in ("model.pkl", "thampi.json"):
            raise _changed(name, file, "no digest was given for it")
        if wanted is not None and found[file] is None:
            raise _changed(name, file, "it is missing")
        if wanted is not None and digest(found[file]) != wanted:
            raise _changed(name, file, f"its digest is {digest(found[file])}, wanted {wanted}")
    facts = _json_object(facts, "thampi.json", name)
    properties = {key: facts[key] for key in PROPERTIES if key in facts}
    if schema is not None:
        schema = _json_object(schema, "schema.json", name)
    return SavedFiles(made.get("name") or name, pickled, properties, made, schema)


def digest(data):
    """`sha256:…` of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def unpickle(saved, code_dir=None):
    """The model, not yet initialized. `code_dir` is where modules of the project lie.

    Raises ThampiError PYTHON_MISMATCH, MODULE_MISSING, LOCAL_MODULE, MODEL_LOAD_FAILED.
    """
    _check_python(saved)
    if code_dir:
        sys.path.insert(0, code_dir)
    try:
        if isinstance(saved.pickled, bytes):
            model = pickle.loads(saved.pickled)
        else:
            model = pickle.load(saved.pickled)
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as error:
        raise _module_missing(saved, error) from error
    except BaseException as error:
        raise _load_failed(saved, error) from error
    if not can_be_asked(model):
        what = f"{saved.name} is {type(model).__name__!r}, which has no method predict(self, args, context)."
        raise ThampiError(
            "MODEL_LOAD_FAILED", what, hint="save an object with that method, such as a thampi.Model."
        )
    return model


def initialize(model, context, wait):
    """Calls `initialize` where there is one; `wait` runs a coroutine to its end.

    Raises ThampiError MODEL_RAISED, MODULE_MISSING.
    """
    method = getattr(model, "initialize", None)
    if not callable(method):
        return
    try:
        result = method(context)
        if hasattr(type(result), "__await__"):
            wait(result)
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as error:
        what = f"{describe(error)}."
        raise ThampiError("MODULE_MISSING", what, hint=f"add the package of `{error.name}`.") from error
    except BaseException as error:
        raise ThampiError("MODEL_RAISED", describe(error)) from error


def failure(error):
    """What a ThampiError says, as the wire's `failed` has it."""
    return {
        "code": error.code,
        "message": error.message,
        "why": error.why,
        "fix": error.hint,
        "trace": trace_of(error),
    }


def trace_of(error):
    """The traceback of what stood behind a ThampiError, or None."""
    cause = error.__cause__
    if cause is None:
        return None
    try:
        return "".join(traceback.format_exception(type(cause), cause, cause.__traceback__))
    except Exception:  # a message that cannot be made
        return "".join(traceback.format_tb(cause.__traceback__))


class _Reader:
    def __init__(self, directory, name):
        self._directory = directory
        self._name = name

    def bytes(self, file, required=True):
        path = os.path.join(self._directory, file)
        try:
            with open(path, "rb") as stream:
                return stream.read()
        except FileNotFoundError:
            if not required:
                return None
            what = f"No model at {os.fspath(self._directory)!r}: {file} is missing."
            hint = "run your training script, or pass the directory that save() wrote."
            raise ThampiError("MODEL_MISSING", what, hint=hint) from None
        except OSError as error:
            raise ThampiError(
                "MODEL_INVALID", f"{file} of {self._name} cannot be read: {error.strerror}."
            ) from error


def _json_object(data, file, name):
    try:
        value = json.loads(data.decode("utf-8"))
        if isinstance(value, dict):
            return value
        why = "it is not a JSON object"
    except (ValueError, RecursionError) as error:
        why = message_of(error)
    raise ThampiError(
        "MODEL_INVALID", f"{file} of {name} cannot be read.", why=why, hint="save the model again."
    )


def _changed(name, file, why):
    what = f"{file} of {name} is not the file that was saved; it was not loaded."
    return ThampiError(
        "INTEGRITY", what, why=f"{file}: {why}.", hint="save the model again, or restore the file."
    )


def _check_python(saved):
    was = saved.made.get("python")
    # saved.json of 2018 does not exist: then nobody knows, and the pickle speaks for itself.
    if not isinstance(was, dict) or not isinstance(was.get("version"), str):
        return
    now = platform.python_version()
    implementation = was.get("implementation", "cpython")
    if _minor(was["version"]) == _minor(now) and implementation == sys.implementation.name:
        return
    if implementation != sys.implementation.name:
        was_name, now_name = f"{implementation} {was['version']}", f"{sys.implementation.name} {now}"
    else:
        was_name, now_name = f"Python {was['version']}", now
    raise ThampiError(
        "PYTHON_MISMATCH",
        f"{saved.name} was saved with {was_name} but would be served with {now_name}; "
        "pickled code cannot cross Python versions.",
        hint=f"`thampi serve … --python {_minor(was['version'])}`, "
        f"or run your training script again under {_minor(now)}.",
    )


def _minor(version):
    return ".".join(version.split(".")[:2])


def _module_missing(saved, error):
    missing = error.name or ""
    top = missing.partition(".")[0]
    packages = saved.made.get("packages") or {}
    package = packages.get(missing) or packages.get(top)
    if package:
        distribution, version = package["distribution"], package["version"]
        what = f"{saved.name} needs {distribution} ({version} when saved)"
        what += " but the dependency file does not list it."
        return ThampiError("MODULE_MISSING", what, hint=f"add `{distribution}=={version}`.")
    if saved.made and _asked_by_pickle(error):
        return _local_module(saved, f"imports `{missing.replace('.', '/')}.py` from your project")
    what = f"{saved.name} needs the module `{missing}`, which no package of the dependency file brings."
    hint = "add its package."
    if not saved.made:  # a model of 2018: the module may as well be a file of the project
        hint = (
            "add its package; if it is a file of your project, save the model again with thampi 0.2 or later."
        )
    return ThampiError("MODULE_MISSING", what, why=f"{describe(error)}.", hint=hint)


def _asked_by_pickle(error):
    """Whether the pickle itself names the module, and not some package that it imports."""
    return not any(
        "importlib" not in frame.f_code.co_filename
        and frame.f_code.co_filename not in (__file__, pickle.__file__)
        and "cloudpickle" not in frame.f_code.co_filename
        for frame, _ in traceback.walk_tb(error.__traceback__)
    )


def _local_module(saved, does):
    what = f"{saved.name} {does}, which is not in the saved model."
    return ThampiError("LOCAL_MODULE", what, hint="save it again with thampi 0.2 or later.")


_LOST_NAME = re.compile(r"Can't get attribute '([^']+)' on <module '__main__'")


def _load_failed(saved, error):
    lost = _LOST_NAME.search(message_of(error)) if isinstance(error, AttributeError) else None
    if lost:
        return _local_module(saved, f"needs `{lost[1]}` from your training script")
    differs = _different_versions(saved)
    return ThampiError(
        "MODEL_LOAD_FAILED",
        f"{saved.name} could not be loaded: {describe(error)}.",
        why=f"Here: {', '.join(differs)}." if differs else None,
        hint="put the saved versions into the dependency file, or save the model again." if differs else None,
    )


def _different_versions(saved):
    """`scikit-learn 1.8.0 (1.9.1 when saved)` for each package that differs."""
    import importlib.metadata  # 20 ms that only a failure has to pay

    found = []
    for package in (saved.made.get("packages") or {}).values():
        distribution, version = package["distribution"], package["version"]
        try:
            here = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            found.append(f"no {distribution} ({version} when saved)")
            continue
        if here != version:
            found.append(f"{distribution} {here} ({version} when saved)")
    return sorted(set(found))
