"""Bytes that nobody would send: whatever comes, the runtime answers or refuses in its own words.

Each run has a seed of its own; a failure names it, and `THAMPI_SEED=…` repeats that run.
"""

import json
import os
import random
import struct

import contract_models
import pytest
from conftest import HEAD, REPLY, REQUEST
from test_sandbox import models_travel_by_value

from thampi.runtime import body as bodies
from thampi.runtime import fast, wire
from thampi.runtime.body import read_object
from thampi.runtime.problem import Problem

__all__ = ["models_travel_by_value"]  # a fixture that counts here too

SEED = int(os.environ.get("THAMPI_SEED") or random.SystemRandom().getrandbits(32))


@pytest.fixture
def chance():
    return random.Random(SEED)


BODIES = [
    b'{"data": {"input": [5.9, 3.2, 5.0, 1.8]}}',
    b'{"data":"gr\xc3\xb6\xc3\x9fe \\ud83d\\ude42 \\"[{"}',
    b'{"id":7,"data":[[],[[]],{"a":{"b":null}},true,false,-1.5e-3,12345678901234567890]}',
    b'{"data":[' + b"[{" * 60 + b"}]" * 60 + b"]}",
    b'{"data":' + b"1" * 1100 + b"}",
    b' \r\n\t{"a/b":1,"a\\/b":2} ',
]
PIECES = [
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"0", b"-", b"e", b".", b" ", b"\n", b"\x00", b"\xff"),
    *(
        b'"data"',
        b'"d\\u0061ta"',
        b"NaN",
        b"-Infinity",
        b"null",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"[" * 120,
    ),
    *(b"9" * 400, b'\\"', b"\\\\", b"\\u0000", b"true", b"1e400", b'""'),
]


def garbled(chance, data):
    """A few cuts, copies and strange pieces somewhere in the bytes."""
    data = bytearray(data)
    for _ in range(chance.randint(0, 6)):
        at = chance.randint(0, len(data))
        to = min(len(data), at + chance.randint(0, 8))
        what = chance.random()
        if what < 0.3:
            data[at:at] = chance.choice(PIECES)
        elif what < 0.5:
            del data[at:to]
        elif what < 0.7:
            data[at:at] = data[at:to]
        elif what < 0.9:
            data[at:to] = chance.choice(PIECES)
        elif data:
            data[at % len(data)] ^= 1 << chance.randrange(8)
    return bytes(data)


def reading(body):
    try:
        return repr(read_object(body))
    except Problem as problem:
        return problem.code


def test_a_body_is_read_as_python_reads_it_or_refused_with_and_without_orjson(chance, monkeypatch):
    accepted = 0
    for _ in range(20_000):
        body = garbled(chance, chance.choice(BODIES))
        seen = reading(body)
        with monkeypatch.context() as without:
            without.setattr(fast, "orjson", None)
            assert reading(body) == seen, (SEED, body)
        if seen.startswith("{"):
            accepted += 1
            assert repr(json.loads(body)) == seen, (SEED, body)
    assert accepted > 1000


def depth_of(value):
    if not isinstance(value, (list, dict)):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth_of, inner), default=0)


def test_the_depth_that_the_bytes_tell_is_the_depth_of_the_value(chance):
    def value(levels):
        what = chance.random()
        if levels == 0 or what < 0.2:
            return chance.choice([1, "", '"]', "[{", "\\", '\\"[', "é]", None])
        inner = [value(levels - 1)] + [
            chance.choice([0, "]", [], {}, [[]]]) for _ in range(chance.randint(0, 3))
        ]
        chance.shuffle(inner)
        return inner if what < 0.6 else {f"k{at}]": one for at, one in enumerate(inner)}

    for _ in range(2000):
        made = value(12)
        text = json.dumps(made, ensure_ascii=chance.random() < 0.5).encode()
        depth = depth_of(made)
        assert not bodies._is_deeper(text, depth), (SEED, text)
        assert depth == 0 or bodies._is_deeper(text, depth - 1), (SEED, text)


STREAMS = [
    HEAD.pack(5, wire.PING, 7),
    HEAD.pack(5 + 12, REQUEST, 1)
    + struct.pack(">IBB", 1000, 0, 3)
    + b"r-1"
    + struct.pack(">H", 0)
    + b"{}"[:1],
    HEAD.pack(5 + 2, wire.START, 0) + b"{}",
    HEAD.pack(5, wire.STOP, 0),
]


def test_frames_are_whole_or_the_conversation_is_over(chance):
    """Never an error of another kind, and never more held than one frame may be long."""
    for _ in range(3000):
        data = b"".join(chance.choice(STREAMS) for _ in range(chance.randint(1, 5)))
        receiving, sending = os.pipe()
        os.write(sending, garbled(chance, data))
        os.close(sending)
        reader = wire.FrameReader(receiving)
        try:
            while (frames := reader.read()) is not None:
                for kind, number, payload in frames:
                    if kind == REQUEST:
                        wire.read_request(number, payload)
                    else:
                        wire.read_json(payload)
        except wire.WireError:
            pass
        except Exception as error:
            pytest.fail(f"seed {SEED}: {error!r} for {data!r}")
        finally:
            os.close(receiving)


def test_a_sandbox_whose_host_talks_nonsense_ends_and_says_so(chance, sandbox, saved):
    path = saved(contract_models.Echo())
    for _ in range(3):
        host = sandbox(path)
        host.ready()
        host.send_bytes(
            HEAD.pack(5 + 64, chance.randint(128, 255), 1) + chance.getrandbits(512).to_bytes(64, "big")
        )
        assert host.process.wait(20) == 76, SEED
        assert b"the host broke the protocol" in host.process.stderr.read()


def test_a_sandbox_answers_every_body_and_goes_on(chance, sandbox, saved):
    host = sandbox(saved(contract_models.Echo()))
    host.ready()
    for number in range(1, 500):
        host.send(REQUEST, number, host.request_bytes(garbled(chance, chance.choice(BODIES))))
        kind, answered, payload = host.receive()
        assert (kind, answered) == (REPLY, number), SEED
        assert struct.unpack_from(">H", payload)[0] in (200, 400), (SEED, payload)
