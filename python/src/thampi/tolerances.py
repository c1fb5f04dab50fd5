"""How far an answer may be from the recorded one: what tolerances.json says."""

import math
import re

from thampi.errors import ThampiError

__all__ = ["tolerances"]


def tolerances(rtol=None, atol=None, ignore=()):
    """What tolerances.json says, None when it need not be written. Raises ThampiError USAGE."""
    said = {}
    for name, value in (("rtol", rtol), ("atol", atol)):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
            raise ThampiError("USAGE", f"`{name}` is a number, 0 or more; got {value!r}.")
        said[name] = value
    if isinstance(ignore, str):
        raise ThampiError("USAGE", "`ignore` is one path, not a list of paths.", hint=f"ignore=[{ignore!r}]")
    ignore = list(ignore)
    for path in ignore:
        if not isinstance(path, str) or not _PATH.fullmatch(path):
            hint = "a path is written like 'result.id', 'result.items[*].seconds', 'result[\"two words\"]'"
            raise ThampiError("USAGE", f"`ignore` has {path!r}, which is no path.", hint=hint)
    if ignore:
        said["ignore"] = ignore
    return said or None


# As src/model/tolerances.ts reads it.
_PATH = re.compile(r'result(\.([A-Za-z_][A-Za-z0-9_]*|\*)|\[(\d+|\*|"([^"\\]|\\.)*")\])*')
