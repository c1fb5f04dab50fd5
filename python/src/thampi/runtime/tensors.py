"""JSON values and arrays: nothing is converted that could change what the caller meant.

    tensor([[5.9, 3.2]], "float32", (-1, 2), "/data/input")     # (array of shape (1, 2), alone=False)
    tensor([5.9, 3.2], "float32", (-1, 2), "/data/input")       # (array of shape (1, 2), alone=True)

Where any number of items will do, one may come alone, without the list around it.
"""

from thampi.errors import BadInput

__all__ = ["below", "shown", "tensor", "type_in_words"]

_KINDS = {
    "float16": "number",
    "float32": "number",
    "float64": "number",
    "bool": "boolean",
    "object": "anything",
    "str": "text",
    "string": "text",
}
_ALLOWED = {
    "number": {int, float},
    "integer": {int},
    "boolean": {bool},
    "text": {str},
    "anything": None,
}
_WORDS = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "text": "a text",
    "anything": "a value",
}


def tensor(value, dtype, shape, at):
    """(the numpy array of a nested list, whether it was one item without the list around it).

    `shape` has -1 or None where any length will do. Raises BadInput naming the place.
    """
    import numpy

    kind = _KINDS.get(dtype, "integer")
    alone = False
    if _depth(value) == len(shape) - 1 and shape and not _is_fixed(shape[0]):
        value, alone = [value], True
    _check(value, tuple(shape), kind, at, alone)
    try:
        with numpy.errstate(over="ignore"):  # told below
            array = numpy.array(value, dtype="object" if kind in ("text", "anything") else dtype)
    except OverflowError:
        raise BadInput(f"`{shown(at)}` has a number that does not fit into {dtype}.", at) from None
    if kind == "integer" and not _fits(value, dtype, numpy):
        raise BadInput(f"`{shown(at)}` has a number that does not fit into {dtype}.", at)
    if kind == "number" and not numpy.isfinite(array).all():
        raise BadInput(f"`{shown(at)}` has a number that does not fit into {dtype}.", at)
    return array, alone


def type_in_words(dtype, shape):
    """`numbers as [n, 4]`, `a text`."""
    words = {"number": "numbers", "integer": "whole numbers", "boolean": "booleans", "text": "texts"}
    kind = _KINDS.get(dtype, "integer")
    if not shape:
        return _WORDS[kind]
    lengths = ", ".join(str(length) if _is_fixed(length) else "n" for length in shape)
    return f"{words.get(kind, 'values')} as [{lengths}]"


def below(pointer, name):
    """The JSON Pointer of a member."""
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def shown(pointer):
    """`data.input[3]` for `/data/input/3`."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    return steps[0] + "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in steps[1:])


def _is_fixed(length):
    return isinstance(length, int) and length >= 0


def _depth(value):
    depth = 0
    while isinstance(value, list):
        depth += 1
        if not value:
            break
        value = value[0]
    return depth


def _check(value, shape, kind, at, alone=False):
    """Every list as long as the shape says, and in the innermost ones nothing but the wanted kind.

    `alone`: the outermost list is ours, so places are told without it.
    """
    if not shape:
        allowed = _ALLOWED[kind]
        if kind == "integer" and type(value) is float and value.is_integer() and abs(value) <= 2**53:
            return  # 2.0 is a whole number, however it was written
        if isinstance(value, (list, dict)) or (allowed is not None and type(value) not in allowed):
            raise BadInput(f"`{shown(at)}` must be {_WORDS[kind]}.", at)
        return
    if not isinstance(value, list):
        raise BadInput(f"`{shown(at)}` must be a list.", at)
    wanted = shape[0]
    lengths = {len(item) if isinstance(item, list) else -1 for item in value} if len(shape) > 1 else ()
    if _is_fixed(wanted) and len(value) != wanted:
        have = f"{len(value)} value{'' if len(value) == 1 else 's'}"
        raise BadInput(f"`{shown(at)}` has {have}; {wanted} {'is' if wanted == 1 else 'are'} wanted.", at)
    if len(shape) == 1:
        allowed = _ALLOWED[kind]
        if allowed is not None and allowed.issuperset(map(type, value)):
            return
        for index, item in enumerate(value):
            _check(item, (), kind, f"{at}/{index}")
        return
    for index, item in enumerate(value):
        _check(item, shape[1:], kind, at if alone else f"{at}/{index}")
    if len(lengths) > 1:
        raise BadInput(f"The lists in `{shown(at)}` must be of one length.", at)


def _fits(value, dtype, numpy):
    """Whether all whole numbers fit; old versions of numpy would wrap them."""
    limits = numpy.iinfo(dtype)
    low, high = limits.min, limits.max

    def fits(item):
        return all(map(fits, item)) if isinstance(item, list) else low <= item <= high

    return fits(value)
