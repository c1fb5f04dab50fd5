"""The process in a sandbox, as its host sees it."""

import json
import os
import subprocess
import sys
import time

import cloudpickle
import contract_models
import pytest
from conftest import PING, PONG, REPLY, REQUEST, STOP

import thampi


@pytest.fixture(autouse=True)
def models_travel_by_value():
    cloudpickle.register_pickle_by_value(contract_models)
    this = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(this)
    yield
    cloudpickle.unregister_pickle_by_value(contract_models)
    cloudpickle.unregister_pickle_by_value(this)


class Runs(thampi.Model):
    """Does what a function says; for faults that deserve no class of their own."""

    def __init__(self, predict, initialize=None):
        self.do = predict
        self.prepare = initialize

    def initialize(self, context):
        if self.prepare:
            self.prepare(self, context)

    def predict(self, args, context):
        return self.do(args, context)


def result_of(answer):
    return json.loads(answer)["result"]


def test_it_says_who_it_is_when_the_model_is_loaded(sandbox, saved):
    ready = sandbox(saved(contract_models.Echo())).ready()
    assert ready.pop("loadMs") >= 0
    assert "cloudpickle" in ready.pop("modules")  # the model travels by value
    assert ready == {
        "protocol": 1,
        "runtime": "python",
        "version": thampi.__version__,
        "language": ".".join(map(str, sys.version_info[:3])),
        "credits": 2,
        "batch": 0,
        "fork": True,
    }


def test_requests_that_wait_together_are_answered_each_under_its_own_id(sandbox, saved):
    host = sandbox(saved(contract_models.Echo()))
    host.ready()
    for number in range(1, 51):
        host.send(REQUEST, number, host.request_bytes(b'{"data":%d}' % number, f"r-{number}"))
    host.send(PING, 99)
    for number in range(1, 51):
        kind, answered, payload = host.receive()
        assert (kind, answered, result_of(payload[4:])) == (REPLY, number, number)
    assert host.receive() == (PONG, 99, b"")


def test_a_request_of_several_megabytes_comes_through(sandbox, saved):
    host = sandbox(saved(Runs(lambda args, context: len(args))), maxResultBytes=100)
    host.ready()
    status, answer, _ = host.ask(b'{"data":"' + b"x" * 8_000_000 + b'"}')
    assert status == 500  # a hundred bytes hold no answer at all
    assert json.loads(answer)["code"] == "result-too-large"


def test_stop_answers_what_was_received_and_ends_well(sandbox, saved):
    host = sandbox(saved(contract_models.Echo()))
    host.ready()
    host.send(REQUEST, 1, host.request_bytes(b"{}"))
    assert host.stop()[0] == 0
    assert host.receive()[:2] == (REPLY, 1)
    assert host.receive() is None


def test_the_end_of_the_stream_ends_it_even_while_threads_of_the_model_run(sandbox, saved):
    def prepare(model, context):
        import threading
        import time

        threading.Thread(target=time.sleep, args=(60,)).start()

    host = sandbox(saved(Runs(lambda args, context: 1, prepare)))
    host.ready()
    host.hang_up()
    assert host.process.wait(10) == 0


if sys.platform == "linux":  # the only system that tells children that their parent died

    def test_it_dies_with_its_host_while_the_model_computes(layer, saved):
        path = saved(Runs(lambda args, context: __import__("time").sleep(60)))
        program = f"""
import os, sys
sys.path[:0] = {[p for p in sys.path if p]!r}
from pathlib import Path
from conftest import Host, REQUEST
host = Host(Path({str(layer)!r}), Path({str(path)!r}))
host.ready()
host.send(REQUEST, 1, host.request_bytes(b'{{}}'))
print(host.process.pid, flush=True)
os.kill(os.getpid(), 9)
"""
        pid = int(subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=False).stdout)
        deadline = time.monotonic() + 10
        while is_running(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not is_running(pid)


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x04\x02\0\0\0\0",
        b"\xff\xff\xff\xff\x02\0\0\0\x01",
        b"\0\0\0\x05\x63\0\0\0\x01",
        b"\0\0\0\x0b\x02\0\0\0\x01\0\0\0\0\0\xff",
    ],
    ids=["too short", "too long", "unknown type", "cut off request"],
)
def test_a_broken_frame_ends_the_conversation(sandbox, saved, data):
    host = sandbox(saved(contract_models.Echo()))
    host.ready()
    host.send_bytes(data)
    assert host.process.wait(10) == 76
    assert b"broke the protocol" in host.process.stderr.read()


def test_what_the_model_prints_and_logs_carries_the_request_it_belongs_to(sandbox, saved):
    def prepare(model, context):
        print("loading")
        context.logger.info("ready soon")
        context.logger.debug("not shown")

    def predict(args, context):
        return contract_models.Prints().predict(args, context)

    host = sandbox(saved(Runs(predict, prepare)))
    host.ready()
    host.ask(b'{"data":1}', request_id="r-1")
    host.ask(b'{"data":"\\ud800"}', request_id="r-2")
    status, lines = host.stop()
    assert status == 0
    assert lines == [
        ("", "stdout", "loading"),
        ("", "INFO", "ready soon"),
        ("r-1", "stdout", "printed 1"),
        ("r-1", "stderr", "to stderr"),
        ("r-1", "WARNING", "logged 1"),
        ("r-1", "WARNING", "in two lines"),
        ("r-1", "stdout", "unfinished"),
        ("r-2", "stdout", "printed \\ud800"),
        ("r-2", "stderr", "to stderr"),
        ("r-2", "WARNING", "logged \\ud800"),
        ("r-2", "WARNING", "in two lines"),
        ("r-2", "stdout", "unfinished"),
    ]


