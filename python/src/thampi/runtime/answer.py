"""What a prediction means: the bytes of a request in, status and bytes of the answer out."""

import logging

from thampi.context import LOGGER_NAME
from thampi.errors import BadInput, ItemError
from thampi.runtime.ask import Asker
from thampi.runtime.awaiting import Here
from thampi.runtime.blame import describe, message_of, report
from thampi.runtime.body import read_data
from thampi.runtime.encode import NotJson, encode_bytes, encode_indented, plain, to_bytes
from thampi.runtime.problem import Problem, Source

__all__ = ["Answerer", "warn_missing"]

_HIDDEN = "The model raised an exception; the logs show it under this request id."
_6_MB = 6 * 1024 * 1024
_WITH_DATA = b'{"data":null}'  # what a request through a door amounts to: an input is there


class Answerer:
    """Answers requests for one loaded model.

    `properties` stand in every answer; `terse` keeps what the model raised out of answers; `max_result_bytes`
    bounds the answer's body; `wait` runs coroutines of the model; `screen` knows its schema; `ask` is how the
    model is asked.

        status, body, retire = answerer.answer(b'{"data": 1}', context)
    """

    def __init__(
        self, model, properties, source=None, *, terse=False, max_result_bytes=_6_MB, wait=None, screen=None
    ):
        self.ask = Asker(model, wait or Here())
        self._properties = properties
        self._prefix = b'{"properties":' + encode_bytes(properties) + b',"result":'
        self.source = source or Source(None, None, None)
        self._terse = terse
        self._limit = max_result_bytes
        self._screen = screen
        self._fits = screen.fits if screen is not None and screen.declares else None

    def answer(self, body, context, pretty=False):
        """(status, body, retire) for the bytes of a request; `retire`: this process should be replaced."""
        try:
            return 200, self._written(self.ask.one(self.read(body), context), pretty), False
        except BaseException as error:
            return self.refusal(error, context.request_id, pretty, body)

    def read(self, body):
        """The input in the bytes of a request. Raises Problem, also when it is not what the model takes."""
        data = read_data(body)
        if self._fits is not None and not self._fits(data):
            raise self._screen.refused(data, body)
        return data

    def through(self, name, content_type, body, context):
        """The same as `answer` for a request in the protocol of a door; see `thampi.runtime.doors`."""
        from thampi.runtime import doors  # most models never need them

        door = doors.named(name)
        try:
            asked = door.read(body, content_type, self.ask.takes_rows)
            context._params = asked.params
            if asked.plain and self._fits is not None:
                for data in (asked.data,) if asked.inputs is None else asked.inputs:
                    if not self._fits(data):
                        raise self._screen.refused(data, _WITH_DATA)
            if asked.inputs is None:
                result = self.ask.one(asked.data, context)
            else:
                result = self.ask.each(asked.inputs, context)
            answer = door.write(asked, result, self.source, context.request_id)
            return 200, self._written(result) if answer is None else self._bounded(answer), False
        except BaseException as error:
            problem = self._problem(error)
            refusal = door.refuse(problem, self.source, context.request_id)
            return problem.status, refusal, not isinstance(error, Exception)

    def conclusion(self, result, request_id, pretty=False):
        """The same for what the model returned for one of several inputs: a result, or an exception."""
        if isinstance(result, BaseException):
            return self.refusal(result, request_id, pretty)
        try:
            return 200, self._written(result, pretty), False
        except BaseException as error:
            return self.refusal(error, request_id, pretty)

    def refusal(self, error, request_id, pretty=False, body=None):
        """The same for an exception; `body` is what was sent, where that is known."""
        problem = self._problem(error)
        if problem.code == "model-error" and self._screen is not None and body is not None:
            problem.hint = self._screen.hint(body)
        retire = not isinstance(error, Exception)
        return problem.status, self.source.document(problem, request_id, pretty), retire

    def _written(self, result, pretty=False):
        text = encode_bytes(result, warn_missing)
        if pretty:
            members = {"properties": self._properties, "result": plain(result)}
            answer = to_bytes(encode_indented(members) + "\n")
        else:
            answer = b"".join((self._prefix, text, b"}\n"))
        return self._bounded(answer)

    def _bounded(self, answer):
        if len(answer) > self._limit:
            raise _too_large(len(answer), self._limit)
        return answer

    def _problem(self, error):
        if isinstance(error, Problem):
            if error.status >= 500:  # not the caller's mistake
                _LOGGER.error("%s", error)
            return error
        if isinstance(error, NotJson):
            _LOGGER.error("%s", error)
            place = {"pointer": error.pointer, "code": "result-not-serialisable", "message": error.what}
            return Problem("result-not-serialisable", str(error), error.fix, [place])
        if isinstance(error, BadInput):
            message = message_of(error)
            places = [{"pointer": error.pointer, "code": "model-rejected-input", "message": message}]
            return Problem("model-rejected-input", message, errors=places if error.pointer else ())
        if isinstance(error, ItemError):
            message = message_of(error)
            _LOGGER.error("%s", message)
            return Problem("model-error", _HIDDEN if self._terse else message)
        _LOGGER.error("%s", report(error))
        return Problem("model-error", _HIDDEN if self._terse else describe(error))


def _too_large(size, limit):
    detail = f"The answer has {size:,} bytes; the limit is {limit:,}."
    return Problem("result-too-large", detail, "Return less, or a link to the rest.")


_LOGGER = logging.getLogger(LOGGER_NAME)


def warn_missing(where):
    _LOGGER.warning("`%s` is NaN, infinite or missing and was written as null", where)
