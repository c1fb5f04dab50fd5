"""A zygote, and the sandboxes that it forks, as their host sees them."""

import json
import os
import signal
import socket
import sys
import time

import cloudpickle
import contract_models
import pytest
from conftest import PING, PONG, START, STOP, Talk, spawn, start_of

import thampi

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="hosts use zygotes on Linux only")

FORK, FORKED, EXITED = 5, 69, 70
TOKEN = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def models_travel_by_value():
    this = sys.modules[__name__]
    for module in (this, contract_models):
        cloudpickle.register_pickle_by_value(module)
    yield
    for module in (this, contract_models):
        cloudpickle.unregister_pickle_by_value(module)


class Runs(thampi.Model):
    def __init__(self, predict):
        self.do = predict

    def predict(self, args, context):
        return self.do(args, context)


class Zygote(Talk):
    def __init__(self, layer, door, imports=(), env=None):
        self.process, read, write = spawn(layer, env=env)
        super().__init__(read, write)
        self.door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.door.bind(str(door))
        self.door.listen(16)
        self.door.settimeout(20)
        self.place = str(door)
        self.children = []
        self.send(START, 0, json.dumps({"protocol": 1, "zygote": True, "imports": imports}).encode())

    def fork(self, model_dir=None, env=None, cwd="/", **more):
        """A forked sandbox; with `model_dir` it is told to load that model."""
        order = self.order(env=env or {}, cwd=cwd)
        self.send(FORK, 7, json.dumps(order).encode())
        kind, number, payload = self.receive()
        assert (kind, number) == (FORKED, 7)
        wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        wire.connect(order["listen"])
        streams = {"wire": wire}
        for _ in range(2):
            stream, _ = self.door.accept()
            token, _, role = first_line(stream).partition(" ")
            assert token == TOKEN
            streams[role] = stream
        child = Child(json.loads(payload)["pid"], **streams)
        self.children.append(child)
        if model_dir:
            child.send(START, 0, json.dumps(start_of(model_dir, more)).encode())
        return child

    def order(self, **more):
        listen = f"{self.place}.{len(self.children)}"
        return {"socket": self.place, "listen": listen, "token": TOKEN, "env": {}, "cwd": "/", **more}

    def exited(self):
        kind, _, payload = self.receive()
        assert kind == EXITED
        return json.loads(payload)

    def close(self):
        self.process.kill()
        self.process.wait()
        for end in (self.process.stdout, self.process.stderr, self.door, *self.children):
            end.close()
        os.close(self._read)
        os.close(self._write)


class Child(Talk):
    def __init__(self, pid, wire, stdout, stderr):
        super().__init__(wire.fileno(), wire.fileno())
        self.pid = pid
        self._wire, self._stdout, self._stderr = wire, stdout, stderr

    def printed(self):
        """What it wrote to standard output and standard error until its end."""
        return tuple(stream.makefile("rb").read().decode() for stream in (self._stdout, self._stderr))

    def close(self):
        for stream in (self._wire, self._stdout, self._stderr):
            stream.close()


def first_line(stream):
    line = b""
    while not line.endswith(b"\n"):
        byte = stream.recv(1)
        assert byte, line
        line += byte
    return line.decode().rstrip("\n")


@pytest.fixture
def zygote(layer, tmp_path):
    started = []

    def start(*imports, **more):
        started.append(Zygote(layer, tmp_path / f"door{len(started)}", imports, **more))
        return started[-1]

    yield start
    for one in started:
        one.close()


def result(child, data=None):
    status, answer, _ = child.ask(json.dumps({"data": data}).encode())
    assert status == 200, answer
    return json.loads(answer)["result"]


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(pid):
    deadline = time.monotonic() + 10
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_running(pid)


def test_a_zygote_holds_no_model_and_takes_no_requests(zygote):
    ready = zygote("json").ready()
    assert (ready["protocol"], ready["credits"], ready["batch"], ready["fork"]) == (1, 0, 0, True)


def test_a_forked_sandbox_is_like_a_fresh_one(zygote, sandbox, saved):
    path = saved(contract_models.Echo())
    host = zygote()
    host.ready()
    child, fresh = host.fork(path), sandbox(path)
    forked_ready, fresh_ready = child.ready(), fresh.ready()
    for one in (forked_ready, fresh_ready):
        one.pop("loadMs")
    # What the zygote has imported already it need not be told.
    assert set(forked_ready.pop("modules")) < set(fresh_ready.pop("modules"))
    assert forked_ready == fresh_ready
    for body in (b'{"data": {"x": [1, 2]}}', b"{", b"{}"):
        assert child.ask(body) == fresh.ask(body)
    child.send(STOP)
    assert host.exited() == {"pid": child.pid, "status": 0, "signal": None}


