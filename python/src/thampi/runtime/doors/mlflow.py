"""What MLflow's scoring server takes at `/invocations`, and `{"data": …}`, which is answered as everywhere.

JSON with one of `dataframe_split` and `dataframe_records` (the model gets a DataFrame), `inputs` (the model
gets the value) and `instances` (the model is asked once for each), and perhaps `params`; or a CSV table.
"""

from thampi.runtime.answer import warn_missing
from thampi.runtime.body import read_object
from thampi.runtime.doors import Asked, frames
from thampi.runtime.encode import encode_bytes
from thampi.runtime.problem import Problem

__all__ = ["read", "refuse", "write"]

_FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_NATIVE = object()


def read(body, content_type, takes_rows):
    """What an invocation asks. Raises Problem."""
    media_type, *attributes = [
        part.strip().lower() for part in (content_type or "application/json").split(";")
    ]
    charset = next((part[8:].strip('"') for part in attributes if part.startswith("charset=")), "utf-8")
    if charset not in ("utf-8", "utf8"):
        raise Problem("unsupported-media-type", f"The charset is {charset}, not UTF-8.")
    if media_type == "text/csv":
        frame = frames.of_csv(bytes(body))
        return Asked({"input": frame.to_dict("records")}) if takes_rows else Asked(frame, plain=False)
    if media_type != "application/json":
        what = f"The content type is {media_type}, neither application/json nor text/csv."
        raise Problem("unsupported-media-type", what)
    request = read_object(body)
    if "data" in request and not any(form in request for form in _FORMS):
        return Asked(request["data"], note=_NATIVE)
    given = [form for form in _FORMS if form in request]
    if len(given) != 1:
        what = f"The body has {' and '.join(f'`{form}`' for form in given) or 'no input'}."
        raise Problem(
            "invalid-request", what, f"Send exactly one of {', '.join(f'`{form}`' for form in _FORMS)}."
        )
    params = request.get("params")
    if params is not None and not isinstance(params, dict):
        raise Problem("invalid-request", "`params` is no object.")
    form, value = given[0], request[given[0]]
    return _of_rows(form, value, params) if takes_rows else _asked(form, value, params or {})


def write(asked, result, source, request_id):
    """The bytes of the answer, None for the usual one. Raises NotJson."""
    if asked.note is _NATIVE:
        return None
    return b'{"predictions":' + encode_bytes(result, warn_missing) + b"}\n"


def refuse(problem, source, request_id):
    """The problem document."""
    return source.document(problem, request_id)


def _of_rows(form, value, params):
    if form == "dataframe_split":
        value = frames.rows_of_split(value)
    elif form == "dataframe_records":
        frames.check_records(value)
    return Asked({"input": value} if params is None else {"input": value, "params": params})


def _asked(form, value, params):
    if form == "inputs":
        return Asked(value, params=params)
    if form == "instances":
        if isinstance(value, list):
            return Asked(inputs=value, params=params)
        raise Problem("invalid-request", "`instances` is a list of inputs.")
    frame = frames.of_split(value) if form == "dataframe_split" else frames.of_records(value)
    return Asked(frame, params=params, plain=False)
