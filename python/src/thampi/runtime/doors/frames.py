"""DataFrames from requests, where pandas is among a model's dependencies."""

import io

from thampi.runtime.problem import Problem

__all__ = ["check_records", "of_columns", "of_csv", "of_records", "of_split", "rows_of_split"]


def of_columns(columns):
    """From name → list of values. Raises Problem."""
    return _made(lambda pandas: pandas.DataFrame(columns))


def of_split(value):
    """From `{"columns": […], "data": [[…]], "index": […]}`. Raises Problem."""
    _check_split(value)
    return _made(lambda pandas: pandas.DataFrame(**value))


def rows_of_split(value):
    """The same as a list of objects, or of lists where the columns have no names. Raises Problem."""
    _check_split(value)
    columns, rows = value.get("columns"), value["data"]
    if columns is None:
        return rows
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise _wrong("`columns` and `data` of `dataframe_split` are lists.")
    for row in rows:
        if not isinstance(row, list) or len(row) != len(columns):
            raise _wrong(
                f"A row of `dataframe_split` is a list of {len(columns)} values, one for each column."
            )
    return [dict(zip(map(str, columns), row)) for row in rows]


def _check_split(value):
    if not isinstance(value, dict) or "data" not in value or set(value) - {"columns", "data", "index"}:
        raise _wrong('`dataframe_split` is an object with "columns", "data" and perhaps "index".')


def of_records(value):
    """From a list of objects, one a row. Raises Problem."""
    check_records(value)
    return _made(lambda pandas: pandas.DataFrame(value))


def check_records(value):
    """Raises Problem when it is no list of objects."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise _wrong("`dataframe_records` is a list of objects, one for each row.")


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
