"""Thampi: one command from a trained model to an HTTP endpoint.

    class Wrapper(thampi.Model):
        def predict(self, args, context):
            return {'result': int(knn.predict([args['input']])[0])}

    thampi.save(Wrapper(), 'iris-sklearn', './models')

and then, in a terminal: `thampi serve --model_dir=./models/iris-sklearn`.

Importing this package loads nothing but this file; each name below brings its module when it is first used.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from thampi._version import __version__
    from thampi.context import ThampiContext
    from thampi.core.model import Model
    from thampi.errors import BadInput, ItemError, ThampiError
    from thampi.estimator import Estimator
    from thampi.saved import SavedModel, load
    from thampi.saving import save
    from thampi.verbs import clean, info, init, predict, serve

__all__ = [
    "BadInput",
    "Estimator",
    "ItemError",
    "Model",
    "SavedModel",
    "ThampiContext",
    "ThampiError",
    "__version__",
    "clean",
    "info",
    "init",
    "load",
    "predict",
    "save",
    "serve",
]

_HOMES = {
    "BadInput": "thampi.errors",
    "Estimator": "thampi.estimator",
    "ItemError": "thampi.errors",
    "Model": "thampi.core.model",
    "SavedModel": "thampi.saved",
    "ThampiContext": "thampi.context",
    "ThampiError": "thampi.errors",
    "clean": "thampi.verbs",
    "info": "thampi.verbs",
    "init": "thampi.verbs",
    "load": "thampi.saved",
    "predict": "thampi.verbs",
    "save": "thampi.saving",
    "serve": "thampi.verbs",
}


def __getattr__(name):
    if name == "__version__":
        value = _version()
    elif name in _HOMES:
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'thampi' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted(set(globals()) | set(__all__))


def _version():
    try:
        from thampi._version import __version__
    except ImportError:  # a source checkout that was never built
        return "0.0.0+source"
    return __version__
