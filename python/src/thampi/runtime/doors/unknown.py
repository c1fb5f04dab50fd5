"""Stands where a newer host expects a door that this runtime does not have."""

from thampi.runtime.problem import Problem

__all__ = ["read", "refuse"]


def read(body, content_type, takes_rows):
    """Raises Problem."""
    raise Problem(
        "no-such-route", "The runtime of this version does not speak this protocol.", "Serve it again."
    )


def refuse(problem, source, request_id):
    """The problem document."""
    return source.document(problem, request_id)
