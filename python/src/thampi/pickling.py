"""A model as bytes: its class and the modules of the project travel inside; installed packages by name."""

import os
import pickletools
import site
import sys
import sysconfig
from pathlib import Path

import cloudpickle

from thampi.errors import ThampiError
from thampi.runtime.ask import can_be_asked
from thampi.runtime.blame import describe

__all__ = ["CLOUDPICKLE_VERSION", "modules_named_by", "pickle_model"]

CLOUDPICKLE_VERSION = cloudpickle.__version__

# They are in every sandbox already, and old pickles count on their names.
_ALWAYS_BY_NAME = ("thampi", "cloudpickle", "__main__", "__mp_main__")


def pickle_model(model):
    """(bytes, sorted names of the project's modules that travel inside). Raises ThampiError MODEL_INVALID.

    Says in one line on standard error which modules those are, unless THAMPI_QUIET is set.
    """
    if not can_be_asked(model):
        what = f"{type(model).__name__} has no method predict(self, args, context), so it cannot be served."
        raise ThampiError(
            "MODEL_INVALID", what, hint="wrap your estimator in a class that extends thampi.Model."
        )
    modules = _project_modules()
    new = [m for m in modules if m.__name__ not in cloudpickle.list_registry_pickle_by_value()]
    for module in new:
        cloudpickle.register_pickle_by_value(module)
    try:
        data = cloudpickle.dumps(model)
    except Exception as error:
        what = f"{type(model).__name__} cannot be pickled: {describe(error)}."
        hint = "open files, connections and locks in `initialize`, not in `__init__` or beside your classes."
        raise ThampiError("MODEL_INVALID", what, hint=hint) from error
    finally:
        for module in new:
            cloudpickle.unregister_pickle_by_value(module)
    names = sorted(module.__name__ for module in modules)
    if names and not os.environ.get("THAMPI_QUIET"):
        print(
            f"thampi: modules of your project that travel with the model: {', '.join(names)}", file=sys.stderr
        )
    return data, names


def modules_named_by(data):
    """The full names of all modules that a pickle asks for when it is loaded. Reads, never executes.

    >>> modules_named_by(b'cdecimal\\nDecimal\\n.')
    {'decimal'}
    """
    walk = _PickleWalk()
    for opcode, argument, _ in pickletools.genops(data):
        walk.step(opcode, argument)
    return walk.modules


def _project_modules():
    roots = _project_roots()
    found = []
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        # `python -m` and reloaders register a module under a second name; pickles use the name it has itself.
        if not isinstance(file, str) or getattr(module, "__name__", None) != name:
            continue
        if name.partition(".")[0] in _ALWAYS_BY_NAME:
            continue
        if _belongs(Path(file), roots):
            found.append(module)
    return found


def _project_roots():
    roots = {Path.cwd()}
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    if isinstance(script, str):
        roots.add(Path(script).resolve().parent)
    return roots


def _belongs(file, roots):
    """Whether a file is the project's own: below a root, but installed neither there nor with Python."""
    file = Path(os.path.abspath(file))
    real = file.resolve()
    if {"site-packages", "dist-packages"} & {*file.parts, *real.parts}:
        return False
    around = [root for root in roots if root in file.parents or root in real.parents]
    if not around:
        return False
    libraries = _library_roots()
    return not any(
        # A project inside the prefix (a container's /usr/src under /usr) is still a project.
        (library in file.parents or library in real.parents)
        and not all(library in root.parents for root in around)
        for library in libraries
    )


def _library_roots():
    paths = sysconfig.get_paths()
    named = [paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    places = [
        *named,
        sys.prefix,
        sys.base_prefix,
        site.getusersitepackages() if site.ENABLE_USER_SITE else "",
    ]
    return {spelling for place in places if place for spelling in (Path(place), Path(place).resolve())}


class _PickleWalk:
    """Follows a pickle's stack as far as names go: strings are kept, everything else is None."""

    def __init__(self):
        self.modules = set()
        self._stack = []
        self._memo = {}

    def step(self, opcode, argument):
        name = opcode.name
        if name in ("GLOBAL", "INST"):
            module, _, attribute = argument.partition(" ")
            if name == "INST":
                self._pop_to_mark()
            self._push_global(module, attribute)
        elif name == "STACK_GLOBAL":
            attribute, module = self._pop(), self._pop()
            self._push_global(module, attribute)
        elif name in ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"):
            index = len(self._memo) if name == "MEMOIZE" else argument
            self._memo[index] = self._stack[-1] if self._stack else None
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            self._stack.append(self._memo.get(argument))
        elif name == "DUP":
            self._stack.append(self._stack[-1] if self._stack else None)
        elif name in ("TUPLE1", "TUPLE"):
            self._tuple(name)
        elif name == "REDUCE":
            arguments, function = self._pop(), self._pop()
            self._import_by(function, arguments)
            self._stack.append(None)
        elif name == "MARK":
            self._stack.append(_MARK)
        elif opcode.stack_after and isinstance(argument, str) and not opcode.stack_before:
            self._stack.append(argument)
        else:
            self._generic(opcode)

    def _push_global(self, module, attribute):
        if isinstance(module, str):
            self.modules.add(module)
        self._stack.append((_GLOBAL, module, attribute))

    def _import_by(self, function, arguments):
        """cloudpickle imports whole modules by a call: `subimport('numpy')`."""
        if function in _IMPORTERS and isinstance(arguments, tuple) and len(arguments) == 2:
            module = arguments[1]
            if isinstance(module, str):
                self.modules.add(module)

    def _tuple(self, name):
        items = [self._pop()] if name == "TUPLE1" else self._pop_to_mark()
        self._stack.append((_TUPLE, items[0]) if len(items) == 1 else None)

    def _generic(self, opcode):
        before = list(opcode.stack_before)
        if pickletools.markobject in before:
            self._pop_to_mark()
            before = before[: before.index(pickletools.markobject)]
        for _ in before:
            self._pop()
        self._stack.extend(None for _ in opcode.stack_after)

    def _pop(self):
        return self._stack.pop() if self._stack else None

    def _pop_to_mark(self):
        items = []
        while self._stack:
            item = self._stack.pop()
            if item is _MARK:
                break
            items.append(item)
        return items[::-1]


_MARK = object()
_GLOBAL = "global"
_TUPLE = "tuple"
_IMPORTERS = {
    (_GLOBAL, "cloudpickle.cloudpickle", "subimport"),
    (_GLOBAL, "cloudpickle", "subimport"),
}
