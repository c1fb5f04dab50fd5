"""A bare scikit-learn estimator as a model. This module's name stands in pickles, so it can never move."""

from __future__ import annotations

import math

from thampi.core.model import Model
from thampi.errors import BadInput, ThampiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from thampi.context import ThampiContext

__all__ = ["Estimator"]


class Estimator(Model):
    """Serves a fitted estimator that follows scikit-learn's conventions, without a class of your own.

    `estimator`      whatever has `predict` and was fitted: a classifier, a regressor, a pipeline
    `probabilities`  answers also with what `predict_proba` gives

    Callers send `{"input": …}`, which is one row of numbers or a list of rows; where the estimator was fitted
    on named columns also one object or a list of objects, and then the object may stand alone. Columns that
    the estimator does not know are ignored. A pipeline that begins with a text vectorizer takes a text or a
    list of texts. One row gives one prediction, a list of rows a list of them; with `probabilities` each is
    `{"prediction": …, "probabilities": {class: probability}}`. Requests that wait together cost one call.

    Raises ThampiError MODEL_INVALID when the estimator cannot be served like that.

        thampi.save(thampi.Estimator(knn), 'iris', './models', input_example={'input': [5.9, 3.2, 4.8, 1.8]})
    """

    takes_rows = True  # for other protocols: see thampi.runtime.doors

    def __init__(self, estimator: Any, probabilities: bool = False) -> None:
        _check(estimator, probabilities)
        self.estimator = estimator
        self.probabilities = probabilities
        names = getattr(estimator, "feature_names_in_", None)
        self.names = None if names is None else [str(name) for name in names]
        self.width = getattr(estimator, "n_features_in_", None)
        self.texts = self.names is None and _begins_with_texts(estimator)
        # Kept as a function, so that the pickle names the package that a table needs.
        self.table = _table(self.names)

    def predict(self, args: Any, context: ThampiContext) -> Any:
        """One prediction, or a list of them; raises `BadInput`."""
        [result] = self.predict_batch([args], context)
        if isinstance(result, BadInput):
            raise result
        return result

    def predict_batch(self, batch: list[Any], context: ThampiContext) -> list[Any]:
        """For each input a prediction or a list of them; `BadInput` in the place of a wrong one."""
        results = [None] * len(batch)
        together, apart = [], []
        for number, args in enumerate(batch):
            try:
                rows, alone, plain, at = self._rows(args)
            except BadInput as error:
                results[number] = error
                continue
            # An array has one type: a text in it would change how the rows of a neighbour are read.
            shares = plain or self.texts or self.names is not None
            (together if shares else apart).append((number, rows, alone, plain, at))
        groups = [[one] for one in apart]
        for group in [together, *groups] if together else groups:
            for (number, *_), result in zip(group, self._answers(group)):
                results[number] = result
        return results

    def _answers(self, group):
        """A result for each of a group that is predicted with one call."""
        rows = [row for _, rows, *_ in group for row in rows]
        try:
            predicted = self._predicted(rows, all(plain for *_, plain, _ in group))
        except (ValueError, TypeError, OverflowError) as error:
            if len(group) > 1 or group[0][3]:
                raise  # several are asked again one by one
            # Shape and names are right, but there are texts, missing or endless values: these it cannot take.
            at = group[0][4]
            return [BadInput(f"The model cannot take `{_shown(at)}`: {error}", at)]
        results, first = [], 0
        for _, rows, alone, *_ in group:
            results.append(predicted[first] if alone else predicted[first : first + len(rows)])
            first += len(rows)
        return results

    def _rows(self, args):
        """(rows, whether one row was sent alone, whether all of it is finite numbers, where they stand)"""
        value, at = self._input(args)
        if self.texts:
            alone = isinstance(value, str)
            texts = [value] if alone else value
            if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
                raise BadInput(f"`{_shown(at)}` must be a text or a list of texts.", at)
            return texts, alone, True, at
        if isinstance(value, list) and value and isinstance(value[0], (list, dict)):
            rows = [self._row(row, f"{at}/{index}") for index, row in enumerate(value)]
            return rows, False, all(map(_is_numbers, rows)), at
        row = self._row(value, at)
        return [row], True, _is_numbers(row), at

    def _input(self, args):
        """What stands under `input`, or the whole object when it is one of named columns; and where."""
        if isinstance(args, dict):
            named = self.names is not None and ("input" in self.names or "input" not in args)
            if named:
                return args, "/data"
            if "input" in args:
                return args["input"], "/data/input"
        raise BadInput(f"`data.input` is missing. Expected: {self._expected()}.", "/data/input")

    def _row(self, row, at):
        if isinstance(row, dict) and self.names is not None:
            missing = [name for name in self.names if name not in row]
            if missing:
                key = missing[0].replace("~", "~0").replace("/", "~1")
                raise BadInput(
                    f"`{missing[0]}` is missing. The columns are {', '.join(self.names)}.", f"{at}/{key}"
                )
            row = [row[name] for name in self.names]
        if not isinstance(row, list) or not row:
            raise BadInput(f"`{_shown(at)}` must be {self._expected()}.", at)
        if self.width is not None and len(row) != self.width:
            what = f"`{_shown(at)}` has {len(row)} value{'s' if len(row) != 1 else ''}"
            raise BadInput(f"{what}; the model was fitted on {self.width}.", at)
        for index, value in enumerate(row):
            if isinstance(value, (list, dict)):
                raise BadInput(f"`{_shown(at)}[{index}]` must be a single value.", f"{at}/{index}")
        return row

    def _expected(self):
        if self.texts:
            return "a text or a list of texts"
        row = "a row of values" if self.width is None else f"a row of {self.width} values"
        if self.names is not None:
            row += f", or an object with {', '.join(self.names)}"
        return f"{row}, or a list of such rows"

    def _predicted(self, rows, plain):
        """A list with what the estimator says about each row."""
        values = self._table_of(rows, plain)
        predictions = _plain(self.estimator.predict(values))
        if not self.probabilities:
            return predictions
        classes = [str(value) for value in _plain(self.estimator.classes_)]
        shares = _plain(self.estimator.predict_proba(values))
        return [
            {"prediction": prediction, "probabilities": dict(zip(classes, share))}
            for prediction, share in zip(predictions, shares)
        ]

    def _table_of(self, rows, plain):
        if self.texts:
            return rows
        if self.names is not None:
            return self.table(rows, columns=self.names)
        if plain:
            return self.table(rows, dtype="float64")
        missing = math.nan
        rows = [[missing if value is None else value for value in row] for row in rows]
        numbers = all(type(value) in _NUMBERS for row in rows for value in row)
        return self.table(rows, dtype="float64" if numbers else object)


