"""The model under fault: gives its nonce back, says which version it is, keeps a journal of its executions.

    python model.py TAG DIRECTORY

saves it with the real SDK. What a request asks for:

    {"nonce": "7-12", "do": "sleep", "ms": 10}      do: answer, sleep, spin, die, hang, eat (mb), flood (mb)
"""

import os
import signal
import sys
import time

import thampi


class Probe(thampi.Model):
    def __init__(self, tag):
        self.tag = tag

    def initialize(self, context):
        self._note("loaded")

    def predict(self, args, context):
        if not isinstance(args, dict):
            return {"tag": self.tag, "pid": os.getpid()}
        self._note(f"ran {args.get('nonce')}")
        act, amount = args.get("do"), args.get("ms")
        if act == "sleep":
            time.sleep(amount / 1000)
        elif act == "spin":
            end = time.monotonic() + amount / 1000
            while time.monotonic() < end:
                pass
        elif act == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif act == "hang":
            time.sleep(3600)
        elif act == "eat":
            self.eaten = bytearray(args["mb"] << 20)
            time.sleep(3600)
        elif act == "flood":
            for _ in range(args["mb"] * 1024):
                print("x" * 1023)
        return {"nonce": args.get("nonce"), "tag": self.tag, "pid": os.getpid()}

    def _note(self, what):
        """One line in one write: lines of several processes do not mix."""
        path = os.environ.get("JOURNAL")
        if path is None:
            return
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, f"{what} {os.getpid()}\n".encode())
        os.close(descriptor)


if __name__ == "__main__":
    tag, directory = sys.argv[1:]
    thampi.save(Probe(tag), "probe", directory, tags={"tag": tag})
