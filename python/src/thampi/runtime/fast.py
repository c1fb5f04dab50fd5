"""JSON by way of orjson, where a model's dependencies bring it: the same values and the same bytes, sooner.

    many = fast.has_many_digits(body)
    value = fast.read(body, many)  # or NOT_READ: only the standard library knows what to make of it
    answer = fast.write(result)    # or None, likewise

orjson reads and writes some things differently from the standard library; they are left to that.
"""

import re
import sys

try:
    import orjson

    _OPTIONS = (
        orjson.OPT_SORT_KEYS
        | orjson.OPT_PASSTHROUGH_DATACLASS
        | orjson.OPT_PASSTHROUGH_DATETIME
        | orjson.OPT_PASSTHROUGH_SUBCLASS
    )
except Exception:  # there is none, or it is something else of that name
    orjson = None

__all__ = ["NOT_READ", "has_many_digits", "read", "write"]

NOT_READ = object()


def has_many_digits(body):
    """Whether so many digits stand side by side that they may be an integer of more than 64 bits."""
    return _MANY_DIGITS in body.translate(_DIGITS_ALIKE)


def read(body, has_many_digits):
    """The value in the bytes of a body, or NOT_READ."""
    if orjson is None or (has_many_digits and _BIG_INTEGER in body.translate(_NUMBERS_ALIKE)):
        return NOT_READ
    try:
        return orjson.loads(body)
    except Exception:  # no JSON for orjson; whether it is any and what is wrong with it says the other one
        return NOT_READ


def write(value):
    """The compact JSON of a value as bytes, or None."""
    if orjson is None:
        return None
    try:
        text = orjson.dumps(value, _plain, _OPTIONS)
    except Exception:
        return None
    # Perhaps a NaN, which has to be told. One letter is looked for many times faster than a word.
    if b"n" in text and b"null" in text:
        return None
    # From the right Python leaps over what cannot match; from the left it takes twice as long in a long text.
    if text.rfind(b"0.0000") >= 0 or _may_have_exponents(text):
        return _as_python_writes(text)
    return text


# Integers that do not fit into 64 bits become floats in orjson. Every digit counts as 0 and everything that
# may stand before a number as a comma: then no integer is that big in which this does not occur.
_MANY_DIGITS = b"0" * 19
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_NUMBERS_ALIKE = bytes.maketrans(b"0123456789[: \t\r\n-", b"0000000000,,,,,,,")
_BIG_INTEGER = b"," + _MANY_DIGITS


def _plain(value):
    """What numpy adds, where nothing has to be said about it."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, (numpy.generic, numpy.ndarray)):
        dtype = value.dtype
        if dtype.kind == "U" or (dtype.kind in "biuf" and dtype.itemsize <= 8):
            return value.tolist()
    raise TypeError


def _may_have_exponents(text):
    """Whether an `e` stands before a digit or a sign. Long answers mostly have a few, in their keys."""
    at = text.find(b"e")
    for _ in range(_FEW):
        if at < 0:
            return False
        if text[at + 1 : at + 2] in _AFTER_E:
            return True
        at = text.find(b"e", at + 1)
    return _EXPONENT.search(text) is not None


_FEW = 8
_AFTER_E = tuple(b"%c" % byte for byte in b"-+0123456789")
_TEXT = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")')
_EXPONENT = re.compile(rb"e([-+]?)(\d+)")
_SMALL = re.compile(rb"0\.0000\d+")


def _as_python_writes(text):
    """Numbers in the way of Python: 1e-05 for 0.00001, 1e-07 for 1e-7 and 1e+16 for 1e16."""
    parts = _TEXT.split(text)
    parts[::2] = [_SMALL.sub(_small, _EXPONENT.sub(_exponent, part)) for part in parts[::2]]
    return b"".join(parts)


def _exponent(found):
    sign, digits = found.groups()
    return b"e" + (sign or b"+") + digits.rjust(2, b"0")


def _small(found):
    at = found.start()
    is_whole = at == 0 or not found.string[at - 1 : at].isdigit()  # and not the end of 10.00001
    return repr(float(found[0])).encode() if is_whole else found[0]
