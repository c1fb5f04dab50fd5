"""What the runtime asks of the system for its process."""

import os
import signal
import sys

__all__ = ["close_stdin", "die_with_parent", "move"]


def move(descriptor):
    """Moves a descriptor of ours to a high number, out of the way of a model that counts descriptors."""
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


def close_stdin():
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def die_with_parent():
    """On Linux the kernel ends us with the process that started us, even while a model computes; elsewhere
    the end of the stream does, between two requests."""
    if sys.platform != "linux":
        return
    import ctypes

    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