def _check(estimator, probabilities):
    kind = type(estimator).__name__
    if isinstance(estimator, type):
        what = f"{estimator.__name__} is a class; a fitted object of it is wanted."
        raise ThampiError("MODEL_INVALID", what, hint=f"fit it: {estimator.__name__}().fit(X, y)")
    if not callable(getattr(estimator, "predict", None)):
        what = f"{_a(kind)} has no `predict`, so it is no estimator that can be served."
        if isinstance(estimator, dict):
            what = f"A dict is no estimator; its keys are {', '.join(map(repr, list(estimator)[:8]))}."
        raise ThampiError("MODEL_INVALID", what, hint="save the fitted estimator or pipeline alone.")
    if not _is_fitted(estimator):
        raise ThampiError("MODEL_INVALID", f"{kind} was never fitted.", hint="fit it before it is saved.")
    if probabilities and not callable(getattr(estimator, "predict_proba", None)):
        what = f"{kind} has no `predict_proba`, so there are no probabilities to give."
        raise ThampiError("MODEL_INVALID", what, hint="leave them out.")
    if probabilities and isinstance(getattr(estimator, "classes_", None), list):
        what = f"{kind} predicts several outputs at once; probabilities are given for one."
        raise ThampiError("MODEL_INVALID", what, hint="leave them out, or write a class with `predict`.")


def _is_fitted(estimator):
    try:
        from sklearn.exceptions import NotFittedError
        from sklearn.utils.validation import check_is_fitted
    except ImportError:  # an estimator of another library says so itself when it is asked
        return True
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    except TypeError:  # not one of scikit-learn's; it only looks like one
        return True
    return True


def _begins_with_texts(estimator):
    """Whether a pipeline begins with one of scikit-learn's text vectorizers."""
    steps = getattr(estimator, "steps", None)
    first = steps[0][1] if steps else estimator
    return callable(getattr(first, "build_analyzer", None))


def _table(names):
    if names is not None:
        try:
            from pandas import DataFrame
        except ImportError as error:
            what = "The estimator was fitted on named columns, which needs pandas to predict."
            raise ThampiError("MODULE_MISSING", what, hint="pip install pandas") from error
        return DataFrame
    from numpy import array

    return array


_NUMBERS = frozenset((int, float))
_LARGEST = 2**53


def _is_numbers(row):
    """Whether a row holds nothing but numbers that a float64 can hold."""
    return _NUMBERS.issuperset(map(type, row)) and all(
        -_LARGEST <= value <= _LARGEST or (type(value) is float and math.isfinite(value)) for value in row
    )


def _plain(values):
    """A list; of Python's own numbers and texts where it came as an array of them."""
    from numpy import asarray

    values = asarray(values)
    return values.tolist() if values.dtype.kind in "biufOU" else list(values)


def _a(kind):
    return f"{'An' if kind[:1].lower() in 'aeiou' else 'A'} {kind}"


def _shown(pointer):
    """`data.input[3]` for `/data/input/3`."""
    steps = pointer.split("/")[1:]
    return steps[0] + "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in steps[1:])
