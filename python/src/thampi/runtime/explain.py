"""Why a value does not fit a JSON Schema, in words for people who never saw the model.

    explain(schema, {"inputs": [1, 2, 3, 4]})
    # [Misfit: `data.input` is missing (got `inputs`). Did you mean `input`?]

Imported when something does not fit, and only then. `contract/validation.json` holds the very texts.
"""

import re

from thampi.runtime.validate import NUMBERS, compiled, is_same, is_type, pattern_of, resolved
from thampi.runtime.words import (
    ANYTHING,
    Words,
    amount,
    bounds,
    example_in,
    listed,
    names_of,
    nearest,
    number_text,
    quoted,
    sent,
    shown,
)

__all__ = ["Misfit", "explain", "hint_for", "summary"]

_MOST_ERRORS = 20
_MOST_SENTENCES = 3


class Misfit:
    """One place that does not fit.

    `pointer`  a JSON Pointer into the request: `/data/input/3`
    `code`     the keyword of the schema that says so
    `message`  a sentence
    `schema`   what is wanted at that place
    """

    def __init__(self, keys, code, message, schema):
        self.keys = keys
        self.pointer = "/data" + "".join("/" + _escaped(str(key)) for key in keys)
        self.code = code
        self.message = message
        self.schema = schema

    def document(self):
        return {"pointer": self.pointer, "code": self.code, "message": self.message}


def explain(schema, value):
    """The places where a value does not fit, at most 20; empty when it fits."""
    walk = _Walk(schema)
    walk.look(schema, value, ())
    return walk.found[:_MOST_ERRORS]


def summary(misfits):
    """The first sentences, for a reader who sees nothing else."""
    shown = [misfit.message for misfit in misfits[:_MOST_SENTENCES]]
    return " ".join(shown if len(misfits) == len(shown) else [*shown, "…"])


def hint_for(root, misfit):
    """What helps after the sentence was read: what is missing, and an example; None when there is nothing.

    `Expected: 4 numbers, e.g. [5.9, 3.2, 4.8, 1.8]` or `For example: [5.9, 3.2, 4.8, 1.8]`
    """
    words = Words(root)
    schema = words.meant(misfit.schema)
    example = example_in(root, schema, misfit.keys)
    expected = words.counted(schema) or words.kind(schema)
    if misfit.code != "required" or expected == ANYTHING:
        return None if example is None else f"For example: {example}"
    return f"Expected: {expected}" + ("." if example is None else f", e.g. {example}")


