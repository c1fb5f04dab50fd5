"""A function of Lambda around one model: an event in, what Lambda is to answer out; see `contract/lambda.md`.

function = Function(manifest, "/var/task", 7, JsonLogs(7))
function.begin("on-demand")
function({"data": {"input": [5.9, 3.2, 4.8, 1.8]}}, context)      # {"properties": {…}, "result": …}
"""

import json
import logging
import math
import platform
import re
import time

import thampi
from thampi.context import LOGGER_NAME
from thampi.errors import ThampiError
from thampi.runtime import load, process
from thampi.runtime.lambda_events import http_request
from thampi.runtime.lambda_http import PAYLOAD_BYTES, Exchange
from thampi.runtime.lambda_model import FunctionModel
from thampi.runtime.problem import Problem, Source

__all__ = ["Function", "ThampiProblem"]

_RETRY_MS = 1_000
_UNSAID = "The model cannot be loaded."


class ThampiProblem(Exception):
    """What a direct call fails with; its text is a problem document."""


class Function:
    """`manifest` is that of `contract/lambda.md`, `task_root` the directory that holds it; `logs` is told
    which request is under way. `source`, `cors`, `openapi`, `version` and `logs` are for
    exchanges.
    """

    def __init__(self, manifest, task_root, version, logs):
        start = manifest["start"]
        self.version = version
        self.logs = logs
        self.cors = manifest.get("cors")
        self.openapi = manifest.get("openapi")
        self.source = Source(start["model"], start["stage"], version)
        self._names = {"model": start["model"], "stage": start["stage"], "version": version}
        self._terse = start.get("errors") == "terse"
        self._key = manifest["key"]
        self._prime = manifest.get("prime")
        self._model = FunctionModel(manifest, task_root, version)

    def __call__(self, event, context):
        """What Lambda is to answer. Raises ThampiProblem, only for a direct call."""
        request = http_request(event)
        if request is not None:
            return self._exchange(request, context)
        self.logs.begin(context.aws_request_id)
        try:
            if isinstance(event, dict) and "thampi" in event:
                return self._told(event["thampi"], context)
            return self._called(event, context)
        except Problem as problem:
            document = self.source.document(problem, context.aws_request_id)
            raise ThampiProblem(document.decode("ascii").rstrip("\n")) from None
        finally:
            self.logs.end()

    def begin(self, initialization_type):
        """What is done before the first event; `initialization_type` is AWS_LAMBDA_INITIALIZATION_TYPE.

        Ten seconds are not enough to fetch a big model; only an event has more, and functions that are
        initialized long before it.
        """
        if self._model.in_function or initialization_type not in (None, "on-demand"):
            self._try_to_load(math.inf)

    def before_snapshot(self):
        """Loads the model and asks it once, so that what a first prediction touches is in the snapshot."""
        ready = self._try_to_load(math.inf)
        if ready is None or self._prime is None:
            return
        answerer, common = ready
        self.logs.begin("prime")
        body = json.dumps(self._prime).encode("ascii")
        _, _, retire = answerer.answer(body, common._for("prime", math.inf))
        self.logs.end()
        if retire:
            self.retire()
            self._try_to_load(math.inf)

    def after_restore(self):
        """This process is one of many copies now."""
        process.reseed()

    # ---- what exchanges need

    def check(self, route):
        """Raises Problem when a path means another model, or another version of it."""
        name = self._names["model"]
        if route.model not in (None, name):
            raise Problem("no-such-model", f'There is no model "{route.model}" here.', f"There is: {name}.")
        if route.version not in (None, str(self.version)):
            what = f"This is version {self.version} of {name}, not version {route.version}."
            raise Problem("no-such-version", what)

    def ready(self, context):
        """(answerer, what the contexts of all events have in common). Raises Problem."""
        try:
            # A second for the answer that there was not enough time.
            return self._model.ready(self.deadline(context) - 1)
        except ThampiError as error:
            self._report(error)
            raise self._unavailable(error) from error

    def deadline(self, context):
        """When Lambda ends the event, on the clock of `time.monotonic`."""
        return time.monotonic() + context.get_remaining_time_in_millis() / 1000

    def retire(self):
        """The model has done what ends a process; the next event gets a new one."""
        self._model.forget()

    def mistake(self):
        """Logs the exception at hand, which is one of ours."""
        _LOGGER.exception("A mistake of Thampi.")

    # ---- the kinds of events

    def _exchange(self, request, context):
        exchange = Exchange(self, request, context)
        self.logs.begin(exchange.request_id, context.aws_request_id, exchange.trace_id)
        answer = exchange.answer()
        self.logs.finish_lines()
        exchange.log(answer["statusCode"])
        self.logs.end()
        return answer

    def _told(self, word, context):
        if word == "warm":
            self._try_to_load(self.deadline(context) - 1)
            return {"thampi": "warm"}
        if word == "health":
            return self._health(context)
        what = f'`thampi` is {json.dumps(word)}, neither "warm" nor "health".'
        raise Problem("invalid-request", what)

    def _health(self, context):
        answer = {
            "thampi": "health",
            "ready": True,
            **self._names,
            "key": self._key,
            "runtime": "python",
            "runtimeVersion": thampi.__version__,
            "language": platform.python_version(),
        }
        try:
            self._model.ready(self.deadline(context) - 1)
        except ThampiError as error:
            self._report(error)
            return {**answer, "ready": False, "failed": load.failure(error)}
        return {**answer, "loadMs": self._model.load_ms}

    def _called(self, event, context):
        answerer, common = self.ready(context)
        try:
            body = json.dumps(event).encode("ascii")
        except RecursionError:
            raise Problem("too-deep", "The event is nested too deeply to be read.") from None
        model_context = common._for(context.aws_request_id, self.deadline(context))
        status, answer, retire = answerer.answer(body, model_context)
        if retire:
            self.retire()
        if status >= 400:
            raise ThampiProblem(answer.decode("ascii").rstrip("\n"))
        _check_size(answer)
        return _document(answer)

    # ---- loading

    def _try_to_load(self, deadline):
        """As `ready`, but None when the model cannot be loaded: the next event hears why."""
        try:
            return self._model.ready(deadline)
        except ThampiError as error:
            self._report(error)
            return None

    def _report(self, error):
        trace = load.trace_of(error)
        _LOGGER.error("%s", f"{error}\n{trace.rstrip()}" if trace else error)

    def _unavailable(self, error):
        code = "artifact-corrupt" if error.code == "INTEGRITY" else "model-unavailable"
        detail = _UNSAID if self._terse else _without_directories(error.message)
        hint = f"See: thampi logs {self._names['stage']} --since=3m"
        retry_after_ms = _RETRY_MS if error.code == "NETWORK" else None
        return Problem(code, detail, hint, retry_after_ms=retry_after_ms)


def _check_size(answer):
    # Amazon's client writes a space behind every comma and colon.
    written = len(answer) + answer.count(b",") + answer.count(b":")
    if written > PAYLOAD_BYTES:
        detail = f"Lambda takes {PAYLOAD_BYTES:,} bytes, and would write the answer in {written:,}."
        raise Problem("result-too-large", detail, "Return less, or a link to the rest.")


def _document(answer):
    """What a document says, for Amazon's client to write once more. What is no UTF-8 ends the process."""
    value = json.loads(answer)
    if b"\\ud" in answer:
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            what = "The result has half a character, which a direct call cannot carry."
            raise Problem("result-not-serialisable", what, "Ask over HTTP, or return whole text.") from None
    return value


def _without_directories(text):
    """The directories of the function tell a caller nothing. The last name of each path stays."""
    return re.sub(r"(?<![\w/])(?:/[^\s/'\"`:]+){2,}", lambda path: path[0].rpartition("/")[2], text)


_LOGGER = logging.getLogger(LOGGER_NAME)
