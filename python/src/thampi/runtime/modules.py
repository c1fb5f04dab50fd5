"""Which modules of libraries are loaded: what a zygote has to import to save the next sandbox the time."""

import os
import sys
from itertools import islice

__all__ = ["of_libraries"]

_LIMIT = 3_000
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
_STANDARD = (
    os.path.dirname(os.path.abspath(os.__file__)) + os.sep,
    os.path.join(sys.base_exec_prefix, sys.platlibdir, _VERSION, ""),
)
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


_looked_at = 0


def of_libraries(code_dir=None):
    """Names of loaded modules that belong neither to the standard library, nor to the runtime, nor to the
    project in `code_dir`; sorted. Of those that were loaded since it was last called: looking at an object
    writes into its page of memory, and a forked process would have to copy what it shares with its zygote.
    """
    global _looked_at
    elsewhere = (_OURS, os.path.join(code_dir, "")) if code_dir else _OURS
    # The latest come first when a dict is read backwards.
    latest = list(islice(reversed(sys.modules), max(0, len(sys.modules) - _looked_at)))
    _looked_at = len(sys.modules)
    found = set()
    for name in latest:
        spec = getattr(sys.modules.get(name), "__dict__", {}).get("__spec__")
        origin, name = getattr(spec, "origin", None), getattr(spec, "name", None)
        if not isinstance(origin, str) or not isinstance(name, str) or not os.path.isabs(origin):
            continue  # built in, frozen, or made by hand
        if not origin.startswith(elsewhere) and not _is_standard(origin) and not _is_test(name):
            found.add(name)
    found.discard("__main__")
    return sorted(found)[:_LIMIT]


def _is_standard(origin):
    return origin.startswith(_STANDARD) and not any(part in origin for part in _INSTALLED)


def _is_test(name):
    return any(part in ("test", "tests", "conftest") or part.startswith("test_") for part in name.split("."))
