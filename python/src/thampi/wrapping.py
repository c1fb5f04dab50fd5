"""`thampi wrap`: the file of a bare estimator becomes a saved model.

The command line calls `main` in the user's Python, with JSON such as

    {"file": "model.joblib", "name": "iris", "path": "./models"}

and reads one JSON document from standard output: what was saved, or `{"error": …}`.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path

from thampi.errors import ThampiError
from thampi.runtime.blame import describe, message_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["load_estimator", "main"]


def main(argument):
    """Does what the JSON in `argument` says and prints the document; gives the exit status."""
    asked = json.loads(argument)
    # The pickle may print whatever it likes; the document has standard output to itself.
    answer = os.dup(1)
    os.dup2(2, 1)
    try:
        document, status = _wrapped(**asked), 0
    except ThampiError as error:
        members = {"code": error.code, "message": error.message, "why": error.why, "fix": error.hint}
        document, status = {"error": members}, 1
    sys.stdout.flush()
    os.write(answer, (json.dumps(document) + "\n").encode())
    return status


def _wrapped(file, name, path, probabilities=False, trust=(), example=None):
    from thampi.estimator import Estimator
    from thampi.saving import save

    estimator, notices = load_estimator(file, trust)
    model = Estimator(estimator, probabilities)
    saved = save(model, name, path, input_example=example)
    return {
        "dir": str(saved.path),
        "estimator": type(estimator).__name__,
        "features": model.names,
        "width": model.width,
        "texts": model.texts,
        "notices": notices,
    }


def load_estimator(file: str | os.PathLike[str], trust: Sequence[str] = ()) -> tuple[Any, list[str]]:
    """(what a joblib, pickle or skops file holds, sentences about it that a person should read).

    A pickle is a program: loading it runs whatever its author put in. A skops file is loaded by skops, which
    makes only objects of types it knows, and of those in `trust`.

    Raises ThampiError MODEL_MISSING, MODEL_INVALID, MODULE_MISSING, MODEL_LOAD_FAILED.
    """
    path = Path(file)
    shown = os.fspath(file)
    try:
        with path.open("rb") as stream:
            head = stream.read(4)
    except FileNotFoundError:
        what = f"There is no file {shown!r}."
        raise ThampiError("MODEL_MISSING", what, hint="pass the file that joblib.dump wrote.") from None
    except IsADirectoryError:
        raise ThampiError("MODEL_INVALID", f"{shown!r} is a directory; a file is wanted.") from None
    except OSError as error:
        raise ThampiError("PERMISSION", f"{shown!r} cannot be read: {error.strerror}.") from error
    load = _load_skops if path.suffix == ".skops" else _load_pickle
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator = load(path, shown, head, trust)
    return estimator, _versions(caught, shown)


def _load_pickle(path, shown, head, trust):
    if not head:
        raise ThampiError("MODEL_INVALID", f"{shown!r} is empty.")
    if head.startswith(b"PK"):
        hint = "if skops wrote it, rename it to end in .skops."
        raise ThampiError("MODEL_INVALID", f"{shown!r} is a zip archive, not a pickle.", hint=hint)
    if trust:
        raise ThampiError("USAGE", "`--trust` is for skops files: a pickle cannot be trusted in part.")
    try:
        import joblib  # scikit-learn comes with it; it reads plain pickles as well
    except ImportError as error:
        raise _not_installed("joblib", "a joblib or pickle file is read with it", "scikit-learn") from error
    try:
        return joblib.load(path)
    except ModuleNotFoundError as error:
        raise _module_missing(shown, error) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if not _looks_pickled(head):
            hint = "joblib.dump(estimator, 'model.joblib') writes one."
            raise ThampiError("MODEL_INVALID", f"{shown!r} is no pickle.", hint=hint) from error
        what = f"{shown!r} could not be loaded: {describe(error)}."
        hint = "load it with the Python and the scikit-learn that wrote it (--python), or write it again."
        raise ThampiError("MODEL_LOAD_FAILED", what, hint=hint) from error


def _load_skops(path, shown, head, trust):
    try:
        import skops.io
    except ImportError as error:
        raise _not_installed("skops", "a skops file is read with it", "skops") from error
    try:
        unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(trust))
    except Exception as error:
        what = f"{shown!r} is no skops file: {message_of(error)}"
        raise ThampiError("MODEL_INVALID", what, hint="skops.io.dump(estimator, path) writes one.") from error
    if unknown:
        what = f"{shown!r} holds types that skops does not know: {', '.join(unknown)}. Nothing was loaded."
        why = "Making objects of unknown types can run code of whoever wrote the file."
        hint = f"if you trust them: --trust {','.join([*trust, *unknown])}"
        raise ThampiError("MODEL_INVALID", what, hint=hint, why=why)
    try:
        return skops.io.load(path, trusted=list(trust))
    except ModuleNotFoundError as error:
        raise _module_missing(shown, error) from error
    except Exception as error:
        what = f"{shown!r} could not be loaded: {describe(error)}."
        raise ThampiError("MODEL_LOAD_FAILED", what) from error


# How pickles begin, plain (protocol 2 and later, or older text ones) and as joblib compresses them.
_BEGINNINGS = (
    b"\x80",
    b"(",
    b"]",
    b"}",
    b"c",
    b"x",
    b"\x1f\x8b",
    b"BZ",
    b"\xfd7zX",
    b"\x5d\x00",
    b"\x04\x22M\x18",
)


def _looks_pickled(head):
    return head.startswith(_BEGINNINGS)


def _module_missing(shown, error):
    top = (error.name or "").partition(".")[0]
    package = {"sklearn": "scikit-learn", "PIL": "pillow", "cv2": "opencv-python"}.get(top, top)
    what = f"{shown!r} needs the module `{error.name}`, which {sys.executable} does not have."
    hint = f"{sys.executable} -m pip install {package}; a module of your own must lie in this directory."
    return ThampiError("MODULE_MISSING", what, hint=hint)


def _not_installed(module, why, package):
    what = f"{sys.executable} has no `{module}`."
    hint = f"{sys.executable} -m pip install {package}"
    return ThampiError("MODULE_MISSING", what, why=f"{why[:1].upper()}{why[1:]}.", hint=hint)


def _versions(caught, shown):
    """What scikit-learn warned about: `saved with 1.5.0, loaded with 1.9.1`."""
    found = {
        (warning.message.original_sklearn_version, warning.message.current_sklearn_version)
        for warning in caught
        if hasattr(warning.message, "original_sklearn_version")
    }
    return [
        f"{shown} was saved with scikit-learn {saved} and loaded with {here}; answers may differ."
        for saved, here in sorted(found)
    ]
