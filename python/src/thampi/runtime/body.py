"""What a request says: the JSON object in the bytes of a body, or the problem with them.

    read_data(b'{"data": [5.9, 3.2]}')     # [5.9, 3.2]
    read_data(b'{}')                       # None

JSON, and less than all of it: at most 100 levels and a million values, no number of more than 1,000
characters, no key twice at the top. What parsers disagree about must not mean one thing here and another
elsewhere, and what is small to send must not be large to hold. What an ordinary body is too short for is not
looked for in it.
"""

import json
import re

from thampi.runtime import fast
from thampi.runtime.problem import Problem

__all__ = ["read_data", "read_object"]

MAX_DEPTH = 100  # of the value under `data`
MAX_VALUES = 1_000_000
MAX_NUMBER = 1_000  # characters

_EXPECTED = 'Send a JSON object such as {"data": …}.'


def read_data(body):
    """The value under `data` in the bytes of a request, None when there is none. Raises Problem."""
    return read_object(body).get("data")


def read_object(body):
    """The JSON object in the bytes of a request. Raises Problem."""
    body = bytes(body)
    has_many_digits = fast.has_many_digits(body)
    if len(body) > 2 * MAX_DEPTH:
        _check_size(body, has_many_digits)
    value = fast.read(body, has_many_digits)
    if value is fast.NOT_READ:
        value = _read(body, _decode)
    if type(value) is not dict:
        raise Problem("invalid-request", f"The body is {_KINDS[type(value)]}, not a JSON object.", _EXPECTED)
    if _may_repeat_a_key(value, body):
        _refuse_repeated_keys(body)
    return value


_KINDS = {
    list: "an array",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}


# ---- too much of something: from the bytes, before anything is made of them


def _check_size(body, has_many_digits):
    # A number is at most three runs of digits: before and after the point, and in the exponent.
    if has_many_digits and len(body) > MAX_NUMBER and _LONG_NUMBER.search(_without_texts(body)):
        raise _too_long_a_number()
    if _is_deeper(body, MAX_DEPTH + 1):  # one level is the object around `data`
        what = f"The body is nested more than {MAX_DEPTH} levels deep."
        raise Problem("too-deep", what, "Send a flatter value.")
    # A value has at least one character, and a comma or a bracket beside it.
    if len(body) >= 2 * MAX_VALUES and _values(body) > MAX_VALUES:
        what = f"The body has more than {MAX_VALUES:,} values."
        raise Problem("invalid-request", what, "Send it in several requests.")


_LONG_NUMBER = re.compile(rb"[-+.eE0-9]{%d}" % (MAX_NUMBER + 1))


def _is_deeper(body, depth):
    """Whether arrays and objects lie more than `depth` levels deep in each other; anything for no JSON."""
    brackets = body.translate(_BRACKETS_ALIKE, _NO_BRACKETS)
    if brackets.count(b"[") <= depth:
        return False
    if b"\\" in body:
        brackets = _without_escapes(body).translate(_BRACKETS_ALIKE, _NO_BRACKETS)
    brackets = brackets.replace(b'""', b"")
    if b'"' in brackets:  # texts with brackets in them; any other text has left nothing but its two quotes
        brackets = _without_texts(body).translate(_BRACKETS_ALIKE, _NO_BRACKETS + b'"')
    too_many = b"[" * (depth + 1)
    for _ in range(depth):
        if too_many in brackets:
            return True
        inner = brackets.replace(b"[]", b"")  # takes one level away everywhere
        if len(inner) == len(brackets):
            return False
        brackets = inner
    return b"[]" in brackets


_BRACKETS_ALIKE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b'[]{}"'))


def _values(body):
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) < MAX_VALUES:
        return 0
    bare = _without_texts(body).translate(None, b" \t\r\n")
    empty = bare.count(b"[]") + bare.count(b"{}")
    return 1 + bare.count(b",") + bare.count(b"[") + bare.count(b"{") - empty


