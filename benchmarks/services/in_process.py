"""The model without a service: `python in_process.py JSON` (kind, input, expected) prints what calls take."""

import json
import sys
import time

import models

SECONDS = 1.0


def main():
    question = json.loads(sys.argv[1])
    model = models.load(question["kind"])
    value, expected = question["input"], question["expected"]
    one = measure(lambda: model.predict(value), expected, 1)
    batch = measure(lambda: model.predict_batch([value] * 64), [expected] * 64, 64)
    print(json.dumps({"one": one, "batch": batch}))


def measure(call, expected, rows):
    """Calls for a second after some calls that do not count."""
    for _ in range(20):
        if call() != expected:
            raise SystemExit(f"the model did not answer {expected}")
    times = []
    began, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - began < SECONDS:
        before = time.perf_counter()
        call()
        times.append(time.perf_counter() - before)
    elapsed, used = time.perf_counter() - began, time.process_time() - cpu
    times.sort()
    return {
        "rps": len(times) * rows / elapsed,
        "requests": len(times) * rows,
        "p50": times[len(times) // 2] * 1000,
        "p99": times[len(times) * 99 // 100] * 1000,
        "max": times[-1] * 1000,
        "cpu": used / (len(times) * rows) * 1e6,
        "pss": pss(),
    }


def pss():
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024


if __name__ == "__main__":
    main()
