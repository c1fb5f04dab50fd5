"""`thampi examples add`: what a saved model answers to one more input.

The command line calls `main` in the user's Python, with JSON such as

    {"dir": "./models/iris-sklearn", "data": "{\\"input\\": [5.9, 3.2, 4.8, 1.8]}"}

and reads one JSON document from standard output: `{"result": …}`, which is the answer as JSON text, or
`{"error": …}`.
"""

import json
import os
import sys

from thampi.errors import ThampiError
from thampi.receipts import record
from thampi.runtime.load import read_saved, unpickle

__all__ = ["main"]


def main(argument):
    """Does what the JSON in `argument` says and prints the document; gives the exit status."""
    asked = json.loads(argument)
    # The model may print whatever it likes; the document has standard output to itself.
    answer = os.dup(1)
    os.dup2(2, 1)
    try:
        document, status = {"result": _answer(asked["dir"], asked["data"])}, 0
    except ThampiError as error:
        members = {"code": error.code, "message": error.message, "why": error.why, "fix": error.hint}
        document, status = {"error": members}, 1
    sys.stdout.flush()
    os.write(answer, (json.dumps(document) + "\n").encode())
    return status


def _answer(directory, data):
    saved = read_saved(directory)
    schema = saved.schema or {}
    declared = schema.get("input") if schema.get("declared") is True else None
    [(_, result)] = record(unpickle(saved), saved.name, saved.properties, [json.loads(data)], declared)
    return result
