"""A model that MLflow wrote: opened by MLflow where it is installed, else by the library it was made with."""

import os
import sys

from thampi.core.model import Model
from thampi.errors import BadInput, ThampiError
from thampi.runtime.signature import Signature

__all__ = ["load_mlflow"]

# One row in, one prediction out: these may answer several callers with one call.
_BY_ROW = ("sklearn", "xgboost", "lightgbm")


def load_mlflow(directory, facts):
    """The model in a directory; `facts` has what its MLmodel says: `flavors` and `signature`."""
    flavors = facts["flavors"]
    signature = Signature(facts["signature"]["inputs"]) if facts["signature"].get("inputs") else None
    by_row = any(flavor in flavors for flavor in _BY_ROW)
    pyfunc = flavors.get("python_function", {})
    # Without a signature MLflow checks nothing; an estimator itself knows how many columns it wants.
    alone = signature is None and by_row and pyfunc.get("predict_fn", "predict") == "predict"
    predict = _with_mlflow(directory) if pyfunc and not alone else None
    takes_params = predict is not None and facts["signature"].get("hasParams", False)
    if predict is None:
        _add_code(directory, flavors)
        if "onnx" in flavors and not by_row:
            from thampi.runtime.onnx_model import OnnxModel

            return OnnxModel(os.path.join(directory, flavors["onnx"]["data"]))
        estimator, is_booster = _plain(directory, flavors)
        if signature is None and not is_booster:
            from thampi.estimator import Estimator

            return Estimator(estimator)
        predict = _of_booster(estimator) if is_booster else estimator.predict
    kind = ByRow if by_row and (signature is None or not (signature.tensors and signature.named)) else Whole
    return kind(predict, signature, takes_params)


class Whole(Model):
    """Asked with all that one caller sends; what it answers is the result as it is."""

    takes_rows = True  # for other protocols: see thampi.runtime.doors

    def __init__(self, predict, signature, takes_params):
        self._predict = predict
        self.signature = signature
        self.takes_params = takes_params

    def predict(self, args, context):
        """The model's answer. Raises BadInput where the signature is not kept."""
        value, _, _ = self._read(args)
        return self._asked(value, self._params(args))

    def _read(self, args):
        """(the input, how many rows it has if it has rows, whether one came alone)"""
        if self.signature is not None:
            return self.signature.read(args)
        if not isinstance(args, dict) or "input" not in args:
            raise BadInput("`data.input` is missing.", "/data/input")
        return _table_or_array(args["input"]), None, False

    def _params(self, args):
        params = args.get("params") if isinstance(args, dict) else None
        if params is None or not self.takes_params:
            return {}
        if not isinstance(params, dict):
            raise BadInput("`data.params` must be an object.", "/data/params")
        return {"params": params}

    def _asked(self, value, params):
        try:
            return self._predict(value, **params)
        except Exception as error:
            if _is_mlflows_refusal(error) or (isinstance(error, ValueError) and _has_holes(value)):
                raise BadInput(f"The model cannot take this input: {error}", "/data/input") from error
            raise


class ByRow(Whole):
    """Gives one prediction for each row, so that callers can share a call."""

    def predict(self, args, context):
        """One prediction for a row that comes alone, a list of them for rows."""
        value, _, alone = self._read(args)
        results = _listed(self._asked(value, self._params(args)))
        return results[0] if alone else results

    def predict_batch(self, batch, context):
        """The same for each of several; `BadInput` in the place of a wrong one."""
        results, tables, places = [None] * len(batch), [], []
        for number, args in enumerate(batch):
            try:
                if self.takes_params and isinstance(args, dict) and args.get("params") is not None:
                    results[number] = self.predict(args, context)
                    continue
                value, count, alone = self._read(args)
            except BadInput as error:
                results[number] = error
                continue
            if count is None or (tables and not _alike(tables[0], value)):
                results[number] = self._alone(args, context)
                continue
            tables.append(value)
            places.append((number, count, alone))
        if not tables:
            return results
        answers, first = _listed(self._asked(_joined(tables), {})), 0
        if len(answers) != sum(count for _, count, _ in places):  # not by row after all
            return [result or self._alone(args, context) for result, args in zip(results, batch)]
        for number, count, alone in places:
            results[number] = answers[first] if alone else answers[first : first + count]
            first += count
        return results

    def _alone(self, args, context):
        try:
            return self.predict(args, context)
        except BadInput as error:
            return error

    def _read(self, args):
        if self.signature is not None:
            return self.signature.read(args)
        value, _, _ = super()._read(args)
        if isinstance(value, (list, dict)):
            raise BadInput("`data.input` must be a row or a list of rows.", "/data/input")
        if getattr(value, "ndim", None) == 1:
            return value.reshape(1, -1), 1, True
        return value, len(value), False


