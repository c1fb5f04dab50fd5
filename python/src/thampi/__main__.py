"""The command `thampi` as pip installs it: finds Node and becomes the command line."""

import os
import subprocess
import sys

from thampi import node
from thampi.errors import ThampiError

__all__ = ["main"]


def main():
    """Runs `thampi …` with this process's arguments; its exit status is the command line's."""
    try:
        arguments = [*node.command(), *sys.argv[1:]]
    except ThampiError as error:
        print(error, file=sys.stderr)
        return 8
    if os.name == "posix":
        # Becoming Node, instead of starting it: signals, terminal and exit status are its own.
        os.execve(arguments[0], arguments, node.environment())
    try:
        return subprocess.call(arguments, env=node.environment())
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
