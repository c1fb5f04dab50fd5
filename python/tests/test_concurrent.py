"""A model that answers several requests at once, as its host sees it."""

import json
import os
import sys
import threading
import time

import cloudpickle
import pytest
from conftest import PING, PONG, REPLY, REQUEST, STOP

import thampi


@pytest.fixture(autouse=True)
def models_travel_by_value():
    this = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(this)
    yield
    cloudpickle.unregister_pickle_by_value(this)


class Meets(thampi.Model):
    """Answers only when as many requests are under way as it is told, so it hangs unless they run at once."""

    def initialize(self, context):
        self.barriers = {count: threading.Barrier(count, timeout=20) for count in (2, 4, 8)}

    def predict(self, args, context):
        print("before", args["name"])
        print("unfinished", args["name"], end="")
        self.barriers[args["count"]].wait()
        print()
        context.logger.warning("after %s", args["name"])
        print("left open", args["name"], end="")
        return args["name"]


class MeetsAsync(thampi.Model):
    async def initialize(self, context):
        import asyncio

        self.loop = asyncio.get_running_loop()
        self.arrived = 0
        self.all = asyncio.Event()

    async def predict(self, args, context):
        import asyncio

        assert asyncio.get_running_loop() is self.loop
        print("before", args["name"])
        self.arrived += 1
        if self.arrived == args["count"]:
            self.all.set()
        await asyncio.wait_for(self.all.wait(), 20)
        context.logger.warning("after %s", args["name"])
        if args["name"] == "exits":
            sys.exit(3)
        return args["name"]


class Runs(thampi.Model):
    def __init__(self, predict):
        self.do = predict

    def predict(self, args, context):
        return self.do(args, context)


def body(data):
    return json.dumps({"data": data}).encode()


def results(answers):
    return [json.loads(answer).get("result") for _, answer, _ in answers]


def test_requests_run_at_once_and_what_they_print_is_their_own(sandbox, saved):
    host = sandbox(saved(Meets()), maxConcurrency=4)
    ready = host.ready()
    assert (ready["credits"], ready["batch"]) == (4, 0)
    assert results(host.ask_together([body({"name": n, "count": 4}) for n in range(4)])) == [0, 1, 2, 3]
    status, lines = host.stop()
    assert status == 0
    for number in range(4):
        assert [line[1:] for line in lines if line[0] == f"r-{number}"] == [
            ("stdout", f"before {number}"),
            ("stdout", f"unfinished {number}"),
            ("WARNING", f"after {number}"),
            ("stdout", f"left open {number}"),
        ]
    assert len(lines) == 16


def test_coroutines_share_one_loop_and_what_they_print_is_their_own(sandbox, saved):
    host = sandbox(saved(MeetsAsync()), maxConcurrency=8)
    host.ready()
    assert results(host.ask_together([body({"name": n, "count": 8}) for n in range(8)])) == list(range(8))
    lines = host.stop()[1]
    for number in range(8):
        own = [line[1:] for line in lines if line[0] == f"r-{number}"]
        assert own == [("stdout", f"before {number}"), ("WARNING", f"after {number}")]


def test_sys_exit_in_a_coroutine_costs_nobody_else_an_answer(sandbox, saved):
    host = sandbox(saved(MeetsAsync()), maxConcurrency=3)
    host.ready()
    answers = host.ask_together([body({"name": name, "count": 3}) for name in ("a", "exits", "b")])
    assert results(answers) == ["a", None, "b"]
    assert [extra for _, _, extra in answers] == [None, {"retire": True}, None]
    assert results([host.ask(body({"name": "c", "count": 3}))]) == ["c"]


def test_a_quick_request_does_not_wait_for_a_slow_one_nor_does_a_ping(sandbox, saved, tmp_path):
    gate = str(tmp_path / "gate")

    def predict(args, context):
        while args and not os.path.exists(gate):
            time.sleep(0.01)
        return args

    host = sandbox(saved(Runs(predict)), maxConcurrency=2)
    host.ready()
    host.send(REQUEST, 1, host.request_bytes(body("slow")))
    host.send(REQUEST, 2, host.request_bytes(body("")))
    assert host.receive()[:2] == (REPLY, 2)
    host.send(PING, 3)
    assert host.receive() == (PONG, 3, b"")
    host.send(STOP)
    open(gate, "w").close()
    assert host.receive()[:2] == (REPLY, 1)
    assert host.process.wait(20) == 0


def test_big_answers_do_not_mix(sandbox, saved):
    host = sandbox(saved(Runs(lambda args, context: args * 500_000)), maxConcurrency=4)
    host.ready()
    answered = results(host.ask_together([body(letter) for letter in "abcdefgh"]))
    assert answered == [letter * 500_000 for letter in "abcdefgh"]


def test_the_end_of_the_stream_ends_it_while_threads_work(sandbox, saved):
    host = sandbox(saved(Runs(lambda args, context: time.sleep(60))), maxConcurrency=2)
    host.ready()
    host.send(REQUEST, 1, host.request_bytes(b"{}"))
    host.hang_up()
    assert host.process.wait(10) == 0


def test_batches_come_first_where_the_model_takes_them(sandbox, saved):
    class Both(thampi.Model):
        async def predict_batch(self, batch, context):
            print("together")
            return [len(batch)] * len(batch)

    host = sandbox(saved(Both()), maxConcurrency=8, maxBatch=16)
    ready = host.ready()
    assert (ready["credits"], ready["batch"]) == (16, 16)
    assert results(host.ask_together([body(1)] * 3)) == [3, 3, 3]
    assert host.stop()[1] == [("", "stdout", "together")]


def test_random_requests_are_answered_as_they_are_one_by_one(sandbox, saved):
    def predict(args, context):
        if args == 3:
            raise ValueError("no threes")
        return [context.request_id, args]

    path = saved(Runs(predict))
    at_once, alone = sandbox(path, maxConcurrency=4), sandbox(path)
    at_once.ready()
    alone.ready()
    bodies = [body(n % 7) for n in range(60)] + [b"{", b"[]", b""]
    expected = [alone.ask(one, request_id=f"r-{at}") for at, one in enumerate(bodies)]
    assert at_once.ask_together(bodies) == expected
