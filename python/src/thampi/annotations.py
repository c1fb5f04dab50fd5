"""A JSON Schema from the annotations of `predict`: pydantic models, TypedDicts and dataclasses.

class Flower(TypedDict):
    sepal_length: float

described(Flower)    # {"type": "object", "properties": {"sepal_length": {"type": "number"}}, …}
"""

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import inspect
import json
import os
import sys
import types
import typing
import uuid

__all__ = ["described", "given_and_returned"]


def given_and_returned(model):
    """(annotation of what a model is given, of what it returns), None where nothing is declared.

    Only a class that says what its members are declares something: a pydantic model, a TypedDict or a
    dataclass, perhaps in a list or a union. `args: Dict` is how every model is written, and promises nothing.
    """
    given, returned = _read(getattr(model, "predict", None))
    if given is None and callable(getattr(model, "predict_batch", None)):
        given, returned = map(_item, _read(model.predict_batch))
    return (given if _declares(given) else None), (returned if _declares(returned) else None)


def described(annotation, mode="validation"):
    """The JSON Schema of an annotation. `mode` is pydantic's word: what is taken in, or what is given out."""
    writer = _Writer(mode)
    schema = writer.schema(annotation)
    definitions = writer.definitions
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    # The outermost class stands where readers look first, unless it is needed under its name as well.
    if name in definitions and f'"#/$defs/{name}"' not in _text([*definitions.values()]):
        schema = {**definitions.pop(name), **{key: schema[key] for key in schema if key != "$ref"}}
    return {**schema, **({"$defs": definitions} if definitions else {})}


def _read(method):
    """(annotation of a bound method's first parameter, of what it returns), None where there is none."""
    if _is_ours(method):
        return None, None
    try:
        first = next(iter(inspect.signature(method).parameters), None)
        written = method.__annotations__
    except Exception:  # no function, or one that says nothing about itself
        return None, None
    return _meant(method, written, first), _meant(method, written, "return")


def _is_ours(method):
    """What a model inherits from this package is written for all models, and promises nothing of one."""
    return (getattr(method, "__module__", None) or "").partition(".")[0] == "thampi"


def _meant(method, written, name):
    """One annotation on its own, so that another one, which may be unreadable, does not matter."""
    if name not in written:
        return None
    one = types.SimpleNamespace(__annotations__={name: written[name]})
    try:
        names = getattr(inspect.unwrap(method), "__globals__", {})
        return typing.get_type_hints(one, names, include_extras=True)[name]
    except Exception as error:
        if not os.environ.get("THAMPI_QUIET"):
            what = f"the annotation of `{name}` says nothing ({type(error).__name__}: {error})"
            print(f"thampi: {what}", file=sys.stderr)
        return None


def _item(annotation):
    """What a batch of them is a list of."""
    arguments = typing.get_args(annotation)
    return arguments[0] if _is_list(annotation) and len(arguments) == 1 else None


def _declares(annotation):
    if annotation is None:
        return False
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        return _is_pydantic(annotation) or _is_typed_dict(annotation) or dataclasses.is_dataclass(annotation)
    if _is_union(annotation) or _is_list(annotation) or _is_annotated(annotation):
        return any(map(_declares, typing.get_args(annotation)))
    return False


def _is_pydantic(annotation):
    pydantic = sys.modules.get("pydantic")
    model = getattr(pydantic, "BaseModel", None)
    is_model = isinstance(model, type) and issubclass(annotation, model)
    return is_model or hasattr(annotation, "__pydantic_core_schema__")


def _is_typed_dict(annotation):
    return issubclass(annotation, dict) and hasattr(annotation, "__required_keys__")


def _is_union(annotation):
    return typing.get_origin(annotation) in (typing.Union, getattr(types, "UnionType", typing.Union))


def _is_list(annotation):
    origin = typing.get_origin(annotation)
    is_class = isinstance(origin, type) and origin is not tuple
    return (is_class and issubclass(origin, collections.abc.Sequence)) or origin in (set, frozenset)


def _is_annotated(annotation):
    return hasattr(annotation, "__metadata__")


_PLAIN = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    decimal.Decimal: {"type": "number"},
    type(None): {"type": "null"},
    list: {"type": "array"},
    tuple: {"type": "array"},
    dict: {"type": "object"},
    datetime.date: {"type": "string", "format": "date"},
    datetime.datetime: {"type": "string", "format": "date-time"},
    uuid.UUID: {"type": "string", "format": "uuid"},
}


