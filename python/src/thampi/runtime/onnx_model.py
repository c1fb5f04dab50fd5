"""An ONNX model on onnxruntime for Python: the same answers as the runtime for Node gives."""

import os

from thampi.core.model import Model
from thampi.errors import BadInput, ThampiError
from thampi.runtime.tensors import below, shown, tensor

__all__ = ["OnnxModel", "load_onnx"]

# What ONNX Runtime calls a type, and numpy.
_DTYPES = {
    **{"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16"},
    **{f"tensor({sign}int{bits})": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{"tensor(string)": "string", "tensor(bool)": "bool"},
}


def load_onnx(directory, facts):
    """The model in a directory; `facts["file"]` is its file there."""
    return OnnxModel(os.path.join(directory, facts["file"]))


class OnnxModel(Model):
    """Answers `{input name: nested list}`, or `{"input": …}` where there is one input.

    A single output is the result itself; several stand under their names. Where the first axis may have any
    length, an item may come alone, and callers who wait share a run. Outputs other than tensors are left out.
    """

    fork = False  # its threads do not survive one

    def __init__(self, path):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 1)
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._inputs = [_Port(port) for port in self._session.get_inputs()]
        self._outputs = [_Port(port) for port in self._session.get_outputs() if port.type in _DTYPES]
        self._names = [port.name for port in self._outputs]
        if not self._outputs:
            hint = "to_onnx(model, …, options={'zipmap': False})"
            raise ThampiError("MODEL_INVALID", "The model gives no tensor.", hint=hint)
        many = all(port.is_many for port in (*self._inputs, *self._outputs))
        if not many or not self._inputs:
            self.predict_batch = None  # rows of several callers cannot be put under each other

    def predict(self, args, context):
        """The outputs as nested lists. Raises BadInput."""
        arrays, alone = self._read(args)
        return self._result(self._run(arrays), alone)

    def predict_batch(self, batch, context):
        """The same for several, with one run for those of one shape."""
        results, groups = [None] * len(batch), {}
        for number, args in enumerate(batch):
            try:
                arrays, alone = self._read(args)
            except BadInput as error:
                results[number] = error
                continue
            counts = {len(array) for array in arrays}
            key = (tuple(array.shape[1:] for array in arrays), counts if len(counts) > 1 else None)
            groups.setdefault(str(key), []).append((number, arrays, alone))
        for group in groups.values():
            self._answer(group, results)
        return results

    def _answer(self, group, results):
        from numpy import concatenate

        total = sum(len(arrays[0]) for _, arrays, _ in group)
        columns = zip(*(arrays for _, arrays, _ in group))
        outputs = self._run([concatenate(column) for column in columns])
        # A graph may say that any length will do and mean something else by it.
        by_row = all(len(output) == total for output in outputs)
        first = 0
        for number, arrays, alone in group:
            if by_row:
                own = [output[first : first + len(arrays[0])] for output in outputs]
            else:
                own = outputs if len(group) == 1 else self._run(arrays)
            results[number] = self._result(own, alone)
            first += len(arrays[0])

    def _read(self, args):
        arrays, were_alone = [], set()
        for port in self._inputs:
            value, at = self._given(port, args)
            try:
                array, alone = tensor(value, port.dtype, port.shape, at)
            except BadInput as error:
                raise BadInput(f"{error} Expected: {self._signature()}.", error.pointer) from None
            arrays.append(array)
            were_alone.add(alone)
        if len(were_alone) > 1:
            what = f"Either all inputs are lists of items or none. Expected: {self._signature()}."
            raise BadInput(what)
        return arrays, True in were_alone

    def _given(self, port, args):
        """The value for an input: under its name, or under `input` when it is the only one."""
        if isinstance(args, dict):
            if port.name in args:
                return args[port.name], below("/data", port.name)
            if len(self._inputs) == 1 and "input" in args:
                return args["input"], "/data/input"
        at = below("/data", "input" if len(self._inputs) == 1 else port.name)
        raise BadInput(f"`{shown(at)}` is missing. Expected: {self._signature()}.", at)

    def _signature(self):
        only = len(self._inputs) == 1
        return ", ".join(f"{'input' if only else port.name}: {port.text}" for port in self._inputs)

    def _run(self, arrays):
        feeds = {port.name: array for port, array in zip(self._inputs, arrays)}
        return self._session.run(self._names, feeds)

    def _result(self, outputs, alone):
        lists = [
            output[0].tolist() if alone and port.is_many and len(output) == 1 else output.tolist()
            for port, output in zip(self._outputs, outputs)
        ]
        return lists[0] if len(lists) == 1 else dict(zip(self._names, lists))


class _Port:
    """An input or an output."""

    def __init__(self, port):
        self.name = port.name
        self.dtype = _DTYPES.get(port.type)
        if self.dtype is None:
            what = f"The input {port.name!r} is of type {port.type}, which JSON cannot carry."
            raise ThampiError("MODEL_INVALID", what, hint="export the model with tensors as inputs.")
        self.shape = [length if isinstance(length, int) and length > 0 else None for length in port.shape]
        self.is_many = bool(self.shape) and self.shape[0] is None
        lengths = ", ".join("n" if length is None else str(length) for length in self.shape)
        self.text = f"{self.dtype} [{lengths}]" if self.shape else self.dtype
