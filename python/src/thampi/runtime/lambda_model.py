"""The model of a function: where its files are, when it is loaded, and what an event hears when it cannot be.

model = FunctionModel(manifest, "/var/task", version=7)
answerer, context = model.ready(deadline)
"""

import gc
import hashlib
import os
import sys
import time

from thampi.errors import ThampiError
from thampi.runtime import brought, serving

__all__ = ["FunctionModel"]

_PIECE = 1024 * 1024


class FunctionModel:
    """`manifest` is that of `contract/lambda.md`, `task_root` the directory that holds it.

    `in_function`  whether all files came with the function
    `load_ms`      how long loading has taken, None as long as it is not loaded
    """

    def __init__(self, manifest, task_root, version):
        where = manifest["model"]
        self.in_function = where["in"] == "function"
        self.load_ms = None
        self._start = {
            **manifest["start"],
            "modelDir": os.path.join(task_root, "model"),
            "version": version,
            "maxBatch": 1,
            "maxConcurrency": 1,
        }
        self._where = where
        self._scratch = f"thampi-{manifest['key'].rpartition(':')[2][:16]}"
        self._blobs = {}  # what has begun to come from S3
        self._ready = None
        self._environment = None
        remote = manifest.get("remoteEnvironment")
        if remote is not None:
            from thampi.runtime.lambda_environment import RemoteEnvironment

            self._environment = RemoteEnvironment(remote)
        code = os.path.join(task_root, "code")
        if os.path.isdir(code):
            sys.path.insert(0, code)

    def ready(self, deadline):
        """(answerer, what the contexts of all events have in common); loads the model if it is not loaded.

        `deadline` (on the clock of `time.monotonic`) is when to give up waiting for S3. Raises ThampiError.
        """
        if self._ready is None:
            began = time.monotonic()
            if self._environment is not None:
                self._environment.take(deadline)
            start, pickled = self._located(deadline)
            ready = serving.prepare(start, pickled)
            gc.freeze()  # what was loaded stays; the collector need not look at it again
            self.load_ms = round((time.monotonic() - began) * 1000)
            self._ready = ready
        return self._ready

    def forget(self):
        """The next call of `ready` loads the model anew."""
        self._ready = None

    def _located(self, deadline):
        try:
            return self._files(deadline)
        except OSError as error:
            what = f"The files of {self._start['model']} cannot be put in place: {error.strerror or error}."
            raise ThampiError("MODEL_LOAD_FAILED", what) from error

    def _files(self, deadline):
        """(`start` with the directory of the files, model.pkl where it is in memory)"""
        if self.in_function:
            return self._start, None
        remote, digests = self._where["files"], self._start["digests"]
        for file, about in remote.items():
            if digests.get(file) != f"sha256:{about['sha256']}":
                what = f"{file} of {self._start['model']} has two digests in the manifest of the function."
                raise ThampiError("INTEGRITY", what, hint="serve the model again.")
        is_pickle = list(remote) == ["model.pkl"] and not brought.is_brought(digests)
        if self._where["load"] == "memory" and is_pickle:
            return self._start, self._fetched("model.pkl", deadline).drain()
        return {**self._start, "modelDir": self._in_scratch(deadline)}, None

    def _in_scratch(self, deadline):
        """A directory with all files of the model. What is found there, because the process before this one
        has died, is taken only when its digest is right; what comes gets its name when it is whole."""
        import shutil
        import tempfile

        directory = os.path.join(tempfile.gettempdir(), self._scratch)
        part = f"{directory}.part"
        remote = self._where["files"]
        _remove_strangers(directory, self._start["digests"])
        for file, digest in self._start["digests"].items():
            path = os.path.join(directory, *file.split("/"))
            if _is_whole(path, digest):
                continue
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if file in remote:
                self._fetched(file, deadline, part)
            else:
                shutil.copyfile(os.path.join(self._start["modelDir"], *file.split("/")), part)
            os.replace(part, path)
        return directory

    def _fetched(self, file, deadline, path=None):
        """What has come before stays when there is not enough time."""
        from thampi.runtime.lambda_s3 import Blob  # threads and all

        if file not in self._blobs:
            self._blobs[file] = Blob(self._where["bucket"], file, self._where["files"][file], path)
        self._blobs[file].fetch(deadline)
        return self._blobs.pop(file)


def _is_whole(path, digest):
    try:
        with open(path, "rb") as stream:
            hashed = hashlib.sha256()
            for piece in iter(lambda: stream.read(_PIECE), b""):
                hashed.update(piece)
    except FileNotFoundError:
        return False
    return f"sha256:{hashed.hexdigest()}" == digest


def _remove_strangers(directory, files):
    """Bytecode that Python wrote, for example: a file without digest would be refused."""
    for place, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(place, name)
            if os.path.relpath(path, directory).replace(os.sep, "/") not in files:
                os.remove(path)
