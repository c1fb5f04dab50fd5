"""Does a value fit a JSON Schema? Compiled once, when the model is loaded, so that asking is cheap.

    fits = compiled({"type": "object", "required": ["input"]})
    fits({"input": [5.9, 3.2, 4.8, 1.8]})    # True

The subset of 2020-12 that `save` and pydantic write: type, enum, const, properties, required,
additionalProperties, items, prefixItems, minItems, maxItems, minimum, maximum, exclusiveMinimum,
exclusiveMaximum, minLength, maxLength, pattern, anyOf, oneOf, allOf and $ref inside the document. Other
keywords say nothing here. What to answer when a value does not fit is in `explain.py`.
"""

import re

__all__ = ["NUMBERS", "SchemaError", "compiled", "is_same", "is_type", "pattern_of", "resolved"]

NUMBERS = frozenset((int, float))


class SchemaError(Exception):
    """The schema itself is wrong; `pointer` (a JSON Pointer into the schema) says where."""

    def __init__(self, pointer, what):
        super().__init__(f"{pointer} {what}")
        self.pointer = pointer


def compiled(schema, root=None):
    """A function that says whether a value, as a JSON reader gives it, fits. Raises SchemaError.

    `root` is the document that references are looked up in, when that is not the schema itself.
    """
    return _Compiler(schema if root is None else root).test(schema, "")


def is_type(name, value):
    """Whether a value has a type of JSON Schema. 1.0 is an integer."""
    if name == "integer":
        return type(value) is int or (type(value) is float and value.is_integer())
    return type(value) in _TYPES[name]


def is_same(one, other):
    """Equality of JSON: 1 is 1.0 and neither is true."""
    if type(one) in NUMBERS and type(other) in NUMBERS:
        return one == other
    if type(one) is not type(other):
        return False
    if type(one) is list:
        return len(one) == len(other) and all(map(is_same, one, other))
    if type(one) is dict:
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    return one == other


def pattern_of(schema):
    """The compiled `pattern`, or None where this language has no such expression: then it is not checked."""
    try:
        return re.compile(schema["pattern"])
    except (KeyError, re.error):
        return None


def resolved(root, reference):
    """What `#/$defs/Name` stands for, or None."""
    found = root
    for step in reference[1:].split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or step not in found:
            return None
        found = found[step]
    return found if isinstance(found, (dict, bool)) and reference[:1] == "#" else None


_TYPES = {
    "number": NUMBERS,
    "string": frozenset((str,)),
    "boolean": frozenset((bool,)),
    "null": frozenset((type(None),)),
    "array": frozenset((list,)),
    "object": frozenset((dict,)),
}

_COUNT = (lambda value: type(value) is int and value >= 0, "a whole number")
_NUMBER = (lambda value: type(value) in NUMBERS, "a number")
_LIST = (lambda value: type(value) is list and value, "a list")
_SCHEMAS = (lambda value: type(value) is dict, "an object")
_SCHEMA = (lambda value: type(value) in (dict, bool), "a schema")
_NAMES = (
    lambda value: type(value) is list and all(type(name) is str for name in value),
    "a list of names",
)
_KEYWORDS = {
    "type": (lambda value: all(name in _NAMES_OF_TYPES for name in _several(value)), "a type of JSON"),
    "enum": _LIST,
    "properties": _SCHEMAS,
    "$defs": _SCHEMAS,
    "required": _NAMES,
    "additionalProperties": _SCHEMA,
    "items": _SCHEMA,
    **dict.fromkeys(("prefixItems", "anyOf", "oneOf", "allOf"), _LIST),
    **dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength"), _COUNT),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _NUMBER),
    **dict.fromkeys(("pattern", "$ref"), (lambda value: type(value) is str, "a text")),
}
_NAMES_OF_TYPES = (*_TYPES, "integer")


def _several(names):
    return names if type(names) is list else [names]


