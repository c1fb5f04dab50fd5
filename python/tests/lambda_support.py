"""Functions of Lambda as they are unpacked, and the events of contract/lambda.json."""

import copy
import json
import re
import shutil
from pathlib import Path

import cloudpickle
import contract_doors
import contract_models

import thampi
from thampi.runtime.load import digest

CONTRACT = Path(__file__).parents[2] / "contract"
EVENTS = json.loads((CONTRACT / "lambda.json").read_text("utf-8"))
ANSWERS = json.loads((CONTRACT / "answers.json").read_text("utf-8"))


class LambdaContext:
    """What Amazon's client hands to a handler, as far as it is read."""

    def __init__(self, aws_request_id=EVENTS["requestId"], remaining_ms=EVENTS["remainingMs"]):
        self.aws_request_id = aws_request_id
        self._remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self):
        return self._remaining_ms


def save(model, place, by_value=(contract_models, contract_doors), **more):
    """The directory of a saved model, with the times of the contract; classes of `by_value` travel along."""
    times = {key: ANSWERS["properties"][key] for key in ("instance_id", "trained_time_utc")}
    for module in by_value:
        cloudpickle.register_pickle_by_value(module)
    try:
        return Path(thampi.save(model, "mymodel", place, **times, **more).path)
    finally:
        for module in by_value:
            cloudpickle.unregister_pickle_by_value(module)


def model_named(name, home=contract_models):
    """A model of the contracts; those that stand in both files are taken from `home`."""
    return getattr(home, name, None) or getattr(contract_doors, name)


def lay_out(model_dir, root, changes=None):
    """Makes `root` the task root of a function around a saved model; gives its manifest."""
    model = root / "model"
    shutil.copytree(model_dir, model, dirs_exist_ok=True)
    files = {path.relative_to(model).as_posix(): path for path in model.rglob("*") if path.is_file()}
    manifest = {
        "schemaVersion": 1,
        "start": {
            "model": "mymodel",
            "stage": "staging",
            "servedTimeUtc": ANSWERS["properties"]["served_time_utc"],
            "errors": "full",
            "logLevel": "INFO",
            "maxResultBytes": 6291456,
            "maxBatch": 1,
            "maxConcurrency": 1,
            "digests": {name: digest(path.read_bytes()) for name, path in sorted(files.items())},
        },
        "properties": {},
        "model": {"in": "function"},
        "key": EVENTS["key"],
    }
    changed = copy.deepcopy(changes or {})
    manifest["start"].update(changed.pop("start", {}))
    manifest.update(changed)
    (root / "thampi-manifest.json").write_text(json.dumps(manifest))
    (root / "thampi_handler.py").write_text("from thampi.runtime.aws_lambda import handler\n")
    return manifest


def event_of(front, request):
    """The event that a front of the contract makes of a request."""
    event = copy.deepcopy(front["event"])
    method, path, query = request["method"], request["path"], request.get("query", "")
    given = request.get("headers", {})
    body, is_base64 = _body_of(request)
    if front["format"] == "2.0":
        path = front["prefix"] + path
        event.update(rawPath=path, rawQueryString=query)
        event["requestContext"]["http"].update(method=method, path=path)
        event["headers"].update({name.lower(): value for name, value in given.items()})
        if body is not None:
            event["body"] = body
    else:
        pairs = [part.partition("=")[::2] for part in query.split("&")] if query else []
        event.update(path=path, httpMethod=method, body=body)
        event["requestContext"]["httpMethod"] = method
        names = {name.lower() for name in given}
        kept = {name: value for name, value in event["headers"].items() if name.lower() not in names}
        event["headers"] = {**kept, **given}
        if pairs:
            event["queryStringParameters"] = dict(pairs)
            event["multiValueQueryStringParameters"] = {
                name: [value for other, value in pairs if other == name] for name, _ in pairs
            }
    event["isBase64Encoded"] = is_base64
    return event


def _body_of(request):
    import base64

    if "bodyBase64" in request:
        return request["bodyBase64"], True
    body = request.get("body")
    if "bodyRepeat" in request:
        body = joined(request["bodyRepeat"])
    if request.get("base64"):
        return base64.b64encode(body.encode()).decode("ascii"), True
    return body, False


def joined(parts):
    """`bodyRepeat` and `responseRepeat` of the contracts."""
    return "".join(part if isinstance(part, str) else part[0] * part[1] for part in parts)


def bare(name):
    """A name for a directory."""
    return re.sub("[^a-z0-9]+", "-", name.lower())
