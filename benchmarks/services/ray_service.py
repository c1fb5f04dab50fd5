"""Ray Serve: one replica a core, one by one or in batches: python ray_service.py '{"port": …, …}'."""

import json
import os
import signal
import sys

import models
import orjson
import ray
from ray import serve
from starlette.requests import Request
from starlette.responses import Response

options = json.loads(sys.argv[1])


@serve.deployment(num_replicas=options["replicas"], max_ongoing_requests=256)
class OneByOne:
    def __init__(self):
        self.model = models.load(os.environ["BENCH_MODEL"])

    async def __call__(self, request: Request):
        value = orjson.loads(await request.body())["input"]
        return answer(await self.predict(value))

    async def predict(self, value):
        return self.model.predict(value)


@serve.deployment(num_replicas=options["replicas"], max_ongoing_requests=256)
class Batched:
    def __init__(self):
        self.model = models.load(os.environ["BENCH_MODEL"])

    async def __call__(self, request: Request):
        value = orjson.loads(await request.body())["input"]
        return answer(await self.predict(value))

    @serve.batch(max_batch_size=64, batch_wait_timeout_s=0.001)
    async def predict(self, values):
        return self.model.predict_batch(values)


def answer(result):
    return Response(orjson.dumps({"result": result}), media_type="application/json")


if __name__ == "__main__":
    ray.init(
        num_cpus=options["replicas"] + 1,
        include_dashboard=False,
        log_to_driver=False,
        _temp_dir=options["dir"],
        runtime_env={"env_vars": {name: os.environ[name] for name in ("BENCH_MODEL", "PYTHONPATH")}},
    )
    serve.start(http_options={"host": "127.0.0.1", "port": options["port"]})
    serve.run((Batched if options["batched"] else OneByOne).bind(), route_prefix="/predict")
    signal.sigwait({signal.SIGTERM})
    ray.shutdown()
