"""LitServe: one worker a core, one by one or in batches, behind one or several processes that speak HTTP.

python litserve_service.py '{"port": …, "workers": …, "batched": …, "fast_queue": …, "api_servers": …}'
"""

import json
import os
import sys

import litserve
import models
import orjson
from fastapi import Response


class OneByOne(litserve.LitAPI):
    def setup(self, device):
        self.model = models.load(os.environ["BENCH_MODEL"])

    def decode_request(self, request):
        return request["input"]

    def predict(self, value):
        return self.model.predict(value)

    def encode_response(self, result):
        return Response(orjson.dumps({"result": result}), media_type="application/json")


class Batched(OneByOne):
    def predict(self, values):
        return self.model.predict_batch(values)

    def batch(self, inputs):
        return inputs

    def unbatch(self, output):
        return output


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    # The least wait that still lets what waits come together.
    api = Batched(max_batch_size=64, batch_timeout=0.001) if options["batched"] else OneByOne()
    server = litserve.LitServer(
        api,
        accelerator="cpu",
        workers_per_device=options["workers"],
        fast_queue=options["fast_queue"],
        timeout=60,
    )
    server.run(
        host="127.0.0.1",
        port=options["port"],
        num_api_servers=options["api_servers"],
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )
