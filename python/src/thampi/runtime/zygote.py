"""The zygote: a process that has imported what models need, and forks sandboxes in milliseconds."""

import contextlib
import gc
import importlib
import os
import platform
import select
import signal
import socket
import sys
import threading
import time
import traceback
import warnings

import thampi
from thampi.runtime import modules, wire
from thampi.runtime.process import die_with_parent, move, reseed

__all__ = ["run"]

_EXIT_STILLBORN = 71


def run(imports, received, frames, outgoing):
    """Imports, says `ready`, then forks whenever the host says so.

    Returns in the children only: the descriptor of the child's own wire, for both directions.
    """
    began = time.monotonic()
    _import(imports)
    zygote = _Zygote(frames, outgoing)
    ready = _ready(zygote, began)
    # A collection in a child would write into pages that all of them share.
    gc.collect()
    gc.freeze()
    wire.write_all(outgoing, (ready,))
    return zygote.obey(received)


def _ready(zygote, began):
    """The frame, of which only the bytes stay: a child lets go of all else that is in our hands here, and a
    thousand names of modules lie in as many pages of memory, which it would have to copy."""
    ready = {
        "protocol": wire.PROTOCOL,
        "runtime": "python",
        "version": thampi.__version__,
        "language": platform.python_version(),
        "credits": 0,
        "batch": 0,
        "modules": modules.of_libraries(),
        "fork": zygote.obstacle() is None,
        "loadMs": round((time.monotonic() - began) * 1000),
    }
    return wire.frame(wire.READY, 0, ready)


def _import(names):
    for name in names:
        # Whatever fails here fails again in the sandbox that really needs it, which then says so.
        with contextlib.suppress(BaseException):
            importlib.import_module(name)


class _Zygote:
    def __init__(self, frames, outgoing):
        self._frames = frames
        self._outgoing = outgoing
        self._pid = os.getpid()
        self._children = set()
        # The end of a child is a signal; Python turns it into a byte that `poll` can wait for.
        self._signals, self._signalled = os.pipe()
        os.set_blocking(self._signals, False)
        os.set_blocking(self._signalled, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._signalled, warn_on_full_buffer=False)
        self._poll = select.poll()
        self._poll.register(self._signals, select.POLLIN)
        self._poll.register(frames, select.POLLIN)

    def say(self, kind, number, message=None):
        wire.write_all(self._outgoing, (wire.frame(kind, number, message),))

    def obey(self, received):
        """Forks until the host stops us or goes away; returns in the children only, with their wire."""
        while received is not None:
            for kind, number, payload in received:
                if kind == wire.FORK:
                    connection = self._fork(number, _order(payload))
                    if connection is not None:
                        return connection
                elif kind == wire.PING:
                    self.say(wire.PONG, number)
                elif kind == wire.STOP:
                    received = None
                    break
                else:
                    raise wire.WireError(f"no message to a zygote has type {kind}")
            else:
                received = self._next()
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        os._exit(0)

    def obstacle(self):
        """Why forking would not be safe, or None."""
        others = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
        return f"a library has started the thread {others[0]!r}" if others else None

    def _next(self):
        while True:
            ready = {descriptor for descriptor, _ in self._poll.poll()}
            if self._signals in ready:
                os.read(self._signals, 4096)
                self._bury()
            if self._frames.fileno() in ready:
                return self._frames.read()

    def _bury(self):
        for pid in list(self._children):
            ended, how = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._children.discard(pid)
                status = os.WEXITSTATUS(how) if os.WIFEXITED(how) else None
                number = os.WTERMSIG(how) if os.WIFSIGNALED(how) else None
                self.say(wire.EXITED, 0, {"pid": pid, "status": status, "signal": number})

    def _fork(self, number, order):
        """None in the zygote, which has told the host what became of it; in the child its wire."""
        obstacle = self.obstacle()
        if obstacle:
            self.say(wire.FORKED, number, {"error": obstacle})
            return None
        # What is left in a buffer here would be printed by every child once more.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        try:
            listener = _listen(order["listen"])
        except OSError as error:
            self.say(wire.FORKED, number, {"error": f"listen: {error.strerror or error}"})
            return None
        try:
            with warnings.catch_warnings():
                # Threads of BLAS libraries count for Python's warning; they know how to survive a fork.
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = os.fork()
        except OSError as error:
            listener.close()
            self.say(wire.FORKED, number, {"error": f"fork: {error.strerror}"})
            return None
        if pid == 0:
            try:
                return self._begin(order, listener)
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
                os._exit(_EXIT_STILLBORN)
        listener.close()
        self._children.add(pid)
        self.say(wire.FORKED, number, {"pid": pid})
        return None

    def _begin(self, order, listener):
        """Makes this process, a fresh child, a sandbox like any other; gives its wire."""
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        die_with_parent()
        if os.getppid() != self._pid:
            os._exit(0)  # it was gone before the kernel knew
        for descriptor in (self._signals, self._signalled, self._frames.fileno(), self._outgoing):
            os.close(descriptor)
        os.environ.clear()  # through C's environment as well
        os.environ.update(order["env"])
        time.tzset()
        os.chdir(order["cwd"])
        reseed()
        connection = move(_accept(order, listener))
        for role, descriptor in (("stdout", 1), ("stderr", 2)):
            stream = _connect(order, role)
            os.dup2(stream, descriptor)
            os.close(stream)
        return connection


def _order(payload):
    order = wire.read_json(payload)
    if any(type(order.get(name)) is not str for name in ("socket", "listen", "token", "cwd")):
        raise wire.WireError("a fork lacks socket, listen, token or cwd")
    if type(order.get("env")) is not dict:
        raise wire.WireError("a fork lacks env")
    return order


def _listen(path):
    """Before the fork, so that the host finds it there when it hears of the child."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # of a child that died before anybody had connected
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(1)
    return listener


def _accept(order, listener):
    stream, _ = listener.accept()
    listener.close()
    os.unlink(order["listen"])
    return stream.detach()


def _connect(order, role):
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.connect(order["socket"])
    stream.sendall(f"{order['token']} {role}\n".encode("ascii"))
    return stream.detach()
