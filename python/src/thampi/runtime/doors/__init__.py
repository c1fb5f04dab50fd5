"""Doors: other protocols in which the same model can be asked.

A request that came through one says so (`extra.door` on the wire); without it the body is `{"data": …}`.
Each door is a module with

    read(body, content_type, takes_rows)      an `Asked`: what the model gets. Raises Problem
    write(asked, result, source, request_id)  the bytes of the answer, None for the usual one
    refuse(problem, source, request_id)       the bytes that say what went wrong

A model that `takes_rows` wants `{"input": rows}`, as bare estimators and models of MLflow do: the rows of a
request become its one input, and no table is made for it.

`contract/doors.json` has requests and their answers.
"""

from importlib import import_module

__all__ = ["NAMES", "Asked", "named"]

NAMES = ("v2", "v1", "mlflow")


class Asked:
    """What a request asks: `data` for one call of the model, or `inputs` for a call each.

    `params`  what the caller sent beside the input
    `plain`   False when the input is no plain JSON, so that no schema can judge it
    `note`    what the door needs again for the answer
    """

    __slots__ = ("data", "inputs", "note", "params", "plain")

    def __init__(self, data=None, inputs=None, params=None, note=None, plain=True):
        self.data = data
        self.inputs = inputs
        self.params = params
        self.note = note
        self.plain = plain


def named(name):
    """The module of a door. One that this runtime does not know refuses whatever comes through it."""
    return import_module(f"{__name__}.{name if name in NAMES else 'unknown'}")
