"""A saved model as Python sees it: what `save` returns and `load` reads."""

from __future__ import annotations

import html
import os
import shlex
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SavedModel", "load"]


class SavedModel:
    """Where a model was saved.

    `path`      the directory, as a `pathlib.Path`; the object itself works wherever a path does
    `size`      bytes written
    `receipts`  how many examples were recorded
    """

    def __init__(self, path: str | os.PathLike[str], size: int, receipts: int = 0) -> None:
        self.path = Path(path)
        self.size = size
        self.receipts = receipts

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    @property
    def next_command(self) -> str:
        """What to type in a terminal to serve it."""
        place = self.path.as_posix()
        if not self.path.is_absolute() and not place.startswith("."):
            place = f"./{place}"
        return f"thampi serve --model_dir={shlex.quote(place)}"

    def __repr__(self) -> str:
        more = f", {self.receipts} receipt{'s' if self.receipts != 1 else ''}" if self.receipts else ""
        return (
            f"SavedModel({self.path.as_posix()!r}, {_in_words(self.size)}{more})  next: {self.next_command}"
        )

    def _repr_html_(self) -> str:
        rows = (
            ("saved model", self.path.as_posix()),
            ("size", _in_words(self.size)),
            ("receipts", str(self.receipts)),
            ("next", self.next_command),
        )
        cells = "".join(f"<tr><th>{name}</th><td><code>{html.escape(v)}</code></td></tr>" for name, v in rows)
        return f"<table>{cells}</table>"


def load(directory: str | os.PathLike[str]) -> Any:
    """The model in a directory that `save` wrote, after its digest was compared; `initialize` was not called.

    Loading runs code of the pickle: only load what you trust. Raises `ThampiError` MODEL_MISSING,
    MODEL_INVALID, INTEGRITY, PYTHON_MISMATCH, MODULE_MISSING, LOCAL_MODULE, MODEL_LOAD_FAILED.

        model = thampi.load('./models/iris-sklearn')
        model.predict({'input': [5.9, 3.2, 4.8, 1.8]}, thampi.ThampiContext())
    """
    from thampi.runtime.load import read_saved, unpickle

    return unpickle(read_saved(directory))


def _in_words(size):
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.1f} {unit}" if unit != "bytes" else f"{size} bytes"
        size /= 1000
    return ""
