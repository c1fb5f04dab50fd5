"""Batches: requests that wait together are handed to the model in one call of `predict_batch`.

Whoever asks cannot tell: the answer in a batch is the answer that the same request gets alone.
"""

import logging

from thampi.context import LOGGER_NAME
from thampi.runtime import wire
from thampi.runtime.blame import report
from thampi.runtime.loop import RETIRE, OneByOne
from thampi.runtime.problem import Problem

__all__ = ["Together"]


class Together(OneByOne):
    """Answers up to `batch` requests with one call: those that are here when the model becomes free."""

    def __init__(self, answerer, logs, outgoing, context, batch):
        super().__init__(answerer, logs, outgoing, context)
        self.batch = batch
        self.credits = max(batch, OneByOne.credits)
        self._waiting = []

    def _take(self, request, deadline):
        self._waiting.append((request, deadline))
        if len(self._waiting) == self.batch:
            self._flush()

    def _flush(self):
        waiting, self._waiting = self._waiting, []
        if any(request.extra and "door" in request.extra for request, _ in waiting):
            self._answer_in_turn(waiting)  # what comes through a door is often a batch already
        elif len(waiting) > 1:
            self._answer_together(waiting)
        elif waiting:
            super()._take(*waiting[0])

    def _answer_together(self, waiting):
        asked, batch, refused = [], [], []
        for request, deadline in waiting:
            try:
                batch.append(self._answerer.read(request.body))
                asked.append((request, deadline))
            except Problem as problem:  # such a body never gets to the model
                refused.append((request, self._refusal(problem, request)))
        if refused:
            self._reply(refused)
        if len(asked) < 2:
            for request, deadline in asked:
                super()._take(request, deadline)
            return
        earliest = min(deadline for _, deadline in asked)
        context = self._context._for(None, earliest, [request.request_id for request, _ in asked])
        try:
            results = self._answerer.ask.together(batch, context)
        except Problem as problem:
            results = [problem] * len(batch)
        except BaseException as error:
            self._logs.end()
            self._answer_alone(asked, error)
            return
        self._logs.end()
        requests = (request for request, _ in asked)
        self._reply(
            [(request, self._conclusion(result, request)) for request, result in zip(requests, results)]
        )
        self._logs.end()

    def _conclusion(self, result, request):
        self._logs.begin(request.request_id)
        return self._answerer.conclusion(result, request.request_id, request.pretty)

    def _refusal(self, error, request):
        self._logs.begin(request.request_id)
        return self._answerer.refusal(error, request.request_id, request.pretty)

    def _answer_alone(self, asked, error):
        """Asks again, one by one, after the call for all raised: nobody pays for a neighbour's input."""
        if not self._answer_in_turn(asked, retire=not isinstance(error, Exception)):
            message = "predict_batch raised for %d inputs, of which each alone is fine: %s"
            logging.getLogger(LOGGER_NAME).warning(message, len(asked), report(error))

    def _answer_in_turn(self, asked, retire=False):
        """Answers one by one; gives how many answers are refusals."""
        guilty = 0
        for left, (request, deadline) in zip(range(len(asked) - 1, -1, -1), asked):
            status, body, wants_to_retire = self._answer(request, deadline)
            guilty += status >= 400
            retire = retire or wants_to_retire
            self._reply([(request, (status, body, retire and left == 0))])
        return guilty

    def _reply(self, answers):
        """Writes all replies at once. Only the last one may ask to retire, or it would cost its neighbours
        their answers."""
        retire = any(retire for _, (_, _, retire) in answers)
        last = answers[-1][0]
        parts = []
        for request, (status, body, _) in answers:
            extra = RETIRE if retire and request is last else None
            parts += wire.reply(request.id, status, body, extra)
        self._write(parts)
