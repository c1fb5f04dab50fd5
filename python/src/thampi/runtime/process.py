"""What the runtime asks of the system for its process."""

import contextlib
import os
import signal
import sys

__all__ = [
    "close_stdin",
    "confine",
    "die_with_parent",
    "move",
    "raise_wall",
    "reseed",
    "say_where_it_hurts",
]

_SET_PARENT_DEATH_SIGNAL, _SET_NO_NEW_PRIVILEGES = 1, 38  # linux/prctl.h


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
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def confine():
    """Takes from this process, and from all that it starts, what no prediction needs: core dumps, which would
    hold requests; programs that change the user; and on Linux a place in memory at the cost of others."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has no limits
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return
    _prctl(_SET_NO_NEW_PRIVILEGES, 1)
    # When the machine runs out of memory, the kernel ends a model before it ends the host or a shell.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")


def say_where_it_hurts():
    """When the process crashes, or the host ends it because it takes too long (SIGABRT), the places of its
    threads in the program go to descriptor 2, which is the log. C writes them, whatever holds Python up."""
    import faulthandler

    faulthandler.enable(file=2)


def reseed():
    """Seeds the random generators that all of a process share, because this one is a copy of another. Those
    that programs make are seeded by them."""
    for name in ("random", "numpy.random"):
        generator = sys.modules.get(name)
        if generator is not None:
            generator.seed()


def raise_wall(memory_mb, threads=1):
    """From here on the process can grow to about `memory_mb` MB; what would take more fails with MemoryError.

    The kernel has no limit for resident memory, only for addresses, of which libraries reserve many more than
    they use. So what is reserved now stays allowed, and only growth is counted. Linux only; elsewhere nothing
    happens. Returns the limit in bytes, or None.
    """
    if sys.platform != "linux":
        return None
    import resource

    with open("/proc/self/statm") as file:
        size, resident = (int(field) * resource.getpagesize() for field in file.read().split()[:2])
    _, hardest = resource.getrlimit(resource.RLIMIT_AS)
    limit = size - resident + memory_mb * 2**20 + (threads - 1) * _THREAD_BYTES
    if hardest != resource.RLIM_INFINITY:
        limit = min(limit, hardest)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hardest))
    return limit


# What a thread reserves before it has used anything: glibc aligns an arena of 64 MB, and a stack has 8 MB.
_THREAD_BYTES = (2 * 64 + 8) * 2**20


def _prctl(option, value):
    import ctypes

    # The kernel compares all of the unused words with zero.
    words = [ctypes.c_ulong(word) for word in (value, 0, 0, 0)]
    ctypes.CDLL(None).prctl(ctypes.c_int(option), *words)
