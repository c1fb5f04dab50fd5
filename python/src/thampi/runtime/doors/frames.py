"""DataFrames from requests, where pandas is among a model's dependencies."""

import io

from thampi.runtime.problem import Problem

__all__ = ["of_columns", "of_csv", "of_records", "of_split"]


def of_columns(columns):
    """From name → list of values. Raises Problem."""
    return _made(lambda pandas: pandas.DataFrame(columns))


def of_split(value):
    """From `{"columns": […], "data": [[…]], "index": […]}`. Raises Problem."""
    if not isinstance(value, dict) or "data" not in value or set(value) - {"columns", "data", "index"}:
        raise _wrong('`dataframe_split` is an object with "columns", "data" and perhaps "index".')
    return _made(lambda pandas: pandas.DataFrame(**value))


def of_records(value):
    """From a list of objects, one a row. Raises Problem."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise _wrong("`dataframe_records` is a list of objects, one for each row.")
    return _made(lambda pandas: pandas.DataFrame(value))


def of_csv(text):
    """From the bytes of a CSV file with a line of names. Raises Problem."""
    return _made(lambda pandas: pandas.read_csv(io.BytesIO(text), encoding="utf-8"))


def _made(make):
    try:
        import pandas
    except ImportError:
        what = "This request becomes a DataFrame, and pandas is not among the model's packages."
        hint = (
            'Send `inputs`, `instances` or {"data": …}; or add pandas to the dependency file and serve again.'
        )
        raise Problem("unsupported-media-type", what, hint) from None
    try:
        return make(pandas)
    except Exception as error:  # pandas has many for what it cannot read
        raise _wrong(f"This is no table: {error}") from None


def _wrong(what):
    return Problem("invalid-request", what)