def _with_mlflow(directory):
    """`predict` of the model as MLflow opens it, or None where MLflow is not installed."""
    try:
        import mlflow.pyfunc
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "mlflow":
            return None
        raise
    return mlflow.pyfunc.load_model(directory).predict


def _is_mlflows_refusal(error):
    """Whether MLflow says that the input does not keep the signature."""
    if type(error).__module__ != "mlflow.exceptions":
        return False
    return "schema" in str(error).lower() or "signature" in str(error).lower()


def _has_holes(value):
    """Whether values are missing in a table: then an exception may well be about that."""
    return hasattr(value, "columns") and bool(value.isna().to_numpy().any())


def _add_code(directory, flavors):
    code = next((flavor["code"] for flavor in flavors.values() if flavor.get("code")), None)
    if code:
        sys.path.insert(0, os.path.join(directory, code))


def _plain(directory, flavors):
    """(estimator or booster, whether it is a booster), with the library alone."""
    if "sklearn" in flavors:
        flavor = flavors["sklearn"]
        path = os.path.join(directory, flavor["pickled_model"])
        return _unpickled(path, flavor, "pickle"), False
    if "xgboost" in flavors:
        flavor = flavors["xgboost"]
        model = _class_named(flavor.get("model_class", "xgboost.core.Booster"))()
        model.load_model(os.path.join(directory, flavor["data"]))
        return model, type(model).__name__ == "Booster"
    if "lightgbm" in flavors:
        flavor = flavors["lightgbm"]
        path = os.path.join(directory, flavor["data"])
        if flavor.get("model_class", "lightgbm.basic.Booster") != "lightgbm.basic.Booster":
            return _unpickled(path, flavor, "cloudpickle"), False
        from lightgbm import Booster

        return Booster(model_file=path), True
    needed = flavors.get("python_function", {}).get("loader_module", "mlflow")
    what = f"This model is opened by `{needed}`, for which mlflow has to be installed."
    raise ThampiError("MODULE_MISSING", what, hint="add mlflow to the dependency file.")


def _unpickled(path, flavor, default):
    """Serving a model runs its code, so what its own MLmodel calls trusted is no smaller than a pickle."""
    how = flavor.get("serialization_format") or default
    if how == "skops":
        import skops.io

        return skops.io.load(path, trusted=flavor.get("skops_trusted_types") or [])
    if how == "cloudpickle":
        import cloudpickle as pickle
    else:
        import pickle
    with open(path, "rb") as stream:
        return pickle.load(stream)


def _class_named(name):
    from importlib import import_module

    module, _, attribute = name.rpartition(".")
    if module.partition(".")[0] != "xgboost":
        what = f"`{name}` is no class of xgboost."
        raise ThampiError("MODEL_LOAD_FAILED", what, hint="save the model with MLflow again.")
    return getattr(import_module(module), attribute)


def _of_booster(booster):
    """A booster of xgboost wants its own kind of table; one of lightgbm takes what everybody takes."""
    if not type(booster).__module__.startswith("xgboost"):
        return booster.predict
    from xgboost import DMatrix

    return lambda value: booster.predict(DMatrix(value))


def _table_or_array(value):
    """Objects become a table, lists of numbers an array; anything else stays what it is."""
    if isinstance(value, dict):
        from pandas import DataFrame

        return DataFrame([value])
    if not isinstance(value, list) or not value:
        return value
    if all(isinstance(item, dict) for item in value):
        from pandas import DataFrame

        return DataFrame(value)
    from numpy import array

    try:
        numbers = array(value)
    except ValueError:  # lists of several lengths
        return value
    return numbers if numbers.dtype.kind in "biuf" else value


def _listed(results):
    """A list with one entry a row, of what an estimator gives."""
    from numpy import ndarray

    if isinstance(results, ndarray):
        is_plain = results.dtype.kind in "biufOU" and results.dtype.itemsize <= 8
        return results.tolist() if is_plain or results.dtype.kind == "U" else list(results)
    if hasattr(results, "to_dict") and hasattr(results, "columns"):
        return results.to_dict("records")
    return list(results)


def _alike(one, other):
    """Whether two inputs can be put under each other."""
    if type(one) is not type(other):
        return False
    if hasattr(one, "columns"):
        return list(one.columns) == list(other.columns) and list(one.dtypes) == list(other.dtypes)
    return one.dtype == other.dtype and one.shape[1:] == other.shape[1:]


def _joined(tables):
    if len(tables) == 1:
        return tables[0]
    if hasattr(tables[0], "columns"):
        from pandas import concat

        return concat(tables, ignore_index=True)
    from numpy import concatenate

    return concatenate(tables)
