"""The conversation with the host once a model is loaded: requests in, replies out."""

import os
import time

from thampi.runtime import wire

__all__ = ["RETIRE", "OneByOne"]

RETIRE = {"retire": True}


class OneByOne:
    """Answers each request before it looks at the next, so that no finished answer waits for its neighbour.

    `credits` and `batch` are what `ready` says; `context` is what all requests have in common.
    """

    # One request runs, the next one is already here: no waiting for the host in between.
    credits = 2
    batch = 0

    def __init__(self, answerer, logs, outgoing, context):
        self._answerer = answerer
        self._logs = logs
        self._outgoing = outgoing
        self._context = context

    def run(self, received, frames):
        """Handles what came along with `start`, then whatever `frames` brings; returns after `stop`."""
        while received is not None:
            now = time.monotonic()
            for kind, number, payload in received:
                if kind == wire.REQUEST:
                    request = wire.read_request(number, payload)
                    self._take(request, now + request.remaining_ms / 1000)
                elif kind == wire.PING:
                    self._write((wire.frame(wire.PONG, number),))
                elif kind == wire.STOP:
                    self._finish()
                    return
                else:
                    raise wire.WireError(f"no message to a runtime has type {kind}")
            self._flush()
            received = frames.read(self.batch)
        os._exit(0)  # the host is gone; nothing of the model may hold the process back

    def _take(self, request, deadline):
        """A request was read."""
        status, body, retire = self._answer(request, deadline)
        self._write(wire.reply(request.id, status, body, RETIRE if retire else None))

    def _flush(self):
        """All requests that came together were taken."""

    def _finish(self):
        """No further request will come: every one that was taken has to be answered."""
        self._flush()

    def _answer(self, request, deadline):
        """(status, body, retire) for one request on its own."""
        self._logs.begin(request.request_id)
        context = self._context._for(request.request_id, deadline)
        door = request.extra and request.extra.get("door")
        if door:
            content_type = request.extra.get("contentType")
            answer = self._answerer.through(door, content_type, request.body, context)
        else:
            answer = self._answerer.answer(request.body, context, request.pretty)
        self._logs.end()
        return answer

    def _write(self, parts):
        wire.write_all(self._outgoing, parts)