def test_it_tells_how_a_child_ended(zygote, saved):
    host = zygote()
    host.ready()
    child = host.fork(saved(Runs(lambda args, context: os._exit(5))))
    child.ready()
    child.send(2, 1, child.request_bytes(b"{}"))
    assert host.exited() == {"pid": child.pid, "status": 5, "signal": None}
    child = host.fork()
    os.kill(child.pid, signal.SIGKILL)
    assert host.exited() == {"pid": child.pid, "status": None, "signal": 9}


def test_a_child_has_its_own_session_environment_and_directory(zygote, saved, tmp_path):
    def look(args, context):
        import ctypes

        getenv = ctypes.CDLL(None).getenv
        getenv.restype = ctypes.c_char_p
        seen_by_c = {name: getenv(name.encode()) for name in ("STAGE", "SECRET")}
        return {
            "session": os.getsid(0) == os.getpid(),
            "environment": dict(os.environ),
            "C": {name: value and value.decode() for name, value in seen_by_c.items()},
            "directory": os.getcwd(),
            "zone": __import__("time").strftime("%Z", __import__("time").localtime(0)),
            "descriptors": [
                name for name in map(int, os.listdir("/proc/self/fd")) if name >= 200 and name not in args
            ],
            "signal": __import__("signal").getsignal(17) == 0,
        }

    host = zygote(env={"SECRET": "of the zygote"})
    host.ready()
    child = host.fork(saved(Runs(look)), env={"STAGE": "staging", "TZ": "EST5"}, cwd=str(tmp_path))
    child.ready()
    seen = result(child, [int(name) for name in os.listdir("/proc/self/fd")])  # some came with the test
    assert seen["environment"] == {"STAGE": "staging", "TZ": "EST5"}
    assert seen["C"] == {"STAGE": "staging", "SECRET": None}
    assert (seen["session"], seen["directory"], seen["zone"]) == (True, str(tmp_path), "EST")
    assert seen["signal"] is True
    assert len(seen["descriptors"]) == 1  # the wire alone; those of the zygote are closed


def test_what_a_child_prints_comes_out_of_its_own_streams(zygote, saved):
    def speak(args, context):
        print("printed", args)
        os.write(2, b"from below\n")

    host = zygote()
    host.ready()
    path = saved(Runs(speak))
    children = [host.fork(path) for _ in range(2)]
    for number, child in enumerate(children):
        child.ready()
        result(child, number)
        child.send(STOP)
        host.exited()
    for number, child in enumerate(children):
        assert child.printed() == (f"\x1fr-1\x1fstdout\x1fprinted {number}\n", "from below\n")


def test_children_do_not_repeat_what_an_import_printed(zygote, saved, tmp_path):
    (tmp_path / "chatty.py").write_text("print('imported')\n")
    host = zygote("chatty", env={"PYTHONPATH": str(tmp_path)})
    host.ready()
    child = host.fork(saved(contract_models.Echo()))
    child.ready()
    child.send(STOP)
    host.exited()
    assert child.printed() == ("", "")
    host.send(STOP)
    assert host.process.wait(10) == 0
    assert host.process.stdout.read() == b"imported\n"


def test_random_numbers_differ_between_children(zygote, saved):
    def draw(args, context):
        import random

        import numpy

        return [random.random(), numpy.random.random(), numpy.random.default_rng().random()]

    host = zygote("random", "numpy.random")
    host.ready()
    path = saved(Runs(draw))
    drawn = []
    for _ in range(2):
        child = host.fork(path)
        child.ready()
        drawn.append(result(child))
    assert all(one != other for one, other in zip(*drawn))


def test_imports_that_fail_are_not_its_business(zygote, tmp_path):
    (tmp_path / "breaks.py").write_text("raise SystemExit(3)\n")
    host = zygote("no_such_module", "breaks", "numpy", "not a name", env={"PYTHONPATH": str(tmp_path)})
    host.ready()
    host.send(PING, 5)
    assert host.receive() == (PONG, 5, b"")


def test_it_does_not_fork_when_a_library_has_started_a_thread(zygote, tmp_path):
    (tmp_path / "threads.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), name='worker').start()\n"
    )
    host = zygote("threads", env={"PYTHONPATH": str(tmp_path)})
    assert host.ready()["fork"] is False
    host.send(FORK, 3, json.dumps(host.order()).encode())
    kind, number, payload = host.receive()
    assert (kind, number, json.loads(payload)) == (
        *(FORKED, 3),
        {"error": "a library has started the thread 'worker'"},
    )
    host.send(STOP)
    assert host.process.wait(10) == 0


def test_a_child_that_cannot_begin_is_told_of(zygote):
    host = zygote()
    host.ready()
    host.send(FORK, 3, json.dumps(host.order(cwd="/no/such/place")).encode())
    assert host.receive()[0] == FORKED
    assert host.exited()["status"] == 71
    host.fork()


