"""The base class of models. This module's name stands in every pickle, so it can never move."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from thampi.context import ThampiContext

__all__ = ["Model"]


class Model:
    """What a model looks like; both methods are optional to inherit, none is enforced.

    class Doubler(thampi.Model):
        def predict(self, args, context):
            return {'result': args['value'] * 2}

    A model may answer several callers with one call, which makes models with a fixed cost per call many times
    faster. `predict_batch(self, batch, context)` gets a list of what `predict` would get, and returns a list
    (tuple, numpy array) of as many results in the same order:

    class Iris(thampi.Model):
        def predict_batch(self, batch, context):
            return knn.predict([args['input'] for args in batch])

    A `thampi.BadInput` or `thampi.ItemError` in the place of a result concerns that caller alone. When the
    call raises, its inputs are asked again one by one. With `predict_batch` a model needs no `predict`.

    A class with `fork = False` is always loaded in a process of its own, never in the copy of another.
    """

    def initialize(self, context: ThampiContext) -> Any:
        """Called once after the model was loaded; may open files and set attributes; none of it is saved."""

    def predict(self, args: Any, context: ThampiContext) -> Any:
        """Gives the answer for `args`, the JSON value under `data` (None when there is none).

        May be a coroutine. What it returns is written as JSON under `result`. Raise `thampi.BadInput` when
        the caller's input is at fault; any other exception is the model's own.
        """
        raise NotImplementedError(f"{type(self).__name__} has no predict(self, args, context)")
