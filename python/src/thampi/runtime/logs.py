"""What the model prints and logs: one framed line each on descriptor 1, under the request it belongs to."""

import io
import logging
import os
import sys
import threading
from contextvars import ContextVar

__all__ = ["Logs"]

_US = b"\x1f"
_LINE_LIMIT = 64 * 1024
_request_id = ContextVar("request_id", default="")


class Logs:
    """Takes over standard output, standard error and the root logger.

    Between `begin` and `end` there is a request under way. As a rule there is one at a time, and lines that
    other threads print meanwhile are counted to it. With `several` there may be more; then each thread and
    each coroutine has its own, and lines from elsewhere belong to none.
    """

    def __init__(self, descriptor=1):
        self.several = False
        self._request_id = ""
        self._descriptor = descriptor
        self._lock = threading.RLock()
        self._streams = (_Stream(self, "stdout"), _Stream(self, "stderr"))

    def take_over(self, level="INFO"):
        """From here on `print`, `warnings` and `logging` speak through us."""
        sys.stdout, sys.stderr = self._streams
        root = logging.getLogger()
        root.addHandler(_Handler(self))
        root.setLevel(level)

    def begin(self, request_id):
        """What is printed from here on belongs to this request; to none when the id is empty."""
        if self.several:
            _request_id.set(request_id)
        else:
            self._request_id = request_id

    def end(self):
        """Lines that were left unfinished end with their request."""
        self.finish_lines()
        self.begin("")

    def finish_lines(self):
        """What was printed up to here stands before whatever comes next."""
        for stream in self._streams:
            if stream.unfinished:
                stream.finish(self.current())

    def current(self):
        """The id of the request that what is printed here belongs to, or an empty text."""
        return _request_id.get() or self._request_id

    def write(self, level, text):
        """What was printed or logged, without its last line feed."""
        self._send(self._framed(level, text))

    def _framed(self, level, text):
        """Each line of `text` as a line of its own."""
        head = _US.join(
            (b"", self.current().encode("ascii", "replace"), level.encode("ascii", "replace"), b"")
        )
        lines = text.encode("utf-8", "backslashreplace").split(b"\n")
        pieces = (
            line[at : at + _LINE_LIMIT] for line in lines for at in range(0, len(line) or 1, _LINE_LIMIT)
        )
        return b"".join(head + piece + b"\n" for piece in pieces)

    def _send(self, data):
        with self._lock:
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:
                pass  # nobody listens any more; a model must not fail for that


class _Stream(io.TextIOBase):
    """A text stream whose complete lines go to the logs."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, logs, level):
        super().__init__()
        self.unfinished = {}  # by request
        self.name = f"<{level}>"
        self._logs = logs
        self._level = level
        self._lock = threading.RLock()

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        with self._lock:
            request_id = self._logs.current()
            complete, newline, rest = (self.unfinished.pop(request_id, "") + text).rpartition("\n")
            if rest:
                self.unfinished[request_id] = rest
            if newline:
                self._logs.write(self._level, complete)
            if len(rest) > _LINE_LIMIT:
                self.finish(request_id)
        return len(text)

    def finish(self, request_id):
        """Ends the line that this request, the current one, has begun."""
        with self._lock:
            text = self.unfinished.pop(request_id, "")
            if text:
                self._logs.write(self._level, text)

    def writable(self):
        return True

    def fileno(self):
        """For programs that the model starts; what they print belongs to no request."""
        return 1 if self._level == "stdout" else 2

    @property
    def buffer(self):
        return _Bytes(self)


class _Bytes(io.RawIOBase):
    """`sys.stdout.buffer`: bytes that are written there are text as well."""

    def __init__(self, stream):
        super().__init__()
        self._stream = stream

    def writable(self):
        return True

    def write(self, data):
        data = bytes(data)
        self._stream.write(data.decode("utf-8", "backslashreplace"))
        return len(data)


class _Handler(logging.Handler):
    """Log records under their level; an exception's traceback follows its message."""

    def __init__(self, logs):
        super().__init__()
        self._logs = logs

    def emit(self, record):
        try:
            self._logs.write(record.levelname, self.format(record))
        except Exception:
            self.handleError(record)
