"""FastAPI, as its advice for speed says: bytes in and out, orjson; `async` on the loop, `def` on threads."""

import functools
import os

import models
import orjson
from fastapi import Depends, FastAPI, Request, Response

app = FastAPI()


@functools.cache
def model_of(name):
    """Each name has a model of its own, as a host of many models would have it."""
    return models.load(os.environ["BENCH_MODEL"])


model_of("model")


def answer(name, body):
    result = {"result": model_of(name).predict(orjson.loads(body)["input"])}
    return Response(orjson.dumps(result), media_type="application/json")


@app.post("/async/{name}")
async def predict_async(name: str, request: Request):
    return answer(name, await request.body())


async def read(request: Request):
    return await request.body()


@app.post("/def/{name}")
def predict_def(name: str, body: bytes = Depends(read)):
    return answer(name, body)
