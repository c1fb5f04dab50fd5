"""Open Inference Protocol V2, which KServe, Triton and MLServer speak; over HTTP, in JSON.

The model gets `{input name: nested list in its shape}`, or a DataFrame when `parameters.content_type` is
`pd`. A dict that it returns becomes one output per key, a DataFrame one per column, anything else one output
`result`.
"""

import sys

from thampi.runtime.answer import warn_missing
from thampi.runtime.body import read_object
from thampi.runtime.doors import Asked, frames
from thampi.runtime.encode import encode, encode_bytes, plain, to_bytes
from thampi.runtime.problem import Problem

__all__ = ["read", "refuse", "write"]

_BITS = {
    "INT8": 8,
    "INT16": 16,
    "INT32": 32,
    "INT64": 64,
    "UINT8": 8,
    "UINT16": 16,
    "UINT32": 32,
    "UINT64": 64,
}
_FLOATS = ("FP16", "FP32", "FP64")
_DATATYPES = ("BOOL", *_BITS, *_FLOATS, "BYTES")


def read(body, content_type, takes_rows):
    """What an inference request asks. Raises Problem."""
    request = read_object(body)
    tensors = request.get("inputs")
    if not isinstance(tensors, list) or not tensors:
        raise _wrong("/inputs", "`inputs` is a list of at least one tensor.")
    columns = {}
    for at, tensor in enumerate(tensors):
        name, shape, values = _tensor(tensor, f"/inputs/{at}")
        if name in columns:
            raise _wrong(f"/inputs/{at}/name", f"There are two inputs named `{name}`.")
        columns[name] = shape, values
    params = request.get("parameters")
    if not isinstance(params, dict):
        params = {}
    plain_json = takes_rows or params.get("content_type") != "pd"
    if takes_rows:
        data = _rows(columns, params.get("content_type") == "pd")
    elif not plain_json:
        data = frames.of_columns({name: _column(name, *column) for name, column in columns.items()})
    else:
        data = {name: _nested(values, shape) for name, (shape, values) in columns.items()}
    note = request.get("id"), _wanted(request.get("outputs"))
    return Asked(data, params=params, note=note, plain=plain_json)


def write(asked, result, source, request_id):
    """The bytes of an inference response. Raises NotJson, and Problem when it lacks an output asked for."""
    given_id, wanted = asked.note
    outputs = _outputs(result)
    if wanted is not None:
        unknown = [name for name in wanted if name not in outputs]
        if unknown:
            there = ", ".join(f"`{name}`" for name in outputs)
            raise _wrong("/outputs", f"There is no output `{unknown[0]}`; there is {there}.")
        outputs = {name: outputs[name] for name in wanted}
    answer = {
        "id": request_id if given_id is None else given_id,
        "model_name": source.model,
        "model_version": str(source.version),
        "outputs": list(outputs.values()),
    }
    return encode_bytes(answer) + b"\n"


def refuse(problem, source, request_id):
    """`{"error": …}`, which is all that the protocol knows."""
    text = f"{problem.detail} {problem.hint}" if problem.hint else problem.detail
    return to_bytes(encode({"error": text}) + "\n")


def _rows(columns, is_table):
    """`{"input": rows}` of the only tensor, or of those that are columns; else the tensors by name."""
    if is_table:
        lists = [_column(name, *column) for name, column in columns.items()]
        if len(set(map(len, lists))) > 1:
            raise _wrong("/inputs", "The columns of a table have the same length.")
        return {"input": [dict(zip(columns, row)) for row in zip(*lists)]}
    if len(columns) == 1:
        [(shape, values)] = columns.values()
        return {"input": _nested(values, shape)}
    return {name: _nested(values, shape) for name, (shape, values) in columns.items()}


def _tensor(tensor, pointer):
    """(name, shape, values in one list) of an input."""
    if not isinstance(tensor, dict):
        raise _wrong(pointer, "An input is an object with `name`, `shape`, `datatype` and `data`.")
    name, shape, datatype = tensor.get("name"), tensor.get("shape"), tensor.get("datatype")
    if not isinstance(name, str) or not name:
        raise _wrong(f"{pointer}/name", "An input needs a `name`.")
    parameters = tensor.get("parameters")
    if isinstance(parameters, dict) and not _ELSEWHERE.isdisjoint(parameters):
        what = f"The data of `{name}` is not in the document; binary tensors and shared memory are not read."
        hint = "Send `data` as JSON. In tritonclient: set_data_from_numpy(…, binary_data=False)."
        raise Problem("unsupported-media-type", what, hint)
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise _wrong(f"{pointer}/shape", f"The shape of `{name}` is a list of sizes.")
    if not isinstance(datatype, str) or datatype not in _DATATYPES:
        what = f"The datatype of `{name}` is {_shown(datatype)}; it can be {', '.join(_DATATYPES)}."
        raise _wrong(f"{pointer}/datatype", what)
    values = _flat(tensor.get("data"), shape, f"{pointer}/data", name)
    for at, value in enumerate(values):
        if not _fits(value, datatype):
            what = f"Value {at} of `{name}` is {_shown(value)}, which is no {datatype}."
            raise _wrong(f"{pointer}/data", what)
    return name, shape, values


