"""The wire: how messages lie in the streams between host and runtime; `contract/wire.md` specifies it."""

import json
import os
from struct import Struct
from struct import error as StructError
from typing import NamedTuple, Optional, Union

__all__ = ["FrameReader", "Request", "WireError", "frame", "read_json", "read_request", "reply", "write_all"]

PROTOCOL = 1
MAX_FRAME = 16 * 1024 * 1024

START, REQUEST, STOP, PING, FORK = 1, 2, 3, 4, 5
READY, FAILED, REPLY, PONG, FORKED, EXITED = 65, 66, 67, 68, 69, 70

_HEAD = Struct(">IBI")  # length, type, id
_REQUEST = Struct(">IBB")  # remainingMs, flags, length of the request id
_U16 = Struct(">H")
_REPLY = Struct(">IBIHH")  # length, type, id, status, length of extra

# The length field counts everything after itself.
_LENGTH_BYTES = 4
_HEAD_BYTES = _HEAD.size - _LENGTH_BYTES
_REPLY_BYTES = _REPLY.size - _LENGTH_BYTES

MAX_BODY = MAX_FRAME - 64 * 1024 - 64
_COPY_BYTES = 128 * 1024
_WRITEV_PARTS = 1024  # no system takes more at once
_READ_BYTES = 64 * 1024  # below what allocators hand to the system page by page


class WireError(Exception):
    """The other side broke the rules; the conversation is over."""


class Request(NamedTuple):
    id: int
    remaining_ms: int
    pretty: bool
    request_id: str
    extra: Optional[dict]
    body: Union[bytes, memoryview]


class FrameReader:
    """Cuts what arrives on a descriptor into frames."""

    def __init__(self, descriptor):
        self._descriptor = descriptor
        self._rest = b""

    def fileno(self):
        return self._descriptor

    def read(self, wanted=1):
        """Waits for at least one frame and gives all that are complete, as (type, id, payload); a big payload
        is a view into what came. While there are fewer than `wanted`, a frame that has begun to arrive is
        waited for as well. None at the end of the stream. Raises WireError on a bad length."""
        frames = []
        missing = 1
        while True:
            data = self._more(self._rest, missing)
            if data is None:
                return None
            missing = self._cut(data, frames)
            if frames and (not self._rest or len(frames) >= wanted):
                return frames

    def _cut(self, data, frames):
        """Appends the complete frames of `data`; keeps the rest and says how many bytes that one lacks."""
        # Cutting small pieces out of bytes takes less time than making views.
        view = data if len(data) <= _READ_BYTES else memoryview(data)
        at, end = 0, len(data)
        missing = 0
        while end - at >= _HEAD.size:
            length, kind, number = _HEAD.unpack_from(data, at)
            if not _HEAD_BYTES <= length <= MAX_FRAME:
                raise WireError(f"a frame cannot be {length} bytes long")
            stop = at + _LENGTH_BYTES + length
            if stop > end:
                missing = stop - end
                break
            frames.append((kind, number, view[at + _HEAD.size : stop]))
            at = stop
        self._rest = bytes(data[at:]) if at else data
        return missing or _HEAD.size - (end - at)  # no frame is shorter than its head

    def _more(self, data, missing):
        """`data` and at least `missing` further bytes, joined once; None when the stream ends before them."""
        if missing > _READ_BYTES and hasattr(os, "readv"):
            return self._fill(data, missing)
        chunks = [data]
        while missing > 0:
            chunk = os.read(self._descriptor, max(missing, _READ_BYTES))
            if not chunk:
                return None
            chunks.append(chunk)
            missing -= len(chunk)
        return b"".join(chunks) if data or len(chunks) > 2 else chunks[1]

    def _fill(self, data, missing):
        """The same for a lot: read to where it will stay, for memory of that size is new from the system."""
        wanted = len(data) + missing
        view = memoryview(bytearray(wanted + _READ_BYTES))  # what follows may come with it
        view[: len(data)] = data
        at = len(data)
        while at < wanted:
            count = os.readv(self._descriptor, [view[at:]])
            if count == 0:
                return None
            at += count
        return view[:at].toreadonly()


def read_request(number, payload):
    """The request in a payload. Raises WireError when the payload is shorter than it says."""
    try:
        remaining_ms, flags, n = _REQUEST.unpack_from(payload, 0)
        at = _REQUEST.size + n
        request_id = str(payload[_REQUEST.size : at], "ascii")
        (m,) = _U16.unpack_from(payload, at)
    except (StructError, UnicodeDecodeError) as error:
        raise WireError(f"a request cannot be read: {error}") from None
    at += _U16.size
    body = at + m
    if body > len(payload):
        raise WireError("a request is shorter than it says")
    extra = read_json(payload[at:body]) if m else None
    return Request(number, remaining_ms, bool(flags & 1), request_id, extra, payload[body:])


def reply(number, status, body, extra=None):
    """The bytes of a reply frame: its head, and `body` as it is."""
    more = _json(extra) if extra else b""
    length = _REPLY_BYTES + len(more) + len(body)
    return _REPLY.pack(length, REPLY, number, status, len(more)) + more, body


def frame(kind, number, message=None):
    """The bytes of a frame that carries a JSON message, or nothing."""
    payload = b"" if message is None else _json(message)
    return _HEAD.pack(_HEAD_BYTES + len(payload), kind, number) + payload


def read_json(payload):
    """The JSON object in a payload. Raises WireError when there is none."""
    try:
        value = json.loads(bytes(payload))
    except (ValueError, RecursionError) as error:
        raise WireError(f"a message is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise WireError("a message is not a JSON object")
    return value


def write_all(descriptor, parts):
    """Writes everything; the usual case is one system call. Big parts are not copied."""
    size = sum(map(len, parts))
    if size <= _COPY_BYTES or not hasattr(os, "writev"):
        _write(descriptor, b"".join(parts))
        return
    for at in range(0, len(parts), _WRITEV_PARTS):
        some = parts[at : at + _WRITEV_PARTS]
        written = os.writev(descriptor, some)
        for part in some:
            if written < len(part):
                _write(descriptor, memoryview(part)[written:])
            written = max(0, written - len(part))


def _write(descriptor, data):
    written = os.write(descriptor, data)
    if written < len(data):
        view = memoryview(data)
        while written < len(data):
            written += os.write(descriptor, view[written:])


def _json(message):
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace")
