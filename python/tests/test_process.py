"""What a sandbox may not do, whatever its model tries."""

import sys

import pytest
from conftest import REPLY, REQUEST
from test_sandbox import Runs, models_travel_by_value, result_of

__all__ = ["models_travel_by_value"]  # a fixture that counts here too

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these limits are those of Linux")


def limits(args, context):
    import resource

    def read(path):
        with open(path) as file:
            return file.read()

    privileges = [line for line in read("/proc/self/status").splitlines() if "NoNewPrivs" in line]
    return {
        "core": list(resource.getrlimit(resource.RLIMIT_CORE)),
        "oom": read("/proc/self/oom_score_adj").strip(),
        "privileges": privileges[0].split()[1],
    }


def test_it_leaves_no_core_dumps_gains_no_privileges_and_goes_first_when_memory_runs_out(sandbox, saved):
    host = sandbox(saved(Runs(limits)))
    host.ready()
    _, answer, _ = host.ask(b"{}")
    assert result_of(answer) == {"core": [0, 0], "oom": "500", "privileges": "1"}


def hoard(args, context):
    return len(bytearray(args * 2**20))


def test_behind_a_wall_an_allocation_that_is_too_big_fails_and_the_process_goes_on(sandbox, saved):
    host = sandbox(saved(Runs(hoard)), wallMb=200)
    host.ready()
    status, answer, _ = host.ask(b'{"data":50}')
    assert (status, result_of(answer)) == (200, 50 * 2**20)
    status, answer, extra = host.ask(b'{"data":400}')
    assert status == 500
    assert b"MemoryError" in answer
    assert not extra  # it need not be replaced
    assert host.ask(b'{"data":50}')[0] == 200


def test_without_a_wall_the_same_allocation_is_the_business_of_the_host(sandbox, saved):
    host = sandbox(saved(Runs(hoard)))
    host.ready()
    assert host.ask(b'{"data":400}')[0] == 200


def test_the_wall_leaves_room_for_the_threads_of_a_concurrent_model(sandbox, saved):
    host = sandbox(saved(Runs(hoard)), wallMb=200, maxConcurrency=16)
    host.ready()
    for number in range(1, 17):
        host.send(REQUEST, number, host.request_bytes(b'{"data":1}', f"r-{number}"))
    for _ in range(16):
        kind, _, payload = host.receive()
        assert (kind, result_of(payload[4:])) == (REPLY, 2**20)
