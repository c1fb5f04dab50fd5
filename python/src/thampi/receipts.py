"""Receipts: inputs and the answers a model gave when it was saved, recorded on the very path that serves."""

import pickle

from thampi.context import ThampiContext
from thampi.errors import ThampiError
from thampi.runtime.answer import Answerer
from thampi.runtime.blame import describe
from thampi.runtime.body import read_data
from thampi.runtime.encode import NotJson, encode, to_bytes
from thampi.runtime.load import initialize
from thampi.runtime.problem import Problem

__all__ = ["record"]


def record(pickled, name, properties, examples):
    """The bytes of receipts.jsonl: a line `{"data": …, "result": …}` for each example.

    A copy of the model is asked, so that what `initialize` sets stays out of the model that was given.
    Raises ThampiError naming the example that fails.
    """
    model = pickle.loads(pickled)
    answerer = Answerer(model, properties)
    context = ThampiContext(model=name, properties=properties)
    initialize(model, context, answerer.ask.wait)
    lines = []
    for number, example in enumerate(examples, 1):
        data = _data(number, example)
        lines.append(f'{{"data":{data},"result":{_result(answerer, context, number, data)}}}\n')
    return to_bytes("".join(lines))


def _data(number, example):
    try:
        return encode(example)
    except NotJson as error:
        where = error.where.replace("result", f"example {number}", 1)
        what = f"Example {number} cannot be sent as JSON: `{where}` {error.what}."
        raise ThampiError("RESULT_NOT_JSON", f"{what} Nothing was saved.", hint=error.fix) from error


def _result(answerer, context, number, data):
    try:
        return encode(answerer.ask.one(read_data(to_bytes(f'{{"data":{data}}}')), context))
    except NotJson as error:
        what = f"Example {number}: {error} Nothing was saved."
        raise ThampiError("RESULT_NOT_JSON", what, hint=error.fix) from error
    except Problem as problem:
        what = f"Example {number}: {problem} Nothing was saved."
        raise ThampiError("MODEL_RAISED", what, hint=problem.hint) from problem
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        shown = data if len(data) <= 200 else f"{data[:200]} …"
        what = f"The model raised on example {number}: {describe(error)}. Nothing was saved."
        raise ThampiError("MODEL_RAISED", what, why=f"The example is {shown}") from error
