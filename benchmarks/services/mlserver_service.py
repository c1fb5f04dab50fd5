"""A model for MLServer, which speaks the V2 protocol of tensors."""

import os

import models
import numpy
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Bench(MLModel):
    async def load(self):
        self.model = models.load(os.environ["BENCH_MODEL"])
        return True

    async def predict(self, payload):
        rows = NumpyCodec.decode_input(payload.inputs[0])
        results = self.model.predict_batch(rows)
        output = NumpyCodec.encode_output("result", numpy.asarray(results))
        return InferenceResponse(model_name=self.name, outputs=[output])
