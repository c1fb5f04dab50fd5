"""BentoML: one worker a core, one by one or with its adaptive batches."""

import os
from typing import Any

import bentoml
import models

workers = int(os.environ["BENCH_WORKERS"])
settings = {"workers": workers, "traffic": {"timeout": 60}, "logging": {"access": {"enabled": False}}}


@bentoml.service(name="one_by_one", **settings)
class OneByOne:
    def __init__(self):
        self.model = models.load(os.environ["BENCH_MODEL"])

    @bentoml.api
    def predict(self, input: Any) -> Any:
        return self.model.predict(input)


@bentoml.service(name="batched", **settings)
class Batched:
    def __init__(self):
        self.model = models.load(os.environ["BENCH_MODEL"])

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)
    def predict(self, input: list[Any]) -> list[Any]:
        return self.model.predict_batch(input)
