"""Whose line raised: the innermost frame that is the user's own, not a library's and not ours."""

import os
import traceback

__all__ = ["describe", "message_of", "report", "whose_line"]

_MESSAGE_LIMIT = 2_000
_TRACE_LIMIT = 16_000

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STANDARD = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_LIBRARIES = ("site-packages", "dist-packages")


def describe(error):
    """`ValueError in train.py:15, `predict`: the message`, shortened; never raises."""
    line = whose_line(error)
    message = message_of(error)
    return f"{type(error).__name__}{f' in {line}' if line else ''}{f': {message}' if message else ''}"


def whose_line(error):
    """`train.py:15, `predict``, or an empty text when no frame is known."""
    frames = [(frame.f_code, number) for frame, number in traceback.walk_tb(error.__traceback__)]
    theirs = [entry for entry in frames if _is_users(entry[0].co_filename)]
    others = [entry for entry in frames if not entry[0].co_filename.startswith(_OURS)]
    for code, number in reversed(theirs or others):
        return f"{os.path.basename(code.co_filename)}:{number}, `{code.co_name}`"
    return ""


def report(error):
    """For the log: the line of `describe`, then the traceback from the user's code on; never raises."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OURS):
        trace = trace.tb_next
    try:
        lines = traceback.format_exception(type(error), error, trace)
    except Exception:  # a message that cannot be made
        lines = traceback.format_tb(trace)
    text = f"{describe(error)}\n{''.join(lines)}".rstrip("\n")
    return text if len(text) <= _TRACE_LIMIT else f"{text[:_TRACE_LIMIT]} … ({len(text):,} characters)"


def _is_users(filename):
    if filename.startswith((_OURS, _STANDARD, "<frozen ")):
        return False
    return not any(part in filename for part in _LIBRARIES)


def message_of(error):
    """An exception's own words, shortened; never raises."""
    if isinstance(error, SystemExit):
        return f"the model called sys.exit({error.code!r})"
    try:
        message = str(error)
    except Exception:
        return "(its message cannot be made: __str__ raised)"
    if len(message) <= _MESSAGE_LIMIT:
        return message
    return f"{message[:_MESSAGE_LIMIT]} … ({len(message):,} characters)"
