"""Results as JSON: one text for one value, the same wherever the model runs.

Keys sorted, no spaces, non-ASCII text as it is. Plain values, the usual case, take one call of the standard
encoder. Only when that refuses does `plain` walk the value and turn what numpy, pandas and the standard
library add into plain values, or say where the one thing is that cannot be turned.
"""

import datetime
import decimal
import enum
import json
import math
import re
import sys
import uuid
from collections.abc import Mapping

from thampi.runtime import fast

__all__ = ["NotJson", "encode", "encode_bytes", "encode_indented", "plain", "to_bytes"]

_compact = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
_indented = json.JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False).encode


class NotJson(Exception):
    """`where` (`result.scores[3]`) is something that JSON cannot carry.

    `pointer` is the same place as a JSON Pointer, `what` says what is there, `fix` what to return instead.
    """

    def __init__(self, keys, what, fix=None):
        self.where = "result" + "".join(_step(key) for key in keys)
        self.pointer = "/result" + "".join("/" + _pointer(key) for key in keys)
        self.what = what
        self.fix = fix
        super().__init__(f"`{self.where}` {what}.")


def encode(value, on_missing=None):
    """The compact JSON text of a result. Raises NotJson.

    `on_missing(where)` is called once when NaN, Infinity or a missing value of pandas was written as null.

    >>> encode({'b': 1.0, 'a': (1, 2)})
    '{"a":[1,2],"b":1.0}'
    """
    try:
        text = _compact(value)
    except RecursionError:
        raise NotJson((), "is nested too deeply", "return a flatter value") from None
    except Exception:  # TypeError and ValueError of the encoder; anything at all from odd subclasses
        text = _encode_plain(value, on_missing)
    return text


def encode_bytes(value, on_missing=None):
    """The same text as UTF-8, sooner where orjson is at hand."""
    text = fast.write(value)
    return to_bytes(encode(value, on_missing)) if text is None else text


def encode_indented(members):
    """The same, indented by two spaces, for values that `plain` gave."""
    return _indented(members)