_ELSEWHERE = {"binary_data_size", "shared_memory_region"}


def _flat(data, shape, pointer, name):
    """The values of a tensor in one list, whether they came nested or in one list."""
    if not isinstance(data, list):
        raise _wrong(pointer, f"The data of `{name}` is a list.")
    if any(isinstance(item, list) for item in data):
        return list(_leaves(data, shape, pointer, name))
    count = 1
    for size in shape:
        count *= size
    if len(data) != count:
        what = f"`{name}` has {_values(len(data))}; its shape {shape} needs {count}."
        raise _wrong(pointer, what)
    return data


def _leaves(data, shape, pointer, name):
    if not shape or not isinstance(data, list) or len(data) != shape[0]:
        raise _wrong(pointer, f"The lists in the data of `{name}` do not fit its shape.")
    if len(shape) == 1:
        yield from data
    else:
        for item in data:
            yield from _leaves(item, shape[1:], pointer, name)


def _fits(value, datatype):
    if datatype == "BOOL":
        return value is True or value is False
    if datatype == "BYTES":
        return isinstance(value, str)
    if datatype in _FLOATS:
        return type(value) in (float, int) or value is None  # what JSON has for NaN
    if type(value) is not int:
        return False
    bits = _BITS[datatype]
    low = 0 if datatype[0] == "U" else -(2 ** (bits - 1))
    return low <= value < low + 2**bits


def _nested(values, shape):
    if len(shape) < 2:
        return values if shape else values[0]
    step = len(values) // shape[0] if shape[0] else 0
    return [_nested(values[at * step : (at + 1) * step], shape[1:]) for at in range(shape[0])]


def _column(name, shape, values):
    if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1):
        return values
    raise _wrong("/inputs", f"`{name}` is no column of a table: its shape is {shape}, not [n] or [n, 1].")


def _wanted(outputs):
    """The names of the outputs that are asked for, None for all."""
    if not outputs:
        return None
    if isinstance(outputs, list) and all(isinstance(output, dict) for output in outputs):
        names = [output.get("name") for output in outputs]
        if all(isinstance(name, str) for name in names):
            return names
    raise _wrong("/outputs", "`outputs` is a list of objects with a `name`.")


def _outputs(result):
    """Output name → output."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(result, pandas.DataFrame):
        result = {str(name): column for name, column in result.items()}
    # Checked as a whole, so that a refusal names the place in the result.
    if isinstance(result, dict) and result and all(isinstance(key, str) for key in result):
        values = plain(result, warn_missing)
        return {name: _output(name, values[name], result[name]) for name in result}
    return {"result": _output("result", plain(result, warn_missing), result)}


def _output(name, value, original):
    """The tensor of a plain value; `original` may know its datatype."""
    shape = []
    values = [value]
    while values and all(isinstance(item, list) for item in values):
        sizes = {len(item) for item in values}
        if len(sizes) > 1:
            break  # lists of several lengths
        shape += sizes
        values = [inner for item in values for inner in item]
    datatype = _NUMPY.get(_dtype(original)) or _datatype(values)
    if datatype is None:  # no tensor: the value itself, as the text of a JSON document
        document = {"content_type": "json"}
        return _tensor_of(name, "BYTES", [1], [encode(value)], {"parameters": document})
    return _tensor_of(name, datatype, shape or [1], values, {})


def _tensor_of(name, datatype, shape, data, more):
    return {"name": name, "datatype": datatype, "shape": shape, "data": data, **more}


def _dtype(original):
    return str(getattr(original, "dtype", ""))


_NUMPY = {
    **{f"{name}{bits}": f"{name.upper()}{bits}" for name in ("int", "uint") for bits in (8, 16, 32, 64)},
    **{"float16": "FP16", "float32": "FP32", "float64": "FP64", "bool": "BOOL"},
}


def _datatype(values):
    """Of plain values, None when they have none in common. Nothing at all counts as numbers."""
    kinds = set(map(type, values))
    if kinds <= {int, float, type(None)}:
        if kinds != {int}:
            return "FP64" if kinds != {type(None)} else None
        if all(_fits(value, "INT64") for value in values):
            return "INT64"
        return "UINT64" if all(_fits(value, "UINT64") for value in values) else None
    return {bool: "BOOL", str: "BYTES"}.get(kinds.pop()) if len(kinds) == 1 else None


def _shown(value):
    text = encode(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def _values(count):
    return "1 value" if count == 1 else f"{count} values"


def _wrong(pointer, what):
    place = {"pointer": pointer, "code": "invalid-request", "message": what}
    return Problem("invalid-request", what, errors=[place])
