"""Requests that wait together are answered together, and nobody can tell."""

import json
import random
import sys

import cloudpickle
import pytest

import thampi


@pytest.fixture(autouse=True)
def models_travel_by_value():
    this = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(this)
    yield
    cloudpickle.unregister_pickle_by_value(this)


class Batched(thampi.Model):
    """Does what functions say; says how many it was asked for."""

    def __init__(self, together, alone=None):
        self.together = together
        if alone:
            self.predict = alone

    def predict_batch(self, batch, context):
        return self.together(batch, context)


def body(data):
    return json.dumps({"data": data}).encode()


def results(answers):
    return [json.loads(answer)["result"] for _, answer, _ in answers]


def problems(answers):
    return [json.loads(answer) if status >= 400 else None for status, answer, _ in answers]


def sizes(batch, context):
    return [[len(batch), args] for args in batch]


def test_ready_says_how_many_it_takes(sandbox, saved):
    ready = sandbox(saved(Batched(sizes)), maxBatch=64).ready()
    assert (ready["batch"], ready["credits"]) == (64, 64)
    ready = sandbox(saved(Batched(sizes)), maxBatch=1).ready()
    assert (ready["batch"], ready["credits"]) == (0, 2)


def test_a_model_without_predict_batch_is_asked_one_by_one(sandbox, saved):
    class Plain(thampi.Model):
        def predict(self, args, context):
            return args

    host = sandbox(saved(Plain()), maxBatch=64)
    assert host.ready()["batch"] == 0
    assert results(host.ask_together([body(n) for n in range(5)])) == list(range(5))


def test_what_has_arrived_is_handed_over_in_one_call(sandbox, saved):
    host = sandbox(saved(Batched(sizes)), maxBatch=64)
    host.ready()
    assert results(host.ask_together([body(n) for n in range(10)])) == [[10, n] for n in range(10)]


def test_no_batch_is_longer_than_allowed(sandbox, saved):
    host = sandbox(saved(Batched(sizes)), maxBatch=4)
    host.ready()
    answered = results(host.ask_together([body(n) for n in range(10)]))
    assert answered == [[4, n] for n in range(8)] + [[2, 8], [2, 9]]


def test_big_bodies_are_one_batch_as_well(sandbox, saved):
    host = sandbox(
        saved(Batched(lambda batch, context: [[len(batch), len(args)] for args in batch])), maxBatch=8
    )
    host.ready()
    import threading

    # The pipe holds a part of them only; somebody has to read while we write.
    answers = []
    asking = threading.Thread(target=lambda: answers.extend(host.ask_together([body("x" * 100_000)] * 8)))
    asking.start()
    asking.join(30)
    assert results(answers) == [[8, 100_000]] * 8


def test_big_answers_come_through(sandbox, saved):
    host = sandbox(saved(Batched(lambda batch, context: [args * 300_000 for args in batch])), maxBatch=8)
    host.ready()
    answered = results(host.ask_together([body(letter) for letter in "abcdefgh"]))
    assert [(text[0], len(text)) for text in answered] == [(letter, 300_000) for letter in "abcdefgh"]


def test_a_bad_body_never_reaches_the_model(sandbox, saved):
    host = sandbox(saved(Batched(sizes)), maxBatch=8)
    host.ready()
    answers = host.ask_together([body(0), b"{", body(1), b"[]", b"\xff", body(2)])
    assert [status for status, _, _ in answers] == [200, 400, 200, 400, 400, 200]
    assert results([answers[0], answers[2], answers[5]]) == [[3, 0], [3, 1], [3, 2]]
    found = problems(answers)
    assert [problem and problem["instance"] for problem in found][1] == "urn:thampi:request:r-1"
    answers = host.ask_together([b"{", body(1)])
    assert results(answers[1:]) == [[1, 1]]