def _without_texts(body):
    """The body with every text empty."""
    return b'""'.join(_without_escapes(body).split(b'"')[::2])


def _without_escapes(body):
    return body.replace(b"\\\\", b"").replace(b'\\"', b"")


# ---- a key that stands twice at the top: the parser has kept the last and says nothing


def _may_repeat_a_key(value, body):
    if len(value) == 1 and "data" in value:
        if _is_all_one_key(body):
            return False
        return body.count(b'"data"') > 1 or (b"\\u00" in body and _ESCAPED.search(body) is not None)
    # Written with escapes a key looks like another one.
    if b"\\" in body or len(value) > _FEW:
        return True
    return any(body.count(b'"%s"' % key.encode()) > 1 for key in value)


def _is_all_one_key(body):
    """Whether `"data"` is the only text of the body. One letter is looked for many times faster than a word,
    and most of what is long is numbers."""
    first = body.find(b'"')
    return body.startswith(b'"data"', first) and body.find(b'"', first + 6) < 0


# A `d`, `a` or `t` written as an escape might spell the key `data` a second time.
_ESCAPED = re.compile(rb"\\u00(?:64|61|74)")
_FEW = 8


def _refuse_repeated_keys(body):
    latest = []

    def keep(pairs):
        latest[:] = [pairs]  # the outermost object is complete last
        return dict(pairs)

    value = _read(body, json.JSONDecoder(object_pairs_hook=keep).decode)
    if len(latest[0]) == len(value):
        return
    seen = set()
    key = next(key for key, _ in latest[0] if key in seen or seen.add(key))
    place = {"pointer": _pointer([key]), "code": "duplicate-key", "message": "appears twice"}
    raise Problem("duplicate-key", f"The body has the key `{key}` twice.", "Send it once.", [place])


# ---- the standard library, which is slower than orjson and knows what is wrong and where


def _read(body, decode):
    try:
        text = str(body, "utf-8")
    except UnicodeDecodeError as error:
        raise Problem("invalid-utf8", f"Byte {error.start} of the body is not UTF-8.", _EXPECTED) from None
    try:
        value = decode(text)
    except RecursionError:
        raise Problem("too-deep", "The body is nested too deeply to be read.") from None
    except json.JSONDecodeError as error:
        raise _malformed(text, error) from None
    except ValueError:  # Python reads no integer of more than 4,300 digits
        raise _too_long_a_number() from None
    if "NaN" in text or "Infinity" in text:
        _refuse_foreign(value)
    return value


class _Foreign:
    """NaN, Infinity or -Infinity, which Python's parser takes for JSON."""

    def __init__(self, name):
        self.name = name


_decode = json.JSONDecoder(parse_constant=_Foreign).decode


def _refuse_foreign(value):
    left = [((), value)]
    while left:
        keys, value = left.pop()
        if type(value) is _Foreign:
            what = f"{value.name} is not a JSON value"
            place = {"pointer": _pointer(keys), "code": "malformed-json", "message": what}
            raise Problem("malformed-json", f"The body is not JSON: {what}.", "Send null instead.", [place])
        if type(value) is dict:
            left += [((*keys, key), inner) for key, inner in value.items()]
        elif type(value) is list:
            left += [((*keys, at), inner) for at, inner in enumerate(value)]


def _pointer(keys):
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def _malformed(text, error):
    if not text.strip():
        return Problem("malformed-json", "The body is empty.", _EXPECTED)
    if text[0] == "\ufeff":
        return Problem("malformed-json", "The body begins with a byte order mark.", "Send UTF-8 without it.")
    what = f"{error.msg} at line {error.lineno}, column {error.colno}"
    return Problem("malformed-json", f"The body is not JSON: {what}.", _EXPECTED)


def _too_long_a_number():
    what = f"The body has a number of more than {MAX_NUMBER:,} characters."
    return Problem("malformed-json", what, "Send it as text.")
