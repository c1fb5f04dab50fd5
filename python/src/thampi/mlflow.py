"""How MLflow opens a model that `thampi.save` wrote; it is named in the file `MLmodel` beside it.

import mlflow
iris = mlflow.pyfunc.load_model('./models/iris-sklearn')
iris.predict({'input': [5.9, 3.2, 4.8, 1.8]})
"""

from __future__ import annotations

import os

import thampi
from thampi.errors import BadInput, ItemError
from thampi.runtime.ask import Asker
from thampi.runtime.awaiting import Here
from thampi.runtime.load import initialize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Opened"]


def _load_pyfunc(path):
    """Called by MLflow with the model's directory. Loading runs code of the pickle."""
    return Opened(path)


class Opened:
    """A saved model behind MLflow's `predict(model_input, params)`."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        model = thampi.load(directory)
        self._ask = Asker(model, Here())
        self._context = thampi.ThampiContext(model=os.path.basename(os.path.abspath(directory)))
        initialize(model, self._context, self._ask.wait)

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """The result for one input, or a list of results for several.

        A dict, a text or a number is one input, as `predict(args, context)` takes it. Of a list each item is
        one; of a table each row, as a dict; of an array each row, as `{"input": […]}`. `params` do nothing.
        """
        if hasattr(model_input, "to_dict") and hasattr(model_input, "columns"):
            return self._each(model_input.to_dict("records"))
        if hasattr(model_input, "tolist") and getattr(model_input, "ndim", 0) > 0:
            return self._each([{"input": row} for row in model_input.tolist()])
        if isinstance(model_input, list):
            return self._each(model_input)
        return self._ask.one(model_input, self._context)

    def _each(self, inputs):
        if not self._ask.batches or not inputs:
            return [self._ask.one(args, self._context) for args in inputs]
        results = self._ask.together(inputs, self._context)
        for result in results:
            if isinstance(result, (BadInput, ItemError)):
                raise result
        return results
