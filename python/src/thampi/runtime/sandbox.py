"""The process in a sandbox: loads one model, then answers requests until it is told to stop.

    main()   speaks with the host on descriptors 3 (in) and 4 (out); see `contract/wire.md`

One thread does it all, because a hop between threads costs more than a small model. Therefore a ping is
answered between two requests, not during one.
"""

import gc
import os
import platform
import signal
import sys
import time

import thampi
from thampi.context import ThampiContext
from thampi.errors import ThampiError
from thampi.runtime import load, modules, wire
from thampi.runtime.answer import Answerer
from thampi.runtime.batch import Together
from thampi.runtime.logs import Logs
from thampi.runtime.loop import OneByOne
from thampi.runtime.problem import Source

__all__ = ["main"]

HOST_TO_RUNTIME, RUNTIME_TO_HOST = 3, 4

_EXIT_FAILED = 70
_EXIT_PROTOCOL = 76


def main():
    """Runs until the host stops us or goes away. Never returns after a failure: the process ends."""
    _die_with_parent()
    incoming, outgoing = _take(HOST_TO_RUNTIME), _take(RUNTIME_TO_HOST)
    _close_stdin()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the host's to handle
    frames = wire.FrameReader(incoming)
    try:
        received = frames.read()
        if received is None:
            os._exit(0)
        (kind, _, payload), *received = received
        if kind != wire.START:
            raise wire.WireError("the first message is not `start`")
        loop = _start(wire.read_json(payload), outgoing)
        del payload
        loop.run(received, frames)
    except wire.WireError as error:
        os.write(2, f"thampi: the host broke the protocol: {error}\n".encode())
        os._exit(_EXIT_PROTOCOL)
    except (BrokenPipeError, ConnectionResetError):
        os._exit(0)  # the host is gone


def _start(start, outgoing):
    """Loads the model as the host says and reports `ready`; or reports `failed` and ends the process."""
    began = time.monotonic()
    logs = Logs()
    logs.take_over(start.get("logLevel", "INFO"))
    try:
        answerer, properties = _load(start)
    except ThampiError as error:
        logs.end_request()
        _fail(outgoing, error)
    logs.end_request()
    # What was loaded stays for good; the collector need not look at it again.
    gc.freeze()
    loop = _loop(start, answerer, logs, outgoing, _shared(start, properties))
    ready = {
        "protocol": wire.PROTOCOL,
        "runtime": "python",
        "version": thampi.__version__,
        "language": platform.python_version(),
        "credits": loop.credits,
        "batch": loop.batch,
        "modules": modules.of_libraries(start.get("codeDir")),
        "fork": answerer.ask.may_fork,
        "loadMs": round((time.monotonic() - began) * 1000),
    }
    wire.write_all(outgoing, (wire.frame(wire.READY, 0, ready),))
    return loop


def _loop(start, answerer, *more):
    """How this model gets its requests: together if it can take them so, else one by one."""
    batch = start.get("maxBatch") or 1
    if batch > 1 and answerer.ask.batches:
        return Together(answerer, *more, batch)
    return OneByOne(answerer, *more)


def _load(start):
    if start.get("protocol") != wire.PROTOCOL:
        what = f"The host speaks protocol {start.get('protocol')}, this runtime speaks {wire.PROTOCOL}."
        raise ThampiError("INTERNAL", what, hint="use the same version of thampi on both sides.")
    saved = load.read_saved(start["modelDir"], start.get("digests") or {}, start.get("model"))
    properties = {**saved.properties, "served_time_utc": start.get("servedTimeUtc")}
    model = load.unpickle(saved, start.get("codeDir"))
    del saved
    source = Source(start.get("model"), start.get("stage"), start.get("version"))
    answerer = Answerer(
        model,
        properties,
        source,
        terse=start.get("errors") == "terse",
        max_result_bytes=min(start.get("maxResultBytes") or wire.MAX_BODY, wire.MAX_BODY),
    )
    load.initialize(model, ThampiContext(**_shared(start, properties)), answerer.wait)
    return answerer, properties


def _shared(start, properties):
    """What every context of this process has in common; the model gets its own copy of the properties."""
    names = {key: start.get(key) for key in ("stage", "model", "version")}
    return {**names, "properties": dict(properties)}


def _fail(outgoing, error):
    message = {
        "code": error.code,
        "message": error.message,
        "why": error.why,
        "fix": error.hint,
        "trace": load.trace_of(error),
    }
    wire.write_all(outgoing, (wire.frame(wire.FAILED, 0, message),))
    os._exit(_EXIT_FAILED)


def _take(descriptor):
    """Moves one of ours to a high number, where a model that counts descriptors does not trip over it."""
    lowest = 200
    try:
        import fcntl

        moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, lowest)
    except (ImportError, OSError):  # Windows, or the limit of open files is very low
        moved = os.dup(descriptor)
    os.close(descriptor)
    if os.name == "posix":
        os.set_blocking(moved, True)
    return moved


def _close_stdin():
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _die_with_parent():
    """On Linux the kernel ends us with the host, even while a model computes; elsewhere the end of the stream
    does, between two requests."""
    if sys.platform != "linux":
        return
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