class _Writer:
    """Writes one document; classes with names stand in `definitions`."""

    def __init__(self, mode):
        self.definitions = {}
        self._names = {}
        self._mode = mode

    def schema(self, annotation):
        annotation, description = _bare(annotation)
        schema = self._of(annotation)
        return {**schema, "description": description} if description else schema

    def _of(self, annotation):
        plain = _PLAIN.get(annotation) if isinstance(annotation, collections.abc.Hashable) else None
        if plain is not None:
            return dict(plain)
        if typing.get_origin(annotation) is not None:
            return self._of_several(annotation, typing.get_origin(annotation), typing.get_args(annotation))
        if not isinstance(annotation, type):
            return {}
        if _is_pydantic(annotation):
            return self._of_pydantic(annotation)
        if _is_typed_dict(annotation):
            return self._named(annotation, self._typed_dict)
        if dataclasses.is_dataclass(annotation):
            return self._named(annotation, self._dataclass)
        if issubclass(annotation, enum.Enum):
            return _one_of([member.value for member in annotation])
        return {}

    def _of_several(self, annotation, origin, arguments):
        if origin is typing.Literal:
            return _one_of([a.value if isinstance(a, enum.Enum) else a for a in arguments])
        if _is_union(annotation):
            return {"anyOf": [self.schema(argument) for argument in arguments]}
        if origin is tuple and arguments[-1:] != (...,):
            parts = [self.schema(argument) for argument in arguments if argument != ()]
            return {"type": "array", "prefixItems": parts, "items": False, "minItems": len(parts)}
        if origin is tuple or _is_list(annotation):
            return {"type": "array", "items": self.schema(arguments[0])} if arguments else {"type": "array"}
        if isinstance(origin, type) and issubclass(origin, collections.abc.Mapping):
            values = self.schema(arguments[1]) if len(arguments) == 2 else {}
            return {"type": "object", **({"additionalProperties": values} if values else {})}
        return {}

    def _of_pydantic(self, annotation):
        from pydantic import TypeAdapter

        schema = dict(TypeAdapter(annotation).json_schema(mode=self._mode))
        self.definitions.update(schema.pop("$defs", {}))
        return schema

    def _named(self, annotation, write):
        """A class is described once and referred to by its name; it may contain itself."""
        name = self._names.get(annotation)
        if name is None:
            name = annotation.__name__
            while name in self.definitions:
                name += "_"
            self._names[annotation] = name
            self.definitions[name] = {}
            self.definitions[name] = {"title": annotation.__name__, **write(annotation)}
        return {"$ref": f"#/$defs/{name}"}

    def _typed_dict(self, annotation):
        hints = typing.get_type_hints(annotation, include_extras=True)
        required = [
            name
            for name in hints
            if name in annotation.__required_keys__ and _marker(hints[name]) != "NotRequired"
        ]
        return _object({name: self.schema(hint) for name, hint in hints.items()}, required)

    def _dataclass(self, annotation):
        hints = typing.get_type_hints(annotation, include_extras=True)
        fields = [field for field in dataclasses.fields(annotation) if field.init]
        required = [field.name for field in fields if _has_no_default(field)]
        return _object({field.name: self.schema(hints[field.name]) for field in fields}, required)


def _one_of(values):
    is_plain = all(value is None or isinstance(value, (str, int, float)) for value in values)
    return {"enum": values} if is_plain and values else {}


def _object(properties, required):
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _has_no_default(field):
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _marker(annotation):
    """`Required`, `NotRequired` or an empty text."""
    return getattr(typing.get_origin(annotation), "_name", None) or ""


def _bare(annotation):
    """(what is annotated, its description): without Annotated, Required, NotRequired and NewType."""
    description = None
    while True:
        if _is_annotated(annotation):
            texts = [note for note in annotation.__metadata__ if isinstance(note, str)]
            description = description or (texts[0] if texts else None)
            annotation = annotation.__origin__
        elif _marker(annotation) in ("Required", "NotRequired", "ReadOnly"):
            [annotation] = typing.get_args(annotation)
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        else:
            return annotation, description


_text = json.JSONEncoder(default=str).encode
