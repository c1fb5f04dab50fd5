"""One HTTP request on its way through a function, and its answer: what the gateway does where Thampi has one.

Exchange(function, request, context).answer()
# {"statusCode": 200, "headers": {…}, "body": "…", "isBase64Encoded": False}
"""

import json
import re
import time

from thampi.runtime import doors
from thampi.runtime.lambda_openapi import openapi_for
from thampi.runtime.lambda_routes import route_of
from thampi.runtime.problem import MEDIA_TYPE, Problem

__all__ = ["PAYLOAD_BYTES", "Exchange"]

PAYLOAD_BYTES = 6 * 1024 * 1024  # of an answer as Lambda gets it. Quotas of Lambda: 6 MB, synchronous

_JSON = "application/json"
_AROUND_BODY = 2048  # what the rest of an answer may take of it
_HARMLESS = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MILLISECONDS = re.compile(r"[1-9][0-9]{0,8}")
_ALLOWED = {"POST": "POST, OPTIONS", "GET": "GET, HEAD, OPTIONS"}
_INSTEAD = {"POST": "predictions are asked for with POST.", "GET": "GET and HEAD are."}


class Exchange:
    """`function` is what Lambda runs, `context` what Lambda says about the event."""

    def __init__(self, function, request, context):
        self._function = function
        self._request = request
        given = request.headers.get("x-request-id", "")
        self.request_id = given if _HARMLESS.fullmatch(given) else context.aws_request_id
        self.trace_id = _trace_id_of(request.headers.get("traceparent"))
        self._lambda = context
        self._began = time.monotonic()
        self._door = None
        self._headers = {"X-Request-Id": self.request_id, **self._cors()}

    def answer(self):
        """What Lambda is to answer; raises nothing."""
        try:
            status, body, media_type = self._answered()
        except Problem as problem:
            status, body, media_type = self._refused(problem)
        except Exception:
            self._function.mistake()
            status, body, media_type = self._refused(Problem("internal", "The function failed."))
        if media_type is not None:
            self._headers["Content-Type"] = media_type
        if status >= 400:
            self._headers["Cache-Control"] = "no-store"
        if media_type == MEDIA_TYPE and self.trace_id is not None:
            body = _with_trace(body, self.trace_id)
        text = "" if self._request.method == "HEAD" else body.decode("utf-8")
        return {"statusCode": status, "headers": self._headers, "body": text, "isBase64Encoded": False}

    def log(self, status):
        """Writes the line with which a request ends that has asked the model."""
        if "Thampi-Version" in self._headers:
            ms = (time.monotonic() - self._began) * 1000
            level = "ERROR" if status >= 500 else "INFO"
            self._function.logs.access(level, f"POST {self._request.path} {status} {ms:.1f} ms")

    def _answered(self):
        """(status, body, media type)"""
        method = self._request.method
        route = route_of(self._request.path)
        if route is None or (route.describes and self._function.openapi is None):
            hint = "Predictions are asked for with POST /STAGE/MODEL/predict."
            raise Problem("no-such-route", "Nothing is served at this path.", hint)
        self._door = route.door
        self._function.check(route)
        if method == "OPTIONS":
            self._headers["Allow"] = _ALLOWED[route.method]
            return 204, b"", None
        if method != route.method and (method, route.method) != ("HEAD", "GET"):
            self._headers["Allow"] = _ALLOWED[route.method]
            raise Problem("method-not-allowed", f"{method} is not allowed here; {_INSTEAD[route.method]}")
        if route.method == "POST":
            return self._asked()
        return self._described() if route.describes else self._page(route)

    def _described(self):
        self._headers["Cache-Control"] = "no-store"
        function = self._function
        text = openapi_for(function.openapi, self._request, function.source)
        return 200, text.encode("utf-8"), _JSON

    def _page(self, route):
        try:
            self._function.ready(self._lambda)
            ready = True
        except Problem:
            ready = False
        self._headers["Cache-Control"] = "no-store"
        page = {"live": True} if route.model is None else {"name": route.model}
        body = json.dumps({**page, "ready": ready}, separators=(",", ":")) + "\n"
        return 200 if ready else 503, body.encode("ascii"), _JSON

    def _asked(self):
        request, door = self._request, self._door
        waits = self._waits()
        if door is not None and "inference-header-content-length" in request.headers:
            # Triton's binary extension: the document is only the beginning of such a body.
            hint = "Send `data` as JSON. In tritonclient: set_data_from_numpy(…, binary_data=False)."
            raise Problem("unsupported-media-type", "Binary tensors are not read.", hint)
        body = request.body()
        self._headers["Thampi-Version"] = str(self._function.version)
        answerer, common = self._function.ready(self._lambda)
        context = common._for(self.request_id, min(waits, self._function.deadline(self._lambda)))
        if door is None:
            status, answer, retire = answerer.answer(body, context, request.pretty)
        else:
            content_type = request.headers.get("content-type")
            status, answer, retire = answerer.through(door, content_type, body, context)
        if retire:
            self._function.retire()
        written = _bytes_in_lambda(answer)
        if written + _AROUND_BODY > PAYLOAD_BYTES:
            detail = f"Lambda takes {PAYLOAD_BYTES:,} bytes, and would write the answer in {written:,}."
            raise Problem("result-too-large", detail, "Return less, or a link to the rest.")
        return status, answer, self._media_type(status)

    def _waits(self):
        """Until when the caller waits, on the clock of `time.monotonic`. Raises Problem for odd headers."""
        headers = self._request.headers
        if headers.get("content-encoding", "identity") != "identity":
            raise Problem("unsupported-media-type", "Compressed requests are not accepted.")
        timeout = headers.get("thampi-timeout-ms")
        if timeout is None:
            return float("inf")
        if not _MILLISECONDS.fullmatch(timeout):
            what = "Thampi-Timeout-Ms is a whole number of milliseconds above 0."
            raise Problem("invalid-request", what)
        return self._began + int(timeout) / 1000

    def _refused(self, problem):
        if problem.retry_after_ms is not None:
            self._headers["Retry-After"] = str(max(1, -(-problem.retry_after_ms // 1000)))
        if self._door is None:
            body = self._function.source.document(problem, self.request_id)
        else:
            body = doors.named(self._door).refuse(problem, self._function.source, self.request_id)
        return problem.status, body, self._media_type(problem.status)

    def _media_type(self, status):
        return _JSON if status < 400 or self._door in ("v1", "v2") else MEDIA_TYPE

    def _cors(self):
        """What tells a browser that the page of another site may see the answer."""
        cors, origin = self._function.cors, self._request.headers.get("origin")
        if cors is None or origin is None or cors["origin"] not in ("*", origin.lower()):
            return {}
        headers = {
            "Access-Control-Allow-Origin": "*" if cors["origin"] == "*" else origin,
            "Access-Control-Expose-Headers": "X-Request-Id, Thampi-Version, Retry-After",
            "Vary": "Origin",
        }
        if self._request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = cors["methods"]
            headers["Access-Control-Allow-Headers"] = cors["headers"]
            headers["Access-Control-Max-Age"] = "600"
        return headers


def _bytes_in_lambda(body):
    """How many bytes a body takes as a text in a JSON document: what has to be escaped takes two."""
    return len(body) + body.count(b'"') + body.count(b"\\") + body.count(b"\n")


_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?", re.DOTALL)


_LONGEST_TRACEPARENT = 512


def _trace_id_of(traceparent):
    """The trace id, None where there is none that the specification lets pass
    (https://www.w3.org/TR/trace-context/#traceparent-header)."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is None or len(traceparent) > _LONGEST_TRACEPARENT:
        return None
    version, trace, parent, more = found.groups()
    # Later versions may have more to say; this one may not.
    if version == "ff" or (version == "00" and more) or not trace.strip("0") or not parent.strip("0"):
        return None
    return trace


def _with_trace(document, trace_id):
    return document[: document.rindex(b"}")] + f',"trace_id":"{trace_id}"}}\n'.encode("ascii")
