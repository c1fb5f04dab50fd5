"""Saves a model as a training script would: `python thampi_train.py KIND batched|single SCHEMA NAME…`.

SCHEMA is JSON, `null` where nothing is declared.
"""

import json
import sys

import models

import thampi


class Single(thampi.Model):
    def __init__(self, kind):
        self.model = models.load(kind)
        super().__init__()

    def predict(self, args, context):
        return {"result": self.model.predict(args["input"])}


class Batched(Single):
    def predict_batch(self, batch, context):
        return [{"result": result} for result in self.model.predict_batch([args["input"] for args in batch])]


if __name__ == "__main__":
    kind, way, schema, *names = sys.argv[1:]
    model = {"single": Single, "batched": Batched}[way](kind)
    for name in names:
        thampi.save(model, name, "./models", schema=json.loads(schema))
