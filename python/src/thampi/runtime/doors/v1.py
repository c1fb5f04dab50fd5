"""KServe's protocol V1: `{"instances": […]}` → `{"predictions": […]}`; the model is asked once for each."""

from thampi.runtime.answer import warn_missing
from thampi.runtime.body import read_object
from thampi.runtime.doors import Asked
from thampi.runtime.doors.v2 import refuse
from thampi.runtime.encode import encode_bytes
from thampi.runtime.problem import Problem

__all__ = ["read", "refuse", "write"]


def read(body, content_type, takes_rows):
    """What a prediction request asks. Raises Problem."""
    instances = read_object(body).get("instances")
    if isinstance(instances, list):
        return Asked({"input": instances}) if takes_rows else Asked(inputs=instances)
    raise Problem("invalid-request", "`instances` is a list of inputs.", 'Send {"instances": [ … ]}.')


def write(asked, result, source, request_id):
    """The bytes of the response. Raises NotJson."""
    return b'{"predictions":' + encode_bytes(result, warn_missing) + b"}\n"
