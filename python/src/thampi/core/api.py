"""The import path of 2018 for the verbs."""

from thampi.saving import save
from thampi.verbs import clean, info, init, predict, serve

__all__ = ["clean", "info", "init", "predict", "save", "serve"]