def test_results_that_cannot_be_told_apart_are_nobodys(sandbox, saved):
    def together(batch, context):
        import numpy

        return {
            "too few": batch[1:],
            "too many": [*batch, 1],
            "a dict": dict.fromkeys(batch),
            "a generator": (args for args in batch),
            "a text": "abc",
            "nothing": None,
            "an array without length": numpy.array(3),
        }[batch[0]]

    host = sandbox(saved(Batched(together)), maxBatch=8)
    host.ready()
    for kind in (
        "too few",
        "too many",
        "a dict",
        "a generator",
        "a text",
        "nothing",
        "an array without length",
    ):
        for answers in (host.ask_together([body(kind)] * 4), host.ask_together([body(kind)])):
            for problem in problems(answers):
                assert (problem["code"], problem["status"], problem["executed"]) == (
                    "batch-shape",
                    500,
                    "yes",
                )
                assert "predict_batch returned" in problem["detail"]
    lines = host.stop()[1]
    assert len(lines) == 7 * 5
    assert all(level == "ERROR" and "predict_batch returned" in text for _, level, text in lines)


def test_tuples_and_arrays_are_lists(sandbox, saved):
    def together(batch, context):
        import numpy

        numbers = [args[1] for args in batch]
        return {
            "tuple": tuple(numbers),
            "array": numpy.array(numbers),
            "small numbers": numpy.array(numbers, dtype="int8"),
        }[batch[0][0]]

    host = sandbox(saved(Batched(together)), maxBatch=8)
    host.ready()
    for kind in ("tuple", "array", "small numbers"):
        assert results(host.ask_together([body([kind, n]) for n in range(3)])) == [0, 1, 2]


def test_rows_of_an_array_are_results_and_a_missing_number_is_told_where_it_is(sandbox, saved):
    def together(batch, context):
        import numpy

        return numpy.array([[args, numpy.nan] for args in batch])

    host = sandbox(saved(Batched(together)), maxBatch=8)
    host.ready()
    assert results(host.ask_together([body(n) for n in range(2)])) == [[0.0, None], [1.0, None]]
    assert [(name, level) for name, level, _ in host.stop()[1]] == [("r-0", "WARNING"), ("r-1", "WARNING")]


def test_an_exception_in_the_place_of_a_result_is_that_callers_alone(sandbox, saved):
    def together(batch, context):
        return [batch[0], thampi.ItemError("no luck"), thampi.BadInput("too hot", "/data"), ValueError("odd")]

    host = sandbox(saved(Batched(together)), maxBatch=8)
    host.ready()
    answers = host.ask_together([body(n) for n in range(4)])
    assert [status for status, _, _ in answers] == [200, 500, 422, 500]
    _, item, bad, odd = problems(answers)
    assert (item["code"], item["detail"]) == ("model-error", "no luck")
    assert (bad["code"], bad["errors"][0]["pointer"]) == ("model-rejected-input", "/data")
    assert odd["detail"] == "ValueError: odd"
    lines = host.stop()[1]
    assert ("r-1", "ERROR", "no luck") in lines
    assert ("r-3", "ERROR", "ValueError: odd") in lines


def test_terse_hides_an_item_error_as_well(sandbox, saved):
    host = sandbox(saved(Batched(lambda batch, context: [thampi.ItemError("secret")])), errors="terse")
    host.ready()
    assert b"secret" not in host.ask(b"{}")[1]
    assert ("r-1", "ERROR", "secret") in host.stop()[1]


def refuses_three(batch, context):
    if 3 in batch:
        raise ValueError("no threes")
    return [[len(batch), args] for args in batch]


def test_one_bad_input_does_not_spoil_its_neighbours(sandbox, saved):
    host = sandbox(saved(Batched(refuses_three)), maxBatch=8)
    host.ready()
    answers = host.ask_together([body(n) for n in range(5)])
    assert [status for status, _, _ in answers] == [200, 200, 200, 500, 200]
    assert results(answers[4:]) == [[1, 4]]
    lines = host.stop()[1]
    assert {name for name, level, _ in lines if level == "ERROR"} == {"r-3"}


def test_after_a_failed_batch_predict_is_asked_where_there_is_one(sandbox, saved):
    host = sandbox(saved(Batched(refuses_three, lambda args, context: ["alone", args])), maxBatch=8)
    host.ready()
    assert results(host.ask_together([body(3), body(4)])) == [["alone", 3], ["alone", 4]]
    lines = host.stop()[1]
    assert lines[0][:2] == ("", "WARNING")  # nobody noticed, so the log has to say it
    assert "of which each alone is fine: ValueError in test_batch.py" in lines[0][2]


