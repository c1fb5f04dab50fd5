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
    """

    def initialize(self, context: ThampiContext) -> Any:
        """Called once after the model was loaded; may open files and set attributes; none of it is saved."""

    def predict(self, args: Any, context: ThampiContext) -> Any:
        """Gives the answer for `args`, the JSON value under `data` (None when there is none).

        May be a coroutine. What it returns is written as JSON under `result`. Raise `thampi.BadInput` when
        the caller's input is at fault; any other exception is the model's own.
        """
        raise NotImplementedError(f"{type(self).__name__} has no predict(self, args, context)")
