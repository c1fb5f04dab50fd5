"""What the tests share: a runtime layer as it travels, and a host that speaks with a real sandbox."""

import itertools
import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import thampi
from thampi.runtime.load import digest

PACKAGE = Path(thampi.__file__).parent
HEAD = struct.Struct(">IBI")
START, REQUEST, STOP, PING, READY, FAILED, REPLY, PONG = 1, 2, 3, 4, 65, 66, 67, 68
SERVED = "2018-09-06T22:03:09.247038"


@pytest.fixture(scope="session")
def layer(tmp_path_factory):
    """A runtime layer as a bundle carries it: the package, and the file that starts it."""
    root = tmp_path_factory.mktemp("layer")
    ignore = shutil.ignore_patterns("__pycache__", "_js")
    shutil.copytree(PACKAGE, root / "thampi", ignore=ignore)
    shutil.copy(PACKAGE / "runtime" / "bootstrap.py", root / "__main__.py")
    return root


@pytest.fixture
def sandbox(layer, request):
    """Starts sandboxes: `sandbox(model_dir, **members of start)`; all end with the test."""
    started = []

    def start(model_dir, **more):
        host = Host(layer, model_dir, **more)
        started.append(host)
        return host

    yield start
    for host in started:
        host.close()


@pytest.fixture
def saved(tmp_path):
    """Saves a model: `saved(model, **arguments of save)`, by value, as a training script does."""

    def save(model, name="mymodel", **more):
        return thampi.save(model, name, tmp_path / "models", **more).path

    return save


def spawn(layer, python=sys.executable, env=None, cwd=None):
    """(process, descriptor to read from, descriptor to write to) of a runtime that waits for `start`."""
    to_read, write = os.pipe()
    read, to_write = os.pipe()

    def move():
        # Through high numbers, because the pipes may have come as 3 and 4 the wrong way round.
        a, b = os.dup(to_read), os.dup(to_write)
        while b < 5 or a < 5:
            a, b = os.dup(a), os.dup(b)
        os.dup2(a, 3)
        os.dup2(b, 4)

    process = subprocess.Popen(
        [python, str(layer)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        close_fds=False,
        preexec_fn=move,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | (env or {}),
        cwd=cwd,
    )
    os.close(to_read)
    os.close(to_write)
    return process, read, write


def start_of(model_dir, more):
    """What `start` says about a saved model."""
    return {
        "protocol": 1,
        "modelDir": str(model_dir),
        "codeDir": None,
        "digests": {
            name: digest((Path(model_dir) / name).read_bytes())
            for name in ("model.pkl", "thampi.json")
            if (Path(model_dir) / name).exists()
        },
        "servedTimeUtc": SERVED,
        "stage": "staging",
        "model": "mymodel",
        "version": 7,
        "errors": "full",
        "logLevel": "INFO",
        "maxResultBytes": 6291456,
        **more,
    }


class Talk:
    """The other end of a wire, as simple as it can be."""

    def __init__(self, read, write):
        self._read = read
        self._write = write
        self._ids = itertools.count(1)

    def send(self, kind, number=0, payload=b""):
        data = HEAD.pack(5 + len(payload), kind, number) + payload
        while data:
            data = data[os.write(self._write, data) :]

    def send_bytes(self, data):
        while data:
            data = data[os.write(self._write, data) :]

    def receive(self):
        """(type, id, payload), or None when the sandbox has closed its end."""
        head = self._exactly(HEAD.size)
        if head is None:
            return None
        length, kind, number = HEAD.unpack(head)
        return kind, number, self._exactly(length - 5)

    def ready(self):
        kind, _, payload = self.receive()
        assert kind == READY, payload
        return json.loads(payload)

    def request_bytes(self, body, request_id="r-1", pretty=False, remaining_ms=20_000, extra=b""):
        name = request_id.encode()
        head = struct.pack(">IBB", remaining_ms, int(pretty), len(name))
        return head + name + struct.pack(">H", len(extra)) + extra + body

    def ask(self, body, **more):
        """(status, body, extra) of the answer to a request."""
        number = next(self._ids)
        self.send(REQUEST, number, self.request_bytes(body, **more))
        kind, answered, payload = self.receive()
        assert (kind, answered) == (REPLY, number)
        status, m = struct.unpack_from(">HH", payload)
        return status, payload[4 + m :], json.loads(payload[4 : 4 + m] or "null")

    def ask_together(self, bodies, pretty=False):
        """The same for requests that arrive in one piece, `r-0`, `r-1` and so on."""
        numbers = [next(self._ids) for _ in bodies]
        payloads = [self.request_bytes(body, f"r-{at}", pretty) for at, body in enumerate(bodies)]
        frames = (
            HEAD.pack(5 + len(payload), REQUEST, number) + payload
            for number, payload in zip(numbers, payloads)
        )
        self.send_bytes(b"".join(frames))
        answers = {}
        for _ in bodies:
            kind, number, payload = self.receive()
            assert kind == REPLY and number not in answers
            status, m = struct.unpack_from(">HH", payload)
            answers[number] = status, payload[4 + m :], json.loads(payload[4 : 4 + m] or "null")
        return [answers[number] for number in numbers]

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            chunk = os.read(self._read, size - len(data))
            if not chunk:
                return None
            data += chunk
        return data


class Host(Talk):
    """A sandbox in a process of its own."""

    def __init__(self, layer, model_dir, python=sys.executable, env=None, cwd=None, **more):
        self.process, read, write = spawn(layer, python, env, cwd or model_dir)
        super().__init__(read, write)
        self.start = start_of(model_dir, more)
        self.send(START, 0, json.dumps(self.start).encode())

    def failed(self):
        kind, _, payload = self.receive()
        assert kind == FAILED, payload
        assert self.process.wait(20) == 70
        return json.loads(payload)

    def stop(self):
        """Asks the sandbox to stop; its exit status and the lines it printed as (request id, level, text)."""
        self.send(STOP)
        return self.process.wait(20), self.lines()

    def lines(self):
        out = self.process.stdout.read().decode()
        return [tuple(line.split("\x1f")[1:]) if line[:1] == "\x1f" else line for line in out.splitlines()]

    def hang_up(self):
        os.close(self._write)
        self._write = None

    def close(self):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()
        for descriptor in (self._write, self._read):
            if descriptor is not None:
                os.close(descriptor)
