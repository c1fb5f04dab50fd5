"""Which installed package a module came from, and in which version."""

import importlib.metadata
import importlib.util
import sys
import sysconfig
from pathlib import Path, PurePosixPath

__all__ = ["of_modules"]


def of_modules(names):
    """Top-level module → {distribution, version}, sorted; without Python's own modules and thampi.

    Where packages share a top-level name, as in `google.…`, the full name of the module stands instead.

    >>> of_modules({'cloudpickle.cloudpickle', 'json'})
    {'cloudpickle': {'distribution': 'cloudpickle', 'version': '3.1.2'}}
    """
    tops = {name.partition(".")[0] for name in names}
    wanted = {
        top for top in tops if top not in ("thampi", "__main__", "__mp_main__") and not _is_standard(top)
    }
    if not wanted:
        return {}
    owners = _owners(wanted)
    found = {}
    for name in sorted(names):
        top = name.partition(".")[0]
        candidates = owners.get(top, [])
        if len(candidates) == 1:
            found[top] = _facts(candidates[0])
        elif len(candidates) > 1:
            owner = next((c for c in candidates if _holds(c, name)), candidates[0])
            found[name] = _facts(owner)
    return dict(sorted(found.items()))


def _owners(wanted):
    """Top-level module → the distributions that bring it."""
    owners = {}
    seen = set()
    for distribution in importlib.metadata.distributions():
        key = (distribution.metadata["Name"] or "").lower()
        if not key or key in seen:  # the first one on sys.path is the one that is imported
            continue
        seen.add(key)
        for top in _tops(distribution) & wanted:
            owners.setdefault(top, []).append(distribution)
    return owners


def _tops(distribution):
    listed = (distribution.read_text("top_level.txt") or "").split()
    if listed:
        return set(listed)
    files = distribution.files or ()
    return {_module(file) for file in files if file.suffix in (".py", ".so", ".pyd") or len(file.parts) > 1}


def _module(file):
    first = PurePosixPath(file).parts[0]
    return first.partition(".")[0]


def _holds(distribution, name):
    path = name.replace(".", "/")
    spellings = (f"{path}.py", f"{path}/__init__.py")
    return any(str(PurePosixPath(file)) in spellings for file in distribution.files or ())


def _facts(distribution):
    return {"distribution": distribution.metadata["Name"], "version": distribution.version}


def _is_standard(top):
    if top in sys.builtin_module_names:
        return True
    if sys.version_info >= (3, 10):
        return top in sys.stdlib_module_names
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    if spec is None or not spec.origin:
        return False
    if spec.origin in ("built-in", "frozen"):
        return True
    standard = Path(sysconfig.get_paths()["stdlib"]).resolve()
    origin = Path(spec.origin).resolve()
    return standard in origin.parents and "site-packages" not in origin.parts
