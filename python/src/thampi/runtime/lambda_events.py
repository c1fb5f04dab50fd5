"""Events of Lambda that are HTTP requests: API Gateway in both of its formats, and Function URLs.

    request = http_request(event)          # None when the event is something else
    request.method, request.path, request.headers["content-type"], request.body()

`contract/lambda.json` has events and their answers.
"""

import base64
import re

from thampi.runtime.problem import Problem

__all__ = ["HttpRequest", "http_request"]


class HttpRequest:
    """One request: `method`, `path`, `headers` (names in lower case), and `pretty` where that is wanted."""

    __slots__ = ("_event", "headers", "method", "path", "pretty")

    def __init__(self, event, method, path, pretty):
        self.method = method if isinstance(method, str) else ""
        self.path = path if isinstance(path, str) else ""
        self.pretty = pretty
        given = _object(event.get("headers"))
        self.headers = {name.lower(): value for name, value in given.items() if isinstance(value, str)}
        self._event = event

    def body(self):
        """The bytes that were sent. Raises Problem."""
        body = self._event.get("body")
        if body is None:
            return b""
        if not isinstance(body, str):
            raise Problem("invalid-request", "The body of the event is no text.")
        if not self._event.get("isBase64Encoded"):
            # Half a character is no UTF-8; what reads the body says so.
            return body.encode("utf-8", "surrogatepass")
        try:
            return base64.b64decode(body, validate=True)
        except ValueError:
            raise Problem("invalid-request", "The body is not base 64.") from None


def http_request(event):
    """The HTTP request that an event is, None when it is none."""
    about = event.get("requestContext") if isinstance(event, dict) else None
    if not isinstance(about, dict):
        return None
    http = about.get("http")
    if isinstance(http, dict):
        return HttpRequest(
            event, http.get("method"), event.get("rawPath"), _is_pretty(event.get("rawQueryString"))
        )
    if "httpMethod" in event:
        return HttpRequest(event, event["httpMethod"], event.get("path"), _wants_pretty(event))
    return None


_PRETTY = re.compile(r"(?:^|&)pretty(?:=(?!(?:0|false)(?:&|$))|&|$)")


def _is_pretty(query):
    return isinstance(query, str) and _PRETTY.search(query) is not None


def _wants_pretty(event):
    """The same where the query was parsed: all values of a name, or its last."""
    values = _object(event.get("multiValueQueryStringParameters")).get("pretty")
    if not isinstance(values, list):
        values = [_object(event.get("queryStringParameters")).get("pretty", "0")]
    return any(value not in ("0", "false") for value in values)


def _object(value):
    return value if isinstance(value, dict) else {}
