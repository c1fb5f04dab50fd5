"""The log of a function: every line that leaves the process is one JSON object, also what the model prints.

{"timestamp":"2026-11-23T06:50:37.123Z","level":"INFO","source":"model","version":7,"requestId":"r-1","message":"…"}
"""

import json
import logging
import time

from thampi.runtime.logs import Logs

__all__ = ["JsonLogs"]

# CloudWatch takes 256 KiB in one event; a character has at most 6 bytes in JSON.
_LIMIT = 40_000
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


class JsonLogs(Logs):
    """Lines of `version` on `descriptor`; otherwise as `Logs`."""

    def __init__(self, version, descriptor=1):
        super().__init__(descriptor)
        self._version = version
        self._about = {}

    def take_over(self, level="INFO"):
        """From here on `print`, `warnings` and `logging` speak through us, and through nobody else."""
        logging.getLogger().handlers.clear()  # the client of Lambda would write every record a second time
        super().take_over(level)

    def begin(self, request_id, aws_request_id=None, trace_id=None):
        """What is printed from here on belongs to this request; to none when the id is empty."""
        super().begin(request_id)
        self._about = {}
        if aws_request_id not in (None, request_id):
            self._about["awsRequestId"] = aws_request_id
        if trace_id is not None:
            self._about["trace_id"] = trace_id

    def access(self, level, message):
        """The line with which a request ends."""
        self._send(self._line(level, "http", message))

    def _framed(self, level, text):
        pieces = (text[at : at + _LIMIT] for at in range(0, len(text) or 1, _LIMIT))
        return b"".join(self._line(level, "model", piece) for piece in pieces)

    def _line(self, level, source, message):
        now = time.time()
        request_id = self.current()
        line = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
            + f".{int(now * 1000) % 1000:03}Z",
            "level": level,
            "source": source,
            "version": self._version,
            **({"requestId": request_id} if request_id else {}),
            **self._about,
            "message": message,
        }
        return _encode(line).encode("ascii") + b"\n"
