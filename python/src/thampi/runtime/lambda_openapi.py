"""What callers may know of the model, as it was packed, with its version and address in a function.

openapi_for(manifest["openapi"], request, source)
"""

import re

__all__ = ["openapi_for"]

_VERSION = "{{thampi:version}}"
_SERVER = "{{thampi:server}}"
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+")
_HARMLESS = re.compile(r"[/A-Za-z0-9._~-]*")


def openapi_for(text, request, source):
    """`text` is the manifest's; `contract/lambda.md` says what its marks stand for."""
    return text.replace(_VERSION, str(source.version)).replace(_SERVER, _server_of(request, source))


def _server_of(request, source):
    """Without a slash at the end; what could be no address is left out."""
    prefix = re.sub(r"/[^/]*/openapi\.json\Z", "", request.path)
    if prefix.endswith(f"/{source.stage}"):
        prefix = prefix[: -len(source.stage) - 1]
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host) or not _HARMLESS.fullmatch(prefix):
        return ""
    scheme = "http" if request.headers.get("x-forwarded-proto") == "http" else "https"
    return f"{scheme}://{host}{prefix}"