class _Walk:
    """One value against one schema."""

    def __init__(self, root):
        self.found = []
        self._root = root
        self._words = Words(root)

    def look(self, schema, value, keys):
        if len(self.found) >= _MOST_ERRORS or schema is True:
            return
        if schema is False:
            self._add(keys, "false", "is not allowed.", schema)
            return
        if "type" in schema and not any(is_type(name, value) for name in names_of(schema["type"])):
            self._wrong_kind(schema, value, keys)
            return
        if "const" in schema and not is_same(value, schema["const"]):
            wanted = shown(schema["const"])
            self._add(keys, "const", f"must be {wanted}; you sent {shown(value)}.", schema)
            return
        if "enum" in schema and not any(is_same(value, one) for one in schema["enum"]):
            self._not_among(schema, value, keys)
            return
        if "$ref" in schema:
            self.look(resolved(self._root, schema["$ref"]), value, keys)
        for part in schema.get("allOf", ()):
            self.look(part, value, keys)
        if "anyOf" in schema:
            self._none_of(schema, schema["anyOf"], value, keys, "anyOf")
        if "oneOf" in schema:
            self._none_of(schema, schema["oneOf"], value, keys, "oneOf")
        if type(value) in NUMBERS:
            self._number(schema, value, keys)
        elif type(value) is str:
            self._text(schema, value, keys)
        elif type(value) is list:
            self._array(schema, value, keys)
        elif type(value) is dict:
            self._object(schema, value, keys)

    def _add(self, keys, code, words, schema):
        self.found.append(Misfit(keys, code, f"`{_place(keys)}` {words}", schema))

    def _wrong_kind(self, schema, value, keys):
        words = f"must be {self._words.kind(schema)}; you sent {sent(value)}."
        if type(value) is str and _meant_as_number(schema, value):
            words += f" Send {value}, without quotes."
        self._add(keys, "type", words, schema)

    def _not_among(self, schema, value, keys):
        known = schema["enum"]
        words = f"must be {self._words.kind({'enum': known})}; you sent {shown(value)}."
        near = nearest(value, [one for one in known if type(one) is str]) if type(value) is str else None
        self._add(keys, "enum", words + (f' Did you mean "{near}"?' if near else ""), schema)

    def _none_of(self, schema, parts, value, keys, code):
        """Says what is wrong with the one alternative that was meant, if that can be told."""
        fitting, attempts = 0, []
        for part in parts:
            attempt = _Walk(self._root)
            attempt.look(part, value, keys)
            fitting += not attempt.found
            attempts.append(attempt.found)
        if fitting == 1 or (fitting and code == "anyOf"):
            return
        if fitting:
            words = f"fits {fitting} of the things that it may be, and must fit one; you sent {sent(value)}."
            self._add(keys, code, words, schema)
            return
        meant = [found for found in attempts if (found[0].keys, found[0].code) != (keys, "type")]
        if len(meant) > 1:
            if self._wrong_tag(meant, value, keys, code):
                return
            meant = [found for found in meant if not any(one.code == "const" for one in found)]
        if len(meant) == 1:
            self.found += meant[0]
            return
        words = f"must be {self._words.kind({code: parts})}; you sent {sent(value)}."
        self._add(keys, code, words, schema)

    def _wrong_tag(self, meant, value, keys, code):
        """Whether the alternatives are told apart by one member, which has none of their values."""
        tags = [next((one for one in found if one.code == "const"), None) for found in meant]
        if any(tag is None or tag.keys != tags[0].keys for tag in tags):
            return False
        wanted = {"enum": [tag.schema["const"] for tag in tags]}
        for key in tags[0].keys[len(keys) :]:
            value = value[key]
        words = f"must be {self._words.kind(wanted)}; you sent {shown(value)}."
        self._add(tags[0].keys, code, words, wanted)
        return True

    def _number(self, schema, value, keys):
        for keyword, is_right, words in _LIMITS:
            if keyword in schema and not is_right(value, schema[keyword]):
                limit = number_text(schema[keyword])
                self._add(keys, keyword, f"must be {words} {limit}; you sent {sent(value)}.", schema)

    def _text(self, schema, value, keys):
        length = len(value)
        if length < schema.get("minLength", 0):
            least = amount(schema["minLength"], "character")
            self._add(keys, "minLength", f"needs at least {least}; you sent {length}.", schema)
        if "maxLength" in schema and length > schema["maxLength"]:
            most = amount(schema["maxLength"], "character")
            self._add(keys, "maxLength", f"may have at most {most}; you sent {length}.", schema)
        pattern = pattern_of(schema)
        if pattern is not None and pattern.search(value) is None:
            words = f"must match the pattern {schema['pattern']}; you sent {shown(value)}."
            self._add(keys, "pattern", words, schema)

    def _array(self, schema, value, keys):
        least, most = bounds(schema)
        count = len(value)
        if count < least or (most is not None and count > most):
            if least == most:
                words = f"needs {self._words.counted(schema)}; you sent {count}."
            elif count < least:
                words = f"needs at least {self._words.items(schema, least)}; you sent {count}."
            else:
                words = f"may have at most {self._words.items(schema, most)}; you sent {count}."
            self._add(keys, "minItems" if count < least else "maxItems", words, schema)
            return
        first = schema.get("prefixItems", ())
        for index, (part, item) in enumerate(zip(first, value)):
            self.look(part, item, (*keys, index))
        rest = schema.get("items", True)
        if rest is True:
            return
        fits = compiled(rest, self._root)  # a list may be long: what fits is passed over quickly
        for index in range(len(first), count):
            if not fits(value[index]):
                self.look(rest, value[index], (*keys, index))
                if len(self.found) >= _MOST_ERRORS:
                    return

    def _object(self, schema, value, keys):
        properties = schema.get("properties", {})
        unknown = [key for key in value if key not in properties]
        missing = [name for name in schema.get("required", ()) if name not in value]
        explained = set()
        for name in missing[:_MOST_ERRORS]:
            near = nearest(name, [key for key in unknown if key not in explained])
            if near is not None:
                explained.add(near)
                words = f"is missing (got `{near}`). Did you mean `{name}`?"
            elif unknown:
                words = f"is missing (got {listed(unknown, 3)})."
            else:
                words = "is missing."
            self._add((*keys, name), "required", words, properties.get(name, True))
        for name, part in properties.items():
            if name in value:
                self.look(part, value[name], (*keys, name))
        if "patternProperties" in schema:
            return
        more = schema.get("additionalProperties", True)
        for key in unknown if more is not True else ():
            if len(self.found) >= _MOST_ERRORS:
                return
            if more is False and key not in explained:
                self._unknown(schema, key, [name for name in properties if name not in value], keys)
            elif type(more) is dict:
                self.look(more, value[key], (*keys, key))

    def _unknown(self, schema, key, free, keys):
        near = nearest(key, free)
        if near is not None:
            words = f"is not known. Did you mean `{near}`?"
        elif schema.get("properties"):
            words = f"is not known. Known: {listed(list(schema['properties']), 8)}."
        else:
            words = "is not known."
        self._add((*keys, key), "additionalProperties", words, True)


_LIMITS = (
    ("minimum", lambda value, limit: value >= limit, "at least"),
    ("maximum", lambda value, limit: value <= limit, "at most"),
    ("exclusiveMinimum", lambda value, limit: value > limit, "more than"),
    ("exclusiveMaximum", lambda value, limit: value < limit, "less than"),
)


def _meant_as_number(schema, text):
    names = names_of(schema["type"])
    if "number" in names:
        return re.fullmatch(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,15})?", text) is not None
    return "integer" in names and re.fullmatch(r"-?(0|[1-9][0-9]{0,15})", text) is not None


def _place(keys):
    return "data" + "".join(
        f"[{key}]" if type(key) is int else f".{key}" if _NAME.fullmatch(key) else f"[{quoted(key)}]"
        for key in keys
    )


_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def _escaped(key):
    return key.replace("~", "~0").replace("/", "~1")
