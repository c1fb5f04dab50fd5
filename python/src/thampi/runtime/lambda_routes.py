"""Paths in front of a function: which of them lead to the model, and by which door.

    route_of("/staging/mymodel/predict")      # Route: POST, model "mymodel"

Only the end of a path counts. What stands before it is the matter of whoever is in front: the stage of an
API, the base path of a domain. Nothing is decoded, so nothing can be disguised.
"""

import re

__all__ = ["Route", "route_of"]

_NAME = "[a-zA-Z0-9_-]+"
_VERSION = f"(?:/versions/(?P<version>{_NAME}))?"
_MODEL = f"(?P<model>{_NAME})"


class Route:
    """`method` is POST or GET; `door` as in `thampi.runtime.doors`, None for those of Thampi; `model` and
    `version` as far as the path says them. `describes`: what is asked for is what callers may know."""

    __slots__ = ("describes", "door", "method", "model", "version")

    def __init__(self, method, door, model=None, version=None):
        self.method = method
        self.describes = door == "openapi"
        self.door = None if self.describes else door
        self.model = model
        self.version = version


_ROUTES = tuple(
    (method, door, re.compile(f"/{path}\\Z"))
    for method, door, path in (
        ("POST", None, f"{_MODEL}(?:@(?P<version>[1-9][0-9]{{0,8}}))?/predict"),
        ("GET", "openapi", f"{_MODEL}(?:@(?P<version>[1-9][0-9]{{0,8}}))?/openapi\\.json"),
        ("POST", "mlflow", "invocations"),
        ("POST", "v2", f"v2/models/{_MODEL}{_VERSION}/infer"),
        ("POST", "v1", f"v1/models/{_MODEL}:predict"),
        ("GET", "v2", "v2/health/(?:live|ready)"),
        ("GET", None, "(?:ping|health)"),
        ("GET", "v2", f"v2/models/{_MODEL}{_VERSION}/ready"),
        ("GET", "v1", f"v1/models/{_MODEL}"),
    )
)


def route_of(path):
    """The route of a path, None when it is none of ours."""
    for method, door, pattern in _ROUTES:
        found = pattern.search(path)
        if found:
            return Route(method, door, **found.groupdict())
    return None
