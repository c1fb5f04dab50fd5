"""From what a host says about a model to one that answers: loaded, initialized, with all that answers need.

answerer, context = prepare({"modelDir": "…", "digests": {…}, "stage": "staging", …})
answerer.answer(b'{"data": 1}', context._for("r-1", deadline))
"""

from thampi.context import ThampiContext
from thampi.runtime import brought, load, wire
from thampi.runtime.answer import Answerer
from thampi.runtime.awaiting import Elsewhere, Here
from thampi.runtime.problem import Source
from thampi.runtime.screen import screen_of

__all__ = ["at_once", "prepare"]


def prepare(start, pickled=None):
    """(answerer, what the contexts of all requests have in common) of the model that `start` names.

    `start` is the message of that name, see `contract/wire.md`; `pickled` as for `read_saved`. Raises
    ThampiError: whatever loading or `initialize` ends in.
    """
    model, saved = _opened(start, pickled)
    properties = {**saved.properties, "served_time_utc": start.get("servedTimeUtc")}
    terse = start.get("errors") == "terse"
    screen = screen_of(saved, terse)
    del saved
    answerer = Answerer(
        model,
        properties,
        Source(start.get("model"), start.get("stage"), start.get("version")),
        terse=terse,
        max_result_bytes=min(start.get("maxResultBytes") or wire.MAX_BODY, wire.MAX_BODY),
        wait=Elsewhere() if at_once(start) > 1 else Here(),
        screen=screen,
    )
    names = {key: start.get(key) for key in ("stage", "model", "version")}
    # The model gets its own copy of the properties; whatever it does to them, answers stay as they are.
    context = ThampiContext(**names, properties=dict(properties))
    load.initialize(model, context._for("", None), answerer.ask.wait)
    return answerer, context


def at_once(start):
    """How many requests the model may work on at the same time."""
    return start.get("maxConcurrency") or 1


def _opened(start, pickled):
    """(the model, the files around it)"""
    if brought.is_brought(start.get("digests")):
        return brought.load(start)
    saved = load.read_saved(start["modelDir"], start.get("digests") or {}, start.get("model"), pickled)
    return load.unpickle(saved, start.get("codeDir")), saved
