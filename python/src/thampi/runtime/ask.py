"""How a model is asked: one input or several together, plain methods or coroutines."""

import sys

from thampi.core.model import Model
from thampi.runtime.problem import Problem

__all__ = ["Asker", "can_be_asked"]


class Asker:
    """Asks one model for predictions. Raises whatever the model raises.

    `batches`   whether the model takes several inputs together
    `takes_rows` whether the input is `{"input": rows}`, as brought models and bare estimators have it
    `may_fork`  False when the model says that it must not run in a copy of another process
    `wait`      runs something awaitable to its end and gives its result
    """

    def __init__(self, model, wait):
        self._predict_batch = _batch_method(model)
        self._predict = _own_predict(model) or self._alone
        self.batches = self._predict_batch is not None
        self.takes_rows = getattr(model, "takes_rows", False) is True
        self.may_fork = getattr(model, "fork", True) is not False
        self.wait = wait

    def one(self, data, context):
        """What the model returns for one input."""
        result = self._predict(data, context)
        if hasattr(type(result), "__await__"):
            return self.wait(result)
        return result

    def together(self, batch, context):
        """What the model returns for several inputs: a list of as many results, exceptions among them.

        Raises Problem `batch-shape` when the results cannot be told apart.
        """
        results = self._predict_batch(batch, context)
        if hasattr(type(results), "__await__"):
            results = self.wait(results)
        return _as_list(results, len(batch))

    def each(self, inputs, context):
        """What the model returns for the inputs of one request: a list; one call where it can."""
        if not self.batches or len(inputs) < 2:
            return [self.one(data, context) for data in inputs]
        results = self.together(inputs, context)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return results

    def _alone(self, data, context):
        [result] = self.together([data], context)
        if isinstance(result, BaseException):
            raise result
        return result


def can_be_asked(model):
    """Whether a model has `predict` or `predict_batch`."""
    return callable(getattr(model, "predict", None)) or _batch_method(model) is not None


def _batch_method(model):
    method = getattr(model, "predict_batch", None)
    return method if callable(method) else None


def _own_predict(model):
    """`predict`, unless it is the one of the base class, which only says that there is none; that one serves
    when the model has no `predict_batch` either."""
    method = getattr(model, "predict", None)
    inherited = getattr(method, "__func__", None) is Model.predict
    return None if inherited and _batch_method(model) else method


def _as_list(results, count):
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(results, numpy.ndarray) and results.ndim > 0:
        # Plain numbers in one step; what `tolist` would change (dates, long doubles) stays as it is.
        is_plain = results.dtype.kind in "biuf" and results.dtype.itemsize <= 8
        results = results.tolist() if is_plain else list(results)
    if not isinstance(results, (list, tuple)):
        what = f"predict_batch returned {type(results).__name__} for {_inputs(count)}, not a list."
    elif len(results) != count:
        what = f"predict_batch returned {len(results)} results for {_inputs(count)}."
    else:
        return results
    raise Problem("batch-shape", what, "Return a list with one result for each input, in the same order.")


def _inputs(count):
    return "1 input" if count == 1 else f"{count} inputs"