def to_bytes(text):
    """UTF-8. A lone surrogate, which UTF-8 cannot carry, becomes its JSON escape."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def plain(value, on_missing=None):
    """`value` made of nothing but dict, list, str, int, finite float, bool and None. Raises NotJson."""
    walk = _Walk()
    try:
        result = walk.plain(value, ())
    except RecursionError:
        raise NotJson((), "is nested too deeply", "return a flatter value") from None
    if walk.missing is not None and on_missing is not None:
        on_missing(NotJson(walk.missing, "").where)
    return result


def _encode_plain(value, on_missing):
    try:
        return _compact(plain(value, on_missing))
    except NotJson:
        raise
    except RecursionError:
        raise NotJson((), "is nested too deeply", "return a flatter value") from None
    except Exception as error:
        raise NotJson((), f"cannot be read: {type(error).__name__}: {_text(error)}") from None


class _Walk:
    """One walk over one value."""

    def __init__(self):
        self.missing = None
        self._above = set()
        self._numpy = sys.modules.get("numpy")
        self._pandas = sys.modules.get("pandas")

    def plain(self, value, keys):
        if value is None or value is True or value is False or isinstance(value, str):
            return value
        if isinstance(value, int):
            return self._int(value, keys)
        if isinstance(value, float):
            return value if math.isfinite(value) else self._null(keys)
        if isinstance(value, (dict, list, tuple)):
            return self._inside(value, keys)
        return self._special(value, keys)

    def _int(self, value, keys):
        if value.bit_length() > 14_000:  # beyond 4,300 digits Python itself refuses to write one
            raise NotJson(keys, "is an integer of more than 4,000 digits", "return `str(…)`")
        return value

    def _null(self, keys):
        if self.missing is None:
            self.missing = keys
        return None

    def _inside(self, value, keys):
        """The members of a container, unless it stands inside itself."""
        mark = id(value)
        if mark in self._above:
            raise NotJson(keys, "contains itself", "return a value without cycles")
        self._above.add(mark)
        try:
            if isinstance(value, Mapping):
                return self._members(value, keys)
            return [self.plain(item, (*keys, index)) for index, item in enumerate(value)]
        finally:
            self._above.discard(mark)

    def _members(self, value, keys):
        result = {}
        for key, item in value.items():
            result[self._key(key, keys)] = self.plain(item, (*keys, key))
        try:
            sorted(result)
            return result
        except TypeError:  # keys of several types, such as 1 and "a", have an order only as text
            pass
        named = {_key_text(key): item for key, item in result.items()}
        if len(named) < len(result):
            raise NotJson(keys, "has two keys that are the same text in JSON", "use `str(key)` for every key")
        return named

    def _key(self, key, keys):
        if self._numpy is not None and isinstance(key, self._numpy.generic):
            key = key.item()
        if isinstance(key, float) and not math.isfinite(key):
            raise NotJson(keys, f"has the key {key!r}", "use `str(key)`")
        if key is None or isinstance(key, (str, int, float)):
            return key
        raise NotJson(keys, f"has a key that is {_a(key)}", "use `str(key)`")

    def _special(self, value, keys):
        if isinstance(value, datetime.datetime):
            if value != value:  # pandas' NaT
                return self._null(keys)
            return _http_date(value.utctimetuple())
        if isinstance(value, datetime.date):
            return _http_date(value.timetuple())
        if isinstance(value, uuid.UUID):
            return str(value)
        if isinstance(value, decimal.Decimal):
            return self._decimal(value, keys)
        if isinstance(value, enum.Enum):
            return self.plain(value.value, keys)
        if hasattr(type(value), "__dataclass_fields__"):
            from dataclasses import fields  # whoever has made one has imported it already

            members = {field.name: getattr(value, field.name) for field in fields(value)}
            return self._guarded(value, members, keys)
        if isinstance(value, Mapping):
            return self._inside(value, keys)
        if self._numpy is not None and isinstance(value, (self._numpy.generic, self._numpy.ndarray)):
            return self._array(value, keys)
        if self._pandas is not None:
            found, result = self._frame(value, keys)
            if found:
                return result
        raise NotJson(keys, f"is {_a(value)}", _advice(value))

    def _guarded(self, value, members, keys):
        """A dataclass may contain itself as well as a dict can."""
        mark = id(value)
        if mark in self._above:
            raise NotJson(keys, "contains itself", "return a value without cycles")
        self._above.add(mark)
        try:
            return self._inside(members, keys)
        finally:
            self._above.discard(mark)

    def _decimal(self, value, keys):
        if not value.is_finite():
            return self._null(keys)
        if value.as_tuple().exponent >= 0 and value.adjusted() < 4_000:
            return int(value)
        return self.plain(float(value), keys)

    def _array(self, value, keys):
        numpy = self._numpy
        kind = value.dtype.kind
        if kind == "M":
            # Nanoseconds would become bare integers; the text has whole seconds anyway.
            value = value.astype("datetime64[us]")
        elif kind == "f" and value.dtype.itemsize > 8:
            value = value.astype(numpy.float64)
        elif kind not in "biufOUV":
            fix = _COMPLEX_ADVICE if kind == "c" else _advice(value)
            raise NotJson(keys, f"is {_a(value)} of {value.dtype}", fix)
        result = value.tolist()
        if kind in "biu" or (kind == "f" and bool(numpy.isfinite(value).all())):
            return result
        return self._missing_dates(result, keys) if kind == "M" else self.plain(result, keys)

    def _missing_dates(self, value, keys):
        """numpy writes a missing date as None; say so like every other missing value."""
        if isinstance(value, list):
            return [self._missing_dates(item, (*keys, index)) for index, item in enumerate(value)]
        return self._null(keys) if value is None else self.plain(value, keys)

    def _frame(self, value, keys):
        pandas = self._pandas
        if value is pandas.NA:
            return True, self._null(keys)
        if isinstance(value, pandas.DataFrame):
            if not value.columns.is_unique:
                raise NotJson(keys, "is a DataFrame with two columns of one name", "rename the columns")
            return True, self._inside(value.to_dict("records"), keys)
        if isinstance(value, (pandas.Series, pandas.Index, pandas.api.extensions.ExtensionArray)):
            return True, self._inside(list(value), keys)
        return False, None


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _http_date(t):
    # By hand, because strftime speaks the language of the machine.
    clock = f"{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}"
    return f"{_DAYS[t.tm_wday]}, {t.tm_mday:02d} {_MONTHS[t.tm_mon - 1]} {t.tm_year:04d} {clock} GMT"


_SURROGATE = re.compile("[\ud800-\udfff]")
_NAME = re.compile(r"[^\W\d]\w*")


def _step(key):
    """A step of a Python path: `.scores` or `[3]` or `['two words']`."""
    if isinstance(key, str):
        return f".{key}" if _NAME.fullmatch(key) else f"[{key!r}]"
    return f"[{_text(key)}]"


def _pointer(key):
    return (key if isinstance(key, str) else _key_text(key)).replace("~", "~0").replace("/", "~1")


def _key_text(key):
    """The text that JSON makes of a key."""
    if isinstance(key, str):
        return key
    return (
        {True: "true", False: "false", None: "null"}[key]
        if key is None or isinstance(key, bool)
        else _text(key)
    )


def _text(value):
    try:
        return str(value)
    except Exception:
        return type(value).__name__


def _a(value):
    """`a torch.Tensor`, `an Image`: a value's type in words."""
    kind = type(value)
    package = (kind.__module__ or "").partition(".")[0]
    name = kind.__name__ if package in ("", "builtins", "__main__") else f"{package}.{kind.__name__}"
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


_COMPLEX_ADVICE = "return the real and the imaginary part"


def _advice(value):
    # Asks the type: an object with its own ideas about attributes has no say here.
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "return text: `base64.b64encode(…).decode()`"
    if isinstance(value, (set, frozenset)):
        return "return `sorted(…)`"
    if isinstance(value, complex):
        return _COMPLEX_ADVICE
    if isinstance(value, (datetime.timedelta, datetime.time)):
        return "return `str(…)`"
    if hasattr(type(value), "__next__"):
        return "return `list(…)`"
    if hasattr(type(value), "tolist"):
        return "return `float(…)` or `.tolist()`"
    return "return dicts, lists, text, numbers, booleans or None"
