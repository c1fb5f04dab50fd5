"""The process in a sandbox: loads one model, then answers requests until it is told to stop.

    main()   speaks with the host on descriptors 3 (in) and 4 (out); see `contract/wire.md`

One thread does it all, because a hop between threads costs more than a small model; only a model that may
answer several requests at once has more. Therefore a ping is answered between two requests, not during one.
"""

import gc
import os
import platform
import signal
import time

import thampi
from thampi.errors import ThampiError
from thampi.runtime import load, modules, process, serving, wire
from thampi.runtime.batch import Together
from thampi.runtime.logs import Logs
from thampi.runtime.loop import OneByOne

__all__ = ["main"]

HOST_TO_RUNTIME, RUNTIME_TO_HOST = 3, 4

_EXIT_FAILED = 70
_EXIT_PROTOCOL = 76


def main():
    """Runs until the host stops us or goes away. Never returns after a failure: the process ends."""
    process.die_with_parent()
    process.confine()
    process.say_where_it_hurts()
    incoming, outgoing = process.move(HOST_TO_RUNTIME), process.move(RUNTIME_TO_HOST)
    process.close_stdin()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the host's to handle
    connection = _converse(incoming, outgoing)
    if connection is not None:  # we were a zygote, and are its child now
        _converse(connection, connection)


def _converse(incoming, outgoing):
    """Does what the first message says, until `stop`; gives the child of a zygote its own connection."""
    frames = wire.FrameReader(incoming)
    try:
        received = frames.read()
        if received is None:
            os._exit(0)
        (kind, _, payload), *received = received
        if kind != wire.START:
            raise wire.WireError("the first message is not `start`")
        start = wire.read_json(payload)
        del payload
        if start.get("protocol") != wire.PROTOCOL:
            _fail(outgoing, _foreign(start.get("protocol")))
        if start.get("zygote"):
            from thampi.runtime import zygote  # sockets and all

            return zygote.run(start.get("imports") or (), received, frames, outgoing)
        _start(start, outgoing).run(received, frames)
    except wire.WireError as error:
        os.write(2, f"thampi: the host broke the protocol: {error}\n".encode())
        os._exit(_EXIT_PROTOCOL)
    except (BrokenPipeError, ConnectionResetError):
        os._exit(0)  # the host is gone
    return None


def _foreign(protocol):
    what = f"The host speaks protocol {protocol}, this runtime speaks {wire.PROTOCOL}."
    return ThampiError("INTERNAL", what, hint="use the same version of thampi on both sides.")


def _start(start, outgoing):
    """Loads the model as the host says and reports `ready`; or reports `failed` and ends the process."""
    began = time.monotonic()
    logs = Logs()
    logs.take_over(start.get("logLevel", "INFO"))
    try:
        answerer, context = serving.prepare(start)
    except ThampiError as error:
        logs.end()
        _fail(outgoing, error)
    logs.end()
    if start.get("wallMb"):
        process.raise_wall(start["wallMb"], serving.at_once(start))
    # What was loaded stays for good; the collector need not look at it again.
    gc.freeze()
    loop = _loop(start, answerer, logs, outgoing, context)
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
    """How this model gets its requests: together if it takes them so, else several at once or one by one."""
    batch = start.get("maxBatch") or 1
    if batch > 1 and answerer.ask.batches:
        return Together(answerer, *more, batch)
    if serving.at_once(start) > 1:
        from thampi.runtime.concurrent import Concurrently  # threads and all

        return Concurrently(answerer, *more, serving.at_once(start))
    return OneByOne(answerer, *more)


def _fail(outgoing, error):
    wire.write_all(outgoing, (wire.frame(wire.FAILED, 0, load.failure(error)),))
    os._exit(_EXIT_FAILED)