class _Compiler:
    def __init__(self, root):
        self._root = root
        self._references = {}

    def test(self, schema, pointer):
        """A function from a value to True or False; `pointer` is where the schema stands."""
        if type(schema) is bool:
            return lambda value: schema
        if type(schema) is not dict:
            raise SchemaError(pointer, "is no schema")
        for keyword, (is_right, wanted) in _KEYWORDS.items():
            if keyword in schema and not is_right(schema[keyword]):
                raise SchemaError(f"{pointer}/{keyword}", f"must be {wanted}")
        tests = [
            *self._any(schema, pointer),
            *self._number(schema),
            *self._text(schema),
            *self._array(schema, pointer),
            *self._object(schema, pointer),
        ]
        return _all(tests)

    def _any(self, schema, pointer):
        if "type" in schema:
            yield _type_test(schema["type"])
        if "const" in schema:
            yield lambda value, wanted=schema["const"]: is_same(value, wanted)
        if "enum" in schema:
            yield lambda value, known=schema["enum"]: any(is_same(value, one) for one in known)
        if "$ref" in schema:
            yield self._reference(schema["$ref"], f"{pointer}/$ref")
        for keyword, wanted in (("allOf", all), ("anyOf", any), ("oneOf", _exactly_one)):
            if keyword in schema:
                parts = self._tests(schema[keyword], f"{pointer}/{keyword}")
                yield lambda value, of=wanted, parts=parts: of(part(value) for part in parts)

    def _tests(self, schemas, pointer):
        return [self.test(schema, f"{pointer}/{index}") for index, schema in enumerate(schemas)]

    def _reference(self, reference, pointer):
        """Compiled when first met, looked up when asked: a schema may contain itself."""
        known = self._references
        if reference not in known:
            schema = resolved(self._root, reference)
            if schema is None:
                raise SchemaError(pointer, f"names {reference}, which is not in this document")
            known[reference] = None
            known[reference] = self.test(schema, reference[1:])
        return known[reference] or (lambda value: known[reference](value))

    def _number(self, schema):
        least, most = schema.get("minimum"), schema.get("maximum")
        above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        if least is not None:
            yield lambda value: type(value) not in NUMBERS or value >= least
        if most is not None:
            yield lambda value: type(value) not in NUMBERS or value <= most
        if above is not None:
            yield lambda value: type(value) not in NUMBERS or value > above
        if below is not None:
            yield lambda value: type(value) not in NUMBERS or value < below

    def _text(self, schema):
        least, most, pattern = schema.get("minLength", 0), schema.get("maxLength"), pattern_of(schema)
        if least:
            yield lambda value: type(value) is not str or len(value) >= least
        if most is not None:
            yield lambda value: type(value) is not str or len(value) <= most
        if pattern is not None:
            yield lambda value: type(value) is not str or pattern.search(value) is not None

    def _array(self, schema, pointer):
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        if least:
            yield lambda value: type(value) is not list or len(value) >= least
        if most is not None:
            yield lambda value: type(value) is not list or len(value) <= most
        first = self._tests(schema.get("prefixItems", ()), f"{pointer}/prefixItems")
        if first:
            yield _prefix_test(schema["prefixItems"], first)
        if "items" in schema:
            yield _items_test(schema["items"], self.test(schema["items"], f"{pointer}/items"), len(first))

    def _object(self, schema, pointer):
        required = frozenset(schema.get("required", ()))
        if required:
            yield lambda value: type(value) is not dict or required <= value.keys()
        tests = {
            name: self.test(part, f"{pointer}/properties/{name}")
            for name, part in schema.get("properties", {}).items()
        }
        if tests:
            yield _properties_test(tuple(tests.items()))
        # With `patternProperties`, which we do not read, what is additional cannot be told.
        if "additionalProperties" in schema and "patternProperties" not in schema:
            more = self.test(schema["additionalProperties"], f"{pointer}/additionalProperties")
            yield (
                lambda value: (
                    type(value) is not dict or all(more(value[name]) for name in value if name not in tests)
                )
            )


def _all(tests):
    if not tests:
        return lambda value: True
    first, *more = tests
    if not more:
        return first
    rest = _all(more)
    return lambda value: first(value) and rest(value)


def _properties_test(named):
    def fits(value):
        if type(value) is dict:
            for name, test in named:
                if name in value and not test(value[name]):
                    return False
        return True

    return fits


def _exactly_one(results):
    return sum(results) == 1


def _type_test(names):
    if type(names) is list:
        return lambda value: any(is_type(name, value) for name in names)
    if names == "integer":
        return lambda value: is_type("integer", value)
    [only] = _TYPES[names] if len(_TYPES[names]) == 1 else (None,)
    if only is None:
        return lambda value: type(value) in NUMBERS
    return lambda value: type(value) is only


def _plain_types(schema):
    """The Python types of a schema that says nothing but a type, or None."""
    if type(schema) is not dict or not {*schema} <= {"type", "title", "description", "examples"}:
        return None
    kind = schema.get("type")
    return _TYPES.get(kind) if type(kind) is str else None


def _items_test(schema, test, skipped):
    types = _plain_types(schema)
    if types is not None and not skipped:
        # One pass in C for what is most common by far: a list of numbers.
        return lambda value: type(value) is not list or types.issuperset(map(type, value))
    if not skipped:
        return lambda value: type(value) is not list or all(map(test, value))
    return lambda value: type(value) is not list or all(map(test, value[skipped:]))


def _prefix_test(schemas, tests):
    kinds = {_plain_types(schema) for schema in schemas}
    count = len(tests)
    if len(kinds) == 1 and None not in kinds:
        [types] = kinds
        return lambda value: type(value) is not list or types.issuperset(map(type, value[:count]))
    return lambda value: type(value) is not list or all(test(item) for test, item in zip(tests, value))
