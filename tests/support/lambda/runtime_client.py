"""The part of awslambdaric that is written in C, in Python: for Pythons that no compiled one was made for."""

import http.client
import os

_API = os.environ.get("AWS_LAMBDA_RUNTIME_API", "")
_PATH = "/2018-06-01/runtime/invocation"


def initialize_client(user_agent):
    global _agent
    _agent = {"User-Agent": user_agent}


def next():
    connection = http.client.HTTPConnection(_API)
    connection.request("GET", f"{_PATH}/next", headers=_agent)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    headers = dict(response.getheaders())
    # The compiled one gives a number.
    headers["Lambda-Runtime-Deadline-Ms"] = int(headers["Lambda-Runtime-Deadline-Ms"])
    return body, headers


def post_invocation_result(invoke_id, body, content_type, invocation_id=None):
    _post(f"{invoke_id}/response", body, {"Content-Type": content_type})


def post_error(invoke_id, body, xray_fault, invocation_id=None):
    _post(f"{invoke_id}/error", body, {"Content-Type": "application/json"})


def _post(path, body, headers):
    connection = http.client.HTTPConnection(_API)
    payload = body if isinstance(body, bytes) else body.encode("utf-8")
    connection.request("POST", f"{_PATH}/{path}", payload, {**_agent, **headers})
    status = connection.getresponse().status
    connection.close()
    # As the compiled one does.
    if not 200 <= status < 300:
        raise RuntimeError("Failed to post invocation response")
