"""Words for what a JSON Schema wants and for what was sent instead."""

import json
import re
from decimal import Decimal

from thampi.runtime.validate import NUMBERS, resolved

__all__ = [
    "ANYTHING",
    "Words",
    "amount",
    "bounds",
    "example_in",
    "listed",
    "names_of",
    "nearest",
    "number_text",
    "quoted",
    "sent",
    "shown",
]

_LONGEST_TEXT = 40
_LONGEST_EXAMPLE = 120
_MOST_NAMES = 10
_DEEPEST_REFERENCE = 20

ANYTHING = "a value"
_SINGULAR = {
    "number": "a number",
    "integer": "a whole number",
    "string": "a text",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}
_NOUNS = {
    "number": "number",
    "integer": "whole number",
    "string": "text",
    "boolean": "boolean",
    "array": "list",
    "object": "object",
}


class Words:
    """Names for what a schema wants."""

    def __init__(self, root):
        self._root = root

    def meant(self, schema):
        """What a chain of references ends at."""
        for _ in range(_DEEPEST_REFERENCE):
            if not isinstance(schema, dict) or "$ref" not in schema or "type" in schema:
                break
            schema = resolved(self._root, schema["$ref"])
        return schema

    def kind(self, schema):
        """`a number`, `a list of 4 numbers (…)`, `an object with `input``, `"red" or "green"`."""
        schema = self.meant(schema)
        if not isinstance(schema, dict):
            return ANYTHING
        if "const" in schema:
            return shown(schema["const"])
        if "enum" in schema:
            return _or([shown(one) for one in schema["enum"][:8]], len(schema["enum"]) > 8)
        alternatives = schema.get("anyOf") or schema.get("oneOf")
        if "type" in schema:
            names = names_of(schema["type"])
            return _or([self._of_type(name, schema) for name in names])
        if alternatives:
            return _or(list(dict.fromkeys(self.kind(part) for part in alternatives)))
        return ANYTHING

    def counted(self, schema):
        """`4 numbers (sepal length, …)` for a list whose length is fixed, else None."""
        if not isinstance(schema, dict):
            return None
        least, most = bounds(schema)
        if least != most:
            return None
        titles = [
            part.get("title") if isinstance(part, dict) else None for part in schema.get("prefixItems", ())
        ]
        named = len(titles) == least and all(isinstance(title, str) for title in titles)
        names = f" ({', '.join(titles[:6])}{', …' if len(titles) > 6 else ''})" if named and titles else ""
        return self.items(schema, least) + names

    def items(self, schema, count):
        """`4 numbers`, `1 text`, `2 values`."""
        kinds = {self._item_type(part) for part in schema.get("prefixItems", ())}
        if schema.get("items") not in (None, True, False):
            kinds.add(self._item_type(schema["items"]))
        [kind] = kinds if len(kinds) == 1 else [None]
        return amount(count, _NOUNS.get(kind, "value"))

    def _item_type(self, schema):
        schema = self.meant(schema)
        kind = schema.get("type") if isinstance(schema, dict) else None
        return kind if isinstance(kind, str) else None

    def _of_type(self, name, schema):
        if name == "array":
            counted = self.counted(schema)
            if counted:
                return f"a list of {counted}"
            noun = self.items(schema, 2)[2:]
            return "a list" if noun == "values" else f"a list of {noun}"
        if name == "object" and schema.get("required"):
            return f"an object with {listed(schema['required'], 4, ' and ')}"
        return _SINGULAR[name]


def example_in(root, schema=True, keys=()):
    """The text of an example for a place: its own, or its part of the whole input's; None without one."""
    if isinstance(schema, dict) and schema.get("examples"):
        value = schema["examples"][0]
    else:
        try:
            value = root["examples"][0]
            for key in keys:
                value = value[key]
        except (LookupError, TypeError):
            return None
    text = _json(value)
    return text if len(text) <= _LONGEST_EXAMPLE else None


def names_of(types):
    return types if isinstance(types, list) else [types]


def bounds(schema):
    """(fewest, most or None) items of a list."""
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if schema.get("items") is False:
        count = len(schema.get("prefixItems", ()))
        most = count if most is None else min(count, most)
    return least, most


def sent(value):
    """What a value is called when it is not what was wanted."""
    return f"the text {quoted(value)}" if type(value) is str else shown(value)


def shown(value):
    if type(value) is str:
        return quoted(value)
    if value is None or type(value) is bool:
        return {None: "null", True: "true", False: "false"}[value]
    if type(value) in NUMBERS:
        return number_text(value)
    return "a list" if type(value) is list else "an object"


def quoted(text):
    return _dumps(text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…")


def number_text(value):
    """A number as JavaScript writes it: 5, 0.00001, 1e-7, 1e+21."""
    if type(value) is int:
        return str(value) if abs(value) < 10**21 else number_text(float(value))
    if value == 0:
        return "0"
    if value - value != 0:  # 1e999 was sent
        return "a number too large"
    if 1e-6 <= abs(value) < 1e21:
        text = format(Decimal(repr(value)), "f")
        return text[:-2] if text.endswith(".0") else text
    return re.sub(r"e([+-])0", r"e\1", repr(value).replace(".0e", "e"))


def _json(value):
    """One line of JSON with a space after `,` and `:`."""
    if type(value) is list:
        return f"[{', '.join(map(_json, value))}]"
    if type(value) is dict:
        return "{" + ", ".join(f"{_dumps(key)}: {_json(item)}" for key, item in value.items()) + "}"
    return number_text(value) if type(value) in NUMBERS else _dumps(value)


_dumps = json.JSONEncoder(ensure_ascii=False).encode


def amount(count, noun):
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _or(words, more=False):
    if more:
        return f"{', '.join(words)}, …"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def listed(names, most, last=", "):
    shown = [f"`{name[:_LONGEST_TEXT]}`" for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)}, …"
    return last.join(part for part in (", ".join(shown[:-1]), shown[-1]) if part)


def nearest(wanted, names):
    """The name that was probably meant: a slip of the keyboard, or another way to write the same words."""
    best, fewest = None, len(wanted) // 3 + 1
    for name in names[:_MOST_NAMES]:
        if len(name) > _LONGEST_TEXT or len(wanted) > _LONGEST_TEXT:
            continue
        one, other = _bare(wanted), _bare(name)
        slips = _slips(one, other) if abs(len(one) - len(other)) < fewest else fewest
        if slips < fewest:
            best, fewest = name, slips
    return best


def _bare(name):
    return re.sub("[ _-]", "", name).lower()


def _slips(one, other):
    """How many letters were added, left out, exchanged for another or for their neighbour."""
    before, row = [], list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        previous, before, row = before, row, [i]
        for j, of_other in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != of_other))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == of_other:
                cost = min(cost, previous[j - 2] + 1)
            row.append(cost)
    return row[-1]
