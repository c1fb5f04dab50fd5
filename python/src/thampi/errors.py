"""The exceptions people meet: ours, and those with which a model speaks about an input."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["BadInput", "ItemError", "ThampiError"]


class BadInput(ValueError):
    """Raise it in `predict` when the caller's input is wrong: the caller hears 422 and this message.

    `pointer` (optional) is a JSON Pointer into the request, such as `/data/input/3`.

        if len(args['input']) != 4:
            raise thampi.BadInput('input must have 4 numbers', pointer='/data/input')
    """

    def __init__(self, message: str = "", pointer: str | None = None) -> None:
        super().__init__(message)
        self.pointer = pointer


class ItemError(Exception):
    """Put it into what `predict_batch` returns, in the place of an input that has no result: that caller
    alone hears 500 and this message (where `errors` is `terse`, only the log has it). Put a
    `thampi.BadInput` there when the input is at fault.

        def predict_batch(self, batch, context):
            return [self.find(args) or thampi.ItemError('nothing is near') for args in batch]
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message)


class ThampiError(Exception):
    """Something went wrong that has a name and, mostly, a way out.

    `code`     a stable name, such as `NAME_INVALID`
    `message`  what happened, in one sentence
    `why`      the value seen and the value wanted, or None
    `hint`     what to do next, or None
    `problem`  the problem document a server sent, or None

        try:
            thampi.predict('staging', {'input': [5.9, 3.2, 4.8, 1.8]})
        except thampi.ThampiError as error:
            print(error.code, error.hint)
    """

    def __init__(
        self,
        code: str,
        message: str,
        hint: str | None = None,
        problem: Any = None,
        why: str | None = None,
    ) -> None:
        super().__init__(code, message, hint, problem, why)
        self.code = code
        self.message = message
        self.hint = hint
        self.problem = problem
        self.why = why

    def __str__(self) -> str:
        lines = [self.message, self.why, self.hint and f"Fix: {self.hint}", f"({self.code})"]
        return "\n".join(line for line in lines if line)
