"""Concurrency: a model that waits for others, or lets go of the interpreter, answers several at once."""

import os
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

from thampi.runtime.loop import OneByOne

__all__ = ["Concurrently"]


class Concurrently(OneByOne):
    """Answers up to `limit` requests at the same time, each in a thread; replies leave as they are ready.

    This is for models that say of themselves that they are thread-safe. Coroutines share one event loop.
    """

    def __init__(self, answerer, logs, outgoing, context, limit):
        super().__init__(answerer, logs, outgoing, context)
        self.credits = limit
        self._threads = ThreadPoolExecutor(limit, thread_name_prefix="thampi")
        self._writing = threading.Lock()
        logs.several = True

    def _take(self, request, deadline):
        self._threads.submit(self._respond, request, deadline)

    def _finish(self):
        self._threads.shutdown()

    def _respond(self, request, deadline):
        try:
            super()._take(request, deadline)
        except (BrokenPipeError, ConnectionResetError):
            os._exit(0)  # the host is gone
        except BaseException:  # a mistake of ours, which the pool would keep to itself
            os.write(2, traceback.format_exc().encode("utf-8", "replace"))
            os._exit(1)

    def _write(self, parts):
        with self._writing:
            super()._write(parts)