def test_inputs_that_a_failed_batch_has_changed_are_read_again(sandbox, saved):
    def together(batch, context):
        for args in batch:
            args.append("changed")
        if len(batch) > 1:
            raise ValueError
        return batch

    host = sandbox(saved(Batched(together)), maxBatch=8)
    host.ready()
    assert results(host.ask_together([body([n]) for n in range(2)])) == [[0, "changed"], [1, "changed"]]


def test_sys_exit_in_a_batch_costs_nobody_else_an_answer(sandbox, saved):
    def together(batch, context):
        if 1 in batch:
            sys.exit(7)
        return batch

    host = sandbox(saved(Batched(together)), maxBatch=8)
    host.ready()
    answers = host.ask_together([body(n) for n in range(3)])
    assert [status for status, _, _ in answers] == [200, 500, 200]
    assert [extra for _, _, extra in answers] == [None, None, {"retire": True}]


def test_a_coroutine_is_awaited(sandbox, saved):
    async def together(batch, context):
        import asyncio

        await asyncio.sleep(0)
        return sizes(batch, context)

    host = sandbox(saved(Batched(together)), maxBatch=8)
    host.ready()
    assert results(host.ask_together([body(1), body(2)])) == [[2, 1], [2, 2]]
    assert results([host.ask(body(3))]) == [[1, 3]]


def test_the_context_of_a_batch_knows_all_requests_and_the_earliest_deadline(sandbox, saved):
    def together(batch, context):
        print("asked", len(batch))
        seen = [context.request_id, context.request_ids, context.remaining_time() < 20.001, context.stage]
        return [seen for _ in batch]

    host = sandbox(saved(Batched(together)), maxBatch=8)
    host.ready()
    assert results(host.ask_together([body(1), body(2)])) == [[None, ["r-0", "r-1"], True, "staging"]] * 2
    assert results([host.ask(body(1), request_id="r-9")]) == [["r-9", ["r-9"], True, "staging"]]
    assert host.stop()[1] == [("", "stdout", "asked 2"), ("r-9", "stdout", "asked 1")]


def test_a_model_with_predict_batch_alone_is_complete(sandbox, saved):
    class Bare:
        def predict_batch(self, batch, context):
            return [args["x"] for args in batch]

    path = saved(Bare(), input_example={"x": 4})
    assert json.loads((path / "receipts.jsonl").read_text())["result"] == 4
    host = sandbox(path)
    host.ready()
    assert results([host.ask(body({"x": 1}))]) == [1]
    assert "KeyError" in problems([host.ask(body({}))])[0]["detail"]


def test_save_says_that_predict_batch_gave_too_little(saved):
    with pytest.raises(thampi.ThampiError, match="Example 1: predict_batch returned 0 results for 1 input"):
        saved(Batched(lambda batch, context: []), input_example=1)


class Careful(thampi.Model):
    """Its answers are the same in both ways; some inputs make it fail in each way there is."""

    def predict(self, args, context):
        if args == "raise":
            raise ValueError("no")
        if args == "refuse":
            raise thampi.BadInput("bad", pointer="/data")
        if args == "set":
            return {1}
        if args == "nan":
            return [float("nan")]
        if args == "item":
            raise thampi.ItemError("item")
        return {"echo": args}

    def predict_batch(self, batch, context):
        if "raise" in batch:
            raise ValueError("no")
        found = []
        for args in batch:
            try:
                found.append(self.predict(args, context))
            except Exception as error:
                found.append(error)
        return found


def test_answers_are_the_same_with_and_without_batches(sandbox, saved):
    path = saved(Careful())
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    good = [b"{}", body(1), body("x"), body({"b": [1, 2.5], "a": None}), body("refuse"), body("set")]
    good += [body("nan"), body("item"), body(["ä" * 3000]), b'{"data": 1e-7}']
    bad = [b"", b"{", b"[]", b"\xff", b'{"data": NaN}', b'{"data":1,"data":2}', b"[" * 5000, body("raise")]
    together, alone = sandbox(path, maxBatch=7), sandbox(path)
    together.ready()
    alone.ready()
    for _ in range(40):
        some = [chance.choice(bad if chance.random() < 0.1 else good) for _ in range(chance.randrange(1, 20))]
        pretty = chance.random() < 0.2
        expected = [alone.ask(one, request_id=f"r-{at}", pretty=pretty) for at, one in enumerate(some)]
        assert together.ask_together(some, pretty) == expected, seed
