"""A JSON Schema from examples: what was seen, as far as it says something about inputs nobody has seen yet.

Types, keys and lengths are taken from the examples; ranges become descriptions, never limits; a text is a
text, however few different ones there were.
"""

from __future__ import annotations

__all__ = ["feature_names", "inferred"]

# A picture has a hundred thousand numbers; the first ones say what they are.
_MOST_ITEMS = 1_000
_MOST_POSITIONS = 256
_MOST_KEYS = 200

_TYPES = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
    list: "array",
    dict: "object",
}


def inferred(values, names=None):
    """The JSON Schema of some values, each as a JSON reader gives it.

    `names` are those of an estimator's features: a list of as many numbers gets them as titles.

    >>> inferred([{'input': [5.9, 3.2]}])['properties']
    {'input': {'type': 'array', 'items': {'type': 'number'}, 'minItems': 2, 'maxItems': 2}}
    """
    seen = _Seen()
    for value in values:
        seen.add(value)
    return seen.schema(names or ())


def feature_names(model):
    """The feature names of the one scikit-learn estimator that a model holds or names, or None.

    Looks at the model, its attributes and the globals that `predict` mentions.
    """
    found = []
    for candidate in _around(model):
        names = _names_in(candidate)
        if names is not None and names not in found:
            found.append(names)
    return found[0] if len(found) == 1 else None


def _around(model):
    yield model
    yield from getattr(model, "__dict__", {}).values()
    for name in ("predict", "predict_batch"):
        function = getattr(getattr(model, name, None), "__func__", None)
        code = getattr(function, "__code__", None)
        if code is not None:
            yield from (
                function.__globals__[known] for known in code.co_names if known in function.__globals__
            )
            yield from (content for cell in function.__closure__ or () for content in _content(cell))


def _content(cell):
    try:
        return [cell.cell_contents]
    except ValueError:  # an empty one
        return []


def _names_in(candidate):
    try:
        names = [*candidate.feature_names_in_]
    except Exception:  # none, not fitted, or something else altogether
        return None
    return names if names and all(isinstance(name, str) for name in names) else None


class _Seen:
    """What was seen in one place."""

    def __init__(self):
        self._count = 0
        self._types = set()
        self._numbers = set()
        self._lengths = set()
        self._item = None
        self._positions = []
        self._members = {}

    def add(self, value):
        kind = _TYPES[type(value)]
        self._count += 1
        self._types.add(kind)
        if kind == "number" and len(self._numbers) < 2:
            self._numbers.add(value)
        elif kind == "number":
            self._numbers = {min(*self._numbers, value), max(*self._numbers, value)}
        elif kind == "array":
            self._add_list(value)
        elif kind == "object":
            for key, member in value.items():
                self._members.setdefault(key, _Seen()).add(member)

    def _add_list(self, value):
        self._lengths.add(len(value))
        for item in value[:_MOST_ITEMS]:
            self._item = self._item or _Seen()
            self._item.add(item)
        while len(self._positions) < min(len(value), _MOST_POSITIONS):
            self._positions.append(_Seen())
        for position, item in zip(self._positions, value):
            if _TYPES[type(item)] == "number":
                position.add(item)

    def schema(self, names):
        kinds = sorted(self._types)
        schema = {"type": kinds[0] if len(kinds) == 1 else kinds} if kinds else {}
        if len(self._numbers) == 2:
            schema["description"] = f"from {min(self._numbers)} to {max(self._numbers)} in the examples"
        if "array" in self._types:
            schema.update(self._list(names))
        if "object" in self._types:
            schema.update(self._object(names))
        return schema

    def _list(self, names):
        if self._item is None:
            return {}
        items = self._item.schema(names)
        if len(self._lengths) != 1:
            return {"items": items}
        [length] = self._lengths
        if length == len(names) and self._item._types == {"number"}:
            parts = [{"title": name, **seen.schema(())} for name, seen in zip(names, self._positions)]
            if len(parts) == length:
                return {"prefixItems": parts, "items": False, "minItems": length}
        return {"items": items, "minItems": length, "maxItems": length}

    def _object(self, names):
        if len(self._members) > _MOST_KEYS:  # these are no names of members
            return {}
        properties = {key: seen.schema(names) for key, seen in self._members.items()}
        required = [key for key, seen in self._members.items() if seen._count == self._count]
        return {"properties": properties, **({"required": required} if required else {})}
