"""`save`: a trained model becomes a directory that can be served."""

from __future__ import annotations

import json
import pickle
import platform
import sys
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

import thampi
from thampi.directory import write_directory
from thampi.errors import ThampiError
from thampi.mlmodel import mlmodel
from thampi.runtime.load import digest
from thampi.saved import SavedModel
from thampi.schema import Evidence
from thampi.tolerances import tolerances

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from typing import Any

__all__ = ["save"]

DATA_VERSION = "0.1"
SCHEMA_VERSION = 1

# Everything that `save` writes; other files in the directory are the user's.
FILES = (
    *("model.pkl", "thampi.json", "saved.json", "MLmodel"),
    *("receipts.jsonl", "tolerances.json", "schema.json"),
)


def save(
    model: Any,
    name: str,
    path: str | os.PathLike[str] | None = None,
    trained_time_utc: datetime | str | None = None,
    instance_id: str | None = None,
    tags: Any = None,
    now_func: Callable[[], datetime | str] | None = None,
    uuid_str_func: Callable[[], str] | None = None,
    *,
    input_example: Any = None,
    examples: Iterable[Any] | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    ignore: Iterable[str] = (),
    schema: dict[str, Any] | None = None,
) -> SavedModel:
    """Writes `model` to the directory `<path>/<name>/`, complete or not at all, and returns a `SavedModel`.

    `model`             anything with `predict` or `predict_batch`, usually a `thampi.Model`
    `path`              where the directory goes; the current directory when it is not given
    `trained_time_utc`  a datetime or its text; now when it is not given (or what `now_func()` says)
    `instance_id`       names this training; a new UUID when it is not given (or what `uuid_str_func()` says)
    `tags`              JSON that every answer carries in its properties
    `input_example`     one input: the model is asked once, and its answer is kept as a receipt, which every
                        later version of the model has to reproduce before it gets traffic
    `examples`          a list of such inputs
    `rtol`, `atol`      how far a number that is no integer may be from the recorded one: by this share of the
                        larger one, or by this much; 1e-9 and 1e-12 when they are not given
    `ignore`            parts of answers that may differ, such as `result.id` or `result.items[*].seconds`
    `schema`            JSON Schema (2020-12) of inputs; others are refused before the model is asked. When it
                        is not given, the annotation of `predict` says it (a pydantic model, a TypedDict or a
                        dataclass); else it is inferred from the examples, and refuses nothing

    Modules of your project that the model uses travel inside. Raises `ThampiError`.

        thampi.save(model, 'iris-sklearn', './models', input_example={'input': [5.9, 3.2, 4.8, 1.8]})
    """
    directory = _directory(name, path)
    facts = _facts(trained_time_utc or _call(now_func), instance_id or _call(uuid_str_func), tags)
    given = _examples(input_example, examples)
    allowed = tolerances(rtol, atol, ignore)
    evidence = Evidence(model, schema)

    from thampi import packages, pickling  # they bring cloudpickle

    pickled, local_modules = pickling.pickle_model(model)
    files = {"model.pkl": pickled, "thampi.json": facts}
    recorded = []
    if given:
        from thampi import receipts  # it brings the runtime, and orjson where that is

        recorded = receipts.record(pickle.loads(pickled), name, json.loads(facts), given, evidence.declared)
        files["receipts.jsonl"] = receipts.lines(recorded)
    made = {
        "schemaVersion": SCHEMA_VERSION,
        "format": "python",
        "name": name,
        "thampi": thampi.__version__,
        "python": {"version": platform.python_version(), "implementation": sys.implementation.name},
        "machine": f"{platform.system().lower()}-{platform.machine().lower()}",
        "cloudpickle": pickling.CLOUDPICKLE_VERSION,
        "packages": packages.of_modules(pickling.modules_named_by(pickled)),
        "localModules": local_modules,
        "files": {file: digest(data) for file, data in files.items()},
    }
    # These two are their owner's to edit until the model is served, so no digest is taken of them here.
    described = evidence.document(recorded)
    if described is not None:
        files["schema.json"] = described
    if allowed is not None:
        files["tolerances.json"] = (json.dumps(allowed, indent=2, ensure_ascii=False) + "\n").encode()
    # Not ours either: it lets MLflow open the directory, which may then write to it.
    files["MLmodel"] = mlmodel(json.loads(facts), platform.python_version())
    files["saved.json"] = (json.dumps(made, indent=2, ensure_ascii=False) + "\n").encode()

    write_directory(directory, files, replaces=FILES)
    return SavedModel(directory, sum(len(data) for data in files.values()), receipts=len(given))


def _directory(name, path):
    if not isinstance(name, str):
        raise ThampiError("NAME_INVALID", f"A model's name is text; got {type(name).__name__}.")
    separates = [mark for mark in ("/", "\\", "\0", "\n") if mark in name]
    if not name.strip() or name in (".", "..") or separates:
        why = f"It contains {separates[0]!r}." if separates else None
        hint = "give the name alone and the place as `path`: thampi.save(model, 'iris-sklearn', './models')"
        raise ThampiError("NAME_INVALID", f"{name!r} cannot be the name of a directory.", hint=hint, why=why)
    return Path(path if path is not None else ".") / name


def _facts(trained_time_utc, instance_id, tags):
    facts = {
        "thampi_data_version": DATA_VERSION,
        "trained_time_utc": naive_utc(trained_time_utc or datetime.now(timezone.utc)),
        "instance_id": str(instance_id or uuid.uuid4()),
    }
    if tags is not None:
        facts["tags"] = tags
    try:
        return json.dumps(facts, indent=4, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ThampiError("RESULT_NOT_JSON", "`tags` cannot be written as JSON.", why=f"{error}.") from error


def naive_utc(time):
    if not isinstance(time, datetime):
        return str(time)
    if time.tzinfo is not None:
        time = time.astimezone(timezone.utc).replace(tzinfo=None)
    return time.isoformat()


def _call(function):
    return None if function is None else function()


def _examples(input_example, examples):
    if examples is not None and isinstance(examples, (str, bytes, Mapping)):
        hint = "wrap it: `examples=[…]`, or use `input_example=…`."
        raise ThampiError("USAGE", "`examples` is one input, not a list of inputs.", hint=hint)
    return ([] if input_example is None else [input_example]) + list([] if examples is None else examples)
