"""The import path of 2018 for the context."""

from thampi.context import ThampiContext

__all__ = ["ThampiContext"]
