"""contract/wire.json and contract/answers.json hold for this runtime, through a real sandbox."""

import base64
import json
import struct
from pathlib import Path

import contract_models
import pytest

from thampi.runtime import wire

CONTRACT = Path(__file__).parents[2] / "contract"
FRAMES = json.loads((CONTRACT / "wire.json").read_text("utf-8"))
ANSWERS = json.loads((CONTRACT / "answers.json").read_text("utf-8"))
TYPES = {
    **{"start": wire.START, "request": wire.REQUEST, "stop": wire.STOP, "ping": wire.PING},
    **{"ready": wire.READY, "failed": wire.FAILED, "reply": wire.REPLY, "pong": wire.PONG},
    **{"fork": wire.FORK, "forked": wire.FORKED, "exited": wire.EXITED},
}


def body_of(case):
    if "bodyBase64" in case:
        return base64.b64decode(case["bodyBase64"])
    if "bodyRepeat" in case:
        return "".join(
            part if isinstance(part, str) else part[0] * part[1] for part in case["bodyRepeat"]
        ).encode()
    return case["body"].encode()


@pytest.mark.parametrize("case", FRAMES, ids=lambda case: case["name"])
def test_a_message_has_exactly_these_bytes(case, tmp_path):
    data = bytes.fromhex(case["hex"])
    file = tmp_path / "frames"
    file.write_bytes(data)
    with file.open("rb") as stream:
        reader = wire.FrameReader(stream.fileno())
        [(kind, number, payload)] = reader.read()
        assert reader.read() is None
    assert (kind, number) == (TYPES[case["type"]], case["id"])
    if case["type"] == "request":
        request = wire.read_request(number, payload)
        assert request.request_id == case["requestId"]
        assert (request.remaining_ms, request.pretty) == (case["remainingMs"], case["pretty"])
        assert request.extra == case.get("extra")
        assert bytes(request.body) == body_of(case)
    elif case["type"] == "reply":
        assert b"".join(wire.reply(number, case["status"], body_of(case), case.get("extra"))) == data
    else:
        message = case.get(case["type"])
        assert wire.frame(kind, number, message) == data
        if message is not None:
            assert wire.read_json(payload) == message


def test_frames_are_whole_however_they_arrive(tmp_path):
    """One byte at a time, and all at once: the same messages."""
    frames = [bytes.fromhex(case["hex"]) for case in FRAMES]
    file = tmp_path / "frames"
    file.write_bytes(b"".join(frames))
    with file.open("rb") as stream:
        together = wire.FrameReader(stream.fileno()).read()
        assert len(together) == len(frames)

    import os
    import threading

    receiving, sending = os.pipe()
    writer = threading.Thread(
        target=lambda: ([os.write(sending, bytes([byte])) for byte in b"".join(frames)], os.close(sending))
    )
    writer.start()
    reader, single = wire.FrameReader(receiving), []
    while (some := reader.read()) is not None:
        single += [(kind, number, bytes(payload)) for kind, number, payload in some]
    writer.join()
    os.close(receiving)
    assert single == [(kind, number, bytes(payload)) for kind, number, payload in together]


@pytest.mark.parametrize(
    "data", [struct.pack(">IBI", 4, 1, 0), struct.pack(">IBI", 2**32 - 1, 1, 0), struct.pack(">IBI", 0, 0, 0)]
)
def test_a_length_that_no_frame_has_ends_the_conversation(data, tmp_path):
    file = tmp_path / "frames"
    file.write_bytes(data)
    with file.open("rb") as stream, pytest.raises(wire.WireError):
        wire.FrameReader(stream.fileno()).read()


@pytest.fixture(scope="module")
def saved_once(tmp_path_factory):
    """The directories of the models, each saved when it is first asked for."""
    import cloudpickle

    import thampi

    paths = {}
    times = {key: ANSWERS["properties"][key] for key in ("instance_id", "trained_time_utc")}

    def save(model):
        if model not in paths:
            # By value, as from a training script, because the sandbox cannot see the tests.
            cloudpickle.register_pickle_by_value(contract_models)
            place = tmp_path_factory.mktemp("models")
            paths[model] = thampi.save(getattr(contract_models, model)(), model, place, **times).path
            cloudpickle.unregister_pickle_by_value(contract_models)
        return paths[model]

    return save


@pytest.fixture(scope="module", params=["with orjson", "without orjson"])
def asked(request, layer, saved_once, tmp_path_factory):
    """Asks a model; each has one sandbox, which answers all its cases and is replaced when it wants to be."""
    from conftest import Host

    environment = {}
    if request.param == "without orjson":
        nowhere = tmp_path_factory.mktemp("nowhere")
        (nowhere / "orjson.py").write_text("raise ImportError\n")
        environment = {"PYTHONPATH": str(nowhere)}
    hosts = {}

    def ask(model, body, pretty):
        if model not in hosts:
            served = ANSWERS["properties"]["served_time_utc"]
            hosts[model] = Host(layer, saved_once(model), env=environment, servedTimeUtc=served)
            hosts[model].ready()
        status, answer, extra = hosts[model].ask(body, pretty=pretty)
        if extra and extra.get("retire"):
            hosts.pop(model).close()
        return status, answer

    yield ask
    for host in hosts.values():
        host.close()


@pytest.mark.parametrize("case", ANSWERS["cases"], ids=lambda case: case["name"])
def test_a_body_has_exactly_this_answer(case, asked):
    status, answer = asked(case["model"], body_of(case), case.get("pretty", False))
    assert status == case["status"], answer
    if "response" in case:
        assert answer.decode() == case["response"]
    else:
        assert answer.endswith(b"}\n")
        problem = json.loads(answer)
        assert_holds(problem, case["problem"])
        assert problem["instance"] == "urn:thampi:request:r-1"
        assert (problem["model"], problem["stage"], problem["version"]) == ("mymodel", "staging", 7)


def assert_holds(found, wanted):
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            assert key in found, key
            assert_holds(found[key], value)
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted):
            assert_holds(one, other)
    else:
        assert found == wanted