def test_what_a_dead_child_left_is_not_in_the_way_of_the_next(zygote):
    host = zygote()
    host.ready()
    place = host.order()["listen"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(place)
    host.fork()
    assert not os.path.exists(place)


def test_a_place_where_nobody_can_listen_is_told_of(zygote):
    host = zygote()
    host.ready()
    host.send(FORK, 3, json.dumps(host.order(listen="/no/such/place/door")).encode())
    _, _, payload = host.receive()
    assert json.loads(payload) == {"error": "listen: No such file or directory"}
    host.fork()


@pytest.mark.parametrize("how", ["kill", "stop", "hang up"])
def test_children_die_with_their_zygote(zygote, saved, how):
    host = zygote()
    host.ready()
    path = saved(Runs(lambda args, context: time.sleep(60)))
    busy, idle = host.fork(path), host.fork(path)
    for child in (busy, idle):
        child.ready()
    busy.send(2, 1, busy.request_bytes(b"{}"))
    if how == "kill":
        host.process.kill()
    elif how == "stop":
        host.send(STOP)
    else:
        os.close(host._write)
        host._write = os.open(os.devnull, os.O_WRONLY)
    host.process.wait(10)
    assert ends(busy.pid) and ends(idle.pid)


def test_a_child_ends_when_the_host_lets_go_of_its_wire(zygote, saved):
    host = zygote()
    host.ready()
    child = host.fork(saved(contract_models.Echo()))
    child.ready()
    child._wire.shutdown(socket.SHUT_WR)
    assert host.exited() == {"pid": child.pid, "status": 0, "signal": None}


def test_fifty_forks_leave_no_zombies(zygote):
    host = zygote()
    host.ready()
    for _ in range(50):
        child = host.fork()
        child.send(STOP)  # not a start: it ends at once
        assert host.exited()["pid"] == child.pid
        child.close()
    parents = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as stream:
                parents.append(int(stream.read().rpartition(")")[2].split()[1]))
        except FileNotFoundError:
            pass
    assert host.process.pid not in parents


def test_a_broken_frame_ends_the_conversation(zygote):
    host = zygote()
    host.ready()
    host.send(FORK, 1, b'{"socket": 1}')
    assert host.process.wait(10) == 76


IRIS = ["sklearn.neighbors", "sklearn.ensemble", "sklearn.datasets", "numpy", "cloudpickle"]


def neighbours():
    from sklearn.datasets import load_iris
    from sklearn.neighbors import KNeighborsClassifier

    iris = load_iris()
    knn = KNeighborsClassifier().fit(iris.data, iris.target)
    return Runs(lambda args, context: int(knn.predict([args])[0]))


def test_a_scikit_learn_model_answers_from_a_fork(zygote, sandbox, saved):
    path = saved(neighbours())
    modules = sandbox(path).ready()["modules"]
    assert "sklearn.neighbors" in modules and "numpy" in modules
    host = zygote(*modules)
    host.ready()
    children = []
    for _ in range(4):
        began = time.monotonic()
        child = host.fork(path)
        ready = child.ready()
        assert result(child, [5.9, 3.2, 4.8, 1.8]) == 2
        children.append((child, (time.monotonic() - began) * 1000, ready["loadMs"]))
    times = [round(ms, 1) for _, ms, _ in children]
    print(f"\nfirst answers after {times} ms; loading took {[ms for _, _, ms in children]} ms")
    memory = [round(pss(pid), 1) for pid in (host.process.pid, *(child.pid for child, _, _ in children))]
    print(f"PSS of the zygote and its children: {memory} MB")


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as stream:
        return next(int(line.split()[1]) for line in stream if line.startswith("Pss:")) / 1024


def test_parallel_libraries_work_in_a_fork(zygote, saved):
    """joblib's threads, OpenMP, and BLAS with several threads."""
    from sklearn.datasets import load_iris
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

    iris = load_iris()
    forest = RandomForestClassifier(20, n_jobs=2, random_state=0).fit(iris.data, iris.target)
    boosted = HistGradientBoostingClassifier(max_iter=5).fit(iris.data, iris.target)

    flower = [5.9, 3.2, 4.8, 1.8]
    expected = [int(forest.predict([flower])[0]), int(boosted.predict([flower])[0])]

    def predict(args, context):
        import numpy

        square = numpy.ones((600, 600))
        return [
            int(forest.predict([args])[0]),
            int(boosted.predict([args] * 2000)[0]),
            float((square @ square)[0, 0]),
            numpy.linalg.eigvalsh(square)[-1].round().item(),
        ]

    host = zygote(*IRIS, env=dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2"))
    host.ready()
    path = saved(Runs(predict))
    for _ in range(2):
        child = host.fork(path)
        child.ready()
        assert result(child, flower) == [*expected, 600.0, 600.0]
