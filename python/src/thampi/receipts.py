"""Receipts: inputs and the answers a model gave when it was saved, recorded on the very path that serves."""

from thampi.context import ThampiContext
from thampi.errors import ThampiError
from thampi.runtime.answer import Answerer
from thampi.runtime.blame import describe
from thampi.runtime.encode import NotJson, encode, to_bytes
from thampi.runtime.load import initialize
from thampi.runtime.problem import Problem
from thampi.runtime.screen import Screen

__all__ = ["lines", "record"]

_NOTHING_SAVED = "Nothing was saved."


def record(model, name, properties, examples, declared=None):
    """What the model answers: a list of (data, result), both as JSON texts.

    `model` is a copy, because `initialize` sets attributes that must not get into what is saved; `declared`
    is the JSON Schema that inputs have to fit. Raises ThampiError naming the example that fails.
    """
    screen = None if declared is None else Screen({"declared": True, "input": declared})
    answerer = Answerer(model, properties, screen=screen)
    context = ThampiContext(model=name, properties=properties)
    initialize(model, context, answerer.ask.wait)
    receipts = []
    for number, example in enumerate(examples, 1):
        data = _data(number, example)
        receipts.append((data, _result(answerer, context, number, data)))
    return receipts


def lines(receipts):
    """receipts.jsonl as bytes: a line `{"data": …, "result": …}` for each."""
    return to_bytes("".join(f'{{"data":{data},"result":{result}}}\n' for data, result in receipts))


def _data(number, example):
    try:
        return encode(example)
    except NotJson as error:
        where = error.where.replace("result", f"example {number}", 1)
        what = f"Example {number} cannot be sent as JSON: `{where}` {error.what}."
        raise ThampiError("RESULT_NOT_JSON", f"{what} {_NOTHING_SAVED}", hint=error.fix) from error


def _result(answerer, context, number, data):
    try:
        return encode(answerer.ask.one(answerer.read(to_bytes(f'{{"data":{data}}}')), context))
    except NotJson as error:
        what = f"Example {number}: {error} {_NOTHING_SAVED}"
        raise ThampiError("RESULT_NOT_JSON", what, hint=error.fix) from error
    except Problem as problem:
        what = f"Example {number}: {problem} {_NOTHING_SAVED}"
        raise ThampiError("MODEL_RAISED", what, hint=problem.hint) from problem
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        shown = data if len(data) <= 200 else f"{data[:200]} …"
        what = f"The model raised on example {number}: {describe(error)}. {_NOTHING_SAVED}"
        raise ThampiError("MODEL_RAISED", what, why=f"The example is {shown}") from error
