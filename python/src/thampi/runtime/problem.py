"""Problems: what a caller hears when there is no result (RFC 9457)."""

import json

__all__ = ["MEDIA_TYPE", "Problem", "Source"]

MEDIA_TYPE = "application/problem+json"

# code → status, title, whether predict ran
_CATALOGUE = {
    "malformed-json": (400, "The body is not JSON", "no"),
    "invalid-utf8": (400, "The body is not UTF-8", "no"),
    "invalid-request": (400, "The body is not a JSON object", "no"),
    "duplicate-key": (400, "A key of the body appears twice", "no"),
    "too-deep": (400, "The body is nested too deeply", "no"),
    "unsupported-media-type": (415, "The content cannot be decoded", "no"),
    "no-such-model": (404, "No such model", "no"),
    "no-such-version": (404, "No such version", "no"),
    "no-such-route": (404, "Nothing is served at this path", "no"),
    "method-not-allowed": (405, "The method is not allowed here", "no"),
    "model-rejected-input": (422, "The model refused the input", "yes"),
    "model-error": (500, "The model raised an exception", "yes"),
    "batch-shape": (500, "The results of a batch do not fit its inputs", "yes"),
    "result-not-serialisable": (500, "The result cannot be written as JSON", "yes"),
    "result-too-large": (500, "The result is too large", "yes"),
    "internal": (500, "A mistake of Thampi", "maybe"),
    "model-unavailable": (503, "The model cannot be loaded", "no"),
    "artifact-corrupt": (503, "The model is not the one that was packed", "no"),
}

_pretty = json.JSONEncoder(sort_keys=True, indent=2)
_compact = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class Problem(Exception):
    """One problem: a code of the catalogue, and what is particular about this case.

    `errors` lists places in the body or the result as {pointer, code, message}; `retry_after_ms` says when
    the same request may succeed, where that may be.
    """

    def __init__(self, code, detail, hint=None, errors=(), retry_after_ms=None):
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.hint = hint
        self.errors = errors
        self.retry_after_ms = retry_after_ms

    @property
    def status(self):
        return _CATALOGUE[self.code][0]


class Source:
    """Who answers: the members that every problem of one sandbox shares."""

    def __init__(self, model, stage, version):
        self.model = model
        self.stage = stage
        self.version = version
        self._shared = {"model": model, "stage": stage, "version": version}

    def document(self, problem, request_id, pretty=False):
        """The problem document as bytes, one line feed at the end."""
        status, title, executed = _CATALOGUE[problem.code]
        members = {
            "type": f"urn:thampi:problem:{problem.code}",
            "title": title,
            "status": status,
            "detail": problem.detail,
            "instance": f"urn:thampi:request:{request_id}",
            "code": problem.code,
            "executed": executed,
            "retryable": problem.retry_after_ms is not None,
            **self._shared,
        }
        if problem.hint:
            members["hint"] = problem.hint
        if problem.retry_after_ms is not None:
            members["retryAfterMs"] = problem.retry_after_ms
        if problem.errors:
            members["errors"] = list(problem.errors)
        # Plain ASCII: whatever a model puts into its messages, a lone surrogate included, stays valid UTF-8.
        return ((_pretty if pretty else _compact).encode(members) + "\n").encode("ascii")
