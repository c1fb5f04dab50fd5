"""Flask with orjson."""

import os

import models
import orjson
from flask import Flask, Response, request

app = Flask(__name__)
model = models.load(os.environ["BENCH_MODEL"])


@app.post("/predict")
def predict():
    result = {"result": model.predict(orjson.loads(request.get_data())["input"])}
    return Response(orjson.dumps(result), mimetype="application/json")