def test_a_model_cannot_forge_a_line_of_another_request(sandbox, saved):
    host = sandbox(saved(Runs(lambda args, context: print("\x1fr-other\x1fERROR\x1fforged"))))
    host.ready()
    host.ask(b"{}")
    assert host.stop()[1][0][:2] == ("r-1", "stdout")


def test_bytes_written_below_print_and_programs_that_the_model_starts_do_not_break_anything(sandbox, saved):
    def predict(args, context):
        import subprocess
        import sys

        sys.stdout.buffer.write("über\n".encode())
        subprocess.run([sys.executable, "-c", "print('from below')"], check=True, stdout=sys.stdout)
        return sys.stdin.read()

    host = sandbox(saved(Runs(predict)))
    host.ready()
    assert result_of(host.ask(b"{}")[1]) == ""
    assert host.stop()[1] == [("r-1", "stdout", "über"), "from below"]


def test_the_descriptors_of_the_wire_are_out_of_the_models_way(sandbox, saved):
    def predict(args, context):
        import os

        opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(3)]
        os.closerange(3, 100)
        return opened

    host = sandbox(saved(Runs(predict)))
    host.ready()
    host.ask(b"{}")
    assert result_of(host.ask(b"{}")[1])[:1] == [3]


def test_sys_exit_in_the_model_is_answered_and_the_process_asks_to_be_replaced(sandbox, saved):
    host = sandbox(saved(contract_models.Exits()))
    host.ready()
    status, answer, extra = host.ask(b'{"data":3}')
    assert (status, json.loads(answer)["code"], extra) == (500, "model-error", {"retire": True})
    assert "sys.exit(3)" in json.loads(answer)["detail"]


def test_an_exception_is_told_with_the_users_line_and_logged_with_its_traceback(sandbox, saved):
    host = sandbox(saved(contract_models.Raises()))
    host.ready()
    _, answer, extra = host.ask(b'{"data":7}')
    line = contract_models.Raises.predict.__code__.co_firstlineno + 9
    said = f"ValueError in contract_models.py:{line}, `predict`: no answer for 7"
    assert (json.loads(answer)["detail"], extra) == (said, None)
    lines = host.stop()[1]
    assert lines[0] == ("r-1", "ERROR", said)
    assert all("answer.py" not in text for _, _, text in lines)


def test_the_users_line_is_named_even_when_a_library_raised(sandbox, saved):
    def predict(args, context):
        import json

        return json.loads(args)

    host = sandbox(saved(Runs(predict)))
    host.ready()
    detail = json.loads(host.ask(b'{"data":"{"}')[1])["detail"]
    assert detail.startswith(
        f"JSONDecodeError in test_sandbox.py:{predict.__code__.co_firstlineno + 3}, `predict`"
    )


def test_terse_hides_what_the_model_raised_and_the_log_keeps_it(sandbox, saved):
    host = sandbox(saved(contract_models.Raises()), errors="terse")
    host.ready()
    answer = host.ask(b'{"data":"secret"}')[1].decode()
    assert "secret" not in answer and "ValueError" not in answer
    assert "secret" in host.stop()[1][0][2]


def test_endless_messages_are_cut_in_answers_and_in_logs(sandbox, saved):
    host = sandbox(saved(contract_models.Raises()))
    host.ready()
    assert len(host.ask(b'{"data":"long"}')[1]) < 4_000
    assert sum(len(text) for _, _, text in host.stop()[1]) < 40_000


def test_an_input_that_the_model_refuses_leaves_no_traceback_in_the_log(sandbox, saved):
    host = sandbox(saved(contract_models.Refuses()))
    host.ready()
    host.ask(b"{}")
    assert host.stop()[1] == []


def test_tags_are_part_of_every_answer(sandbox, saved):
    host = sandbox(saved(contract_models.Echo(), tags={"b": 1.0, "a": "ü"}))
    host.ready()
    properties = json.loads(host.ask(b"{}")[1])["properties"]
    assert properties["tags"] == {"b": 1.0, "a": "ü"}
    assert properties["served_time_utc"] == "2018-09-06T22:03:09.247038"
    assert len(properties) == 5


def test_ctrl_c_in_the_terminal_is_left_to_the_host(sandbox, saved):
    import signal

    host = sandbox(saved(contract_models.Echo()))
    host.ready()
    os.kill(host.process.pid, signal.SIGINT)
    assert host.ask(b'{"data":1}')[0] == 200


def test_modules_of_the_code_layer_can_be_imported_while_predicting(sandbox, saved, tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "late_module.py").write_text("ANSWER = 42\n")
    predict = {}
    exec("def predict(args, context):\n    import late_module\n    return late_module.ANSWER", predict)
    host = sandbox(saved(Runs(predict["predict"])), codeDir=str(tmp_path / "code"))
    host.ready()
    assert result_of(host.ask(b"{}")[1]) == 42


def test_start_has_to_come_first(layer, saved, sandbox):
    host = sandbox(saved(contract_models.Echo()), protocol=2)
    failed = host.failed()
    assert failed["code"] == "INTERNAL"
    assert "protocol 2" in failed["message"]


def test_stop_may_come_with_the_start(sandbox, saved):
    host = sandbox(saved(contract_models.Echo()))
    host.send(STOP)
    host.ready()
    assert host.process.wait(10) == 0
