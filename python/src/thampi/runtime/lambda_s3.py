"""Big files of a model, from S3 into memory or onto scratch disk, in ranges, several at a time.

    blob = Blob("thampi-store", "model.pkl", {"key": "…", "sha256": "…", "bytes": 900_000_000})
    blob.fetch(deadline)
    model = pickle.load(blob.drain())

A range that has arrived stays: when time runs out, the next attempt fetches only what is missing. Nothing is
given away before the digest of the whole is right.
"""

import hashlib
import io
import mmap
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor

from thampi.errors import ThampiError

__all__ = ["Blob"]

_RANGE = 16 * 1024 * 1024
_AT_ONCE = 8
_PIECE = 256 * 1024
_TRIES = 5
_CONNECT_SECONDS, _READ_SECONDS = 3, 10


class Blob:
    """One object of S3 on its way here. `file` is its path in the model, `path` where it is to become a file;
    None: memory of its own, which no disk ever sees."""

    def __init__(self, bucket, file, about, path=None):
        self.file = file
        self._bucket = bucket
        self._key = about["key"]
        self._sha256 = about["sha256"]
        self._size = about["bytes"]
        self._path = path
        self._bytes = None
        self._missing = {}  # start of a range → from where on it is missing

    def fetch(self, deadline):
        """Gets what is missing, or gives up before `deadline` (on the clock of `time.monotonic`).

        Raises ThampiError: MODEL_MISSING, PERMISSION, NETWORK (worth another attempt), INTEGRITY, DISK_FULL,
        MODULE_MISSING where there is no boto3.
        """
        if self._bytes is None:
            self._bytes = self._room()
            self._missing = {start: start for start in range(0, self._size, _RANGE)}
        with memoryview(self._bytes) as whole, whole[: self._size] as view:
            found = self._fetched(view, deadline)
        if found != self._sha256:
            self.discard()
            raise self._corrupt(f"its digest is sha256:{found}, wanted sha256:{self._sha256}")
        if self._path is not None:
            self._bytes.flush()
            self.discard()

    def drain(self):
        """A binary file with the bytes that were fetched. It can be read once: memory that was read is given
        back, so that a model and its bytes need not have room beside each other."""
        drained, self._bytes = _Draining(self._bytes, self._size), None
        return io.BufferedReader(drained, _PIECE)

    def discard(self):
        """Forgets what has arrived."""
        if self._bytes is not None:
            self._bytes.close()
            self._bytes = None

    def _room(self):
        if self._path is None:
            return mmap.mmap(-1, max(1, self._size), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            # Whoever writes to a page that finds no room on the disk is ended by the system.
            os.posix_fallocate(descriptor, 0, max(1, self._size))
            return mmap.mmap(descriptor, max(1, self._size))
        except OSError as error:
            what = f"Scratch disk has no room for {self._size:,} bytes of {self.file}: {error.strerror}."
            raise ThampiError("DISK_FULL", what, hint="give the function more scratch disk.") from error
        finally:
            os.close(descriptor)

    def _fetched(self, view, deadline):
        """Fetches what is missing of `view`; the digest of the whole, which is made meanwhile."""
        digest, failed = hashlib.sha256(), []
        left = deadline - time.monotonic()
        read_seconds = max(0.5, min(_READ_SECONDS, left / 4))
        client = _client(read_seconds) if self._missing else None

        def fetch(start):
            try:
                if not failed and start in self._missing:
                    self._fetch_range(client, start, view, deadline - read_seconds)
            except Exception as error:
                failed.append(error)
            return start

        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="thampi-s3") as threads:
            for start in threads.map(fetch, range(0, self._size, _RANGE)):
                if not failed:
                    digest.update(view[start : start + _RANGE])
        if client is not None:
            client.close()
        if failed:
            raise failed[0]
        return digest.hexdigest()

    def _fetch_range(self, client, start, view, give_up):
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
        from urllib3.exceptions import HTTPError

        for again in range(_TRIES):
            if again:
                time.sleep(random.uniform(0, min(2, 0.1 * 2**again)))
            try:
                self._continue_range(client, start, view, give_up)
                return
            except (ClientError, NoCredentialsError) as error:
                why = self._explained(error)
                if why.code != "NETWORK":
                    raise why from error
            except (BotoCoreError, HTTPError, OSError) as error:
                why = self._unreachable(f"{type(error).__name__}: {error}")
            if time.monotonic() > give_up:
                break
        raise why

    def _continue_range(self, client, start, view, give_up):
        at, end = self._missing[start], min(start + _RANGE, self._size)
        answer = client.get_object(Bucket=self._bucket, Key=self._key, Range=f"bytes={at}-{end - 1}")
        if answer.get("ContentRange") != f"bytes {at}-{end - 1}/{self._size}":
            raise self._corrupt(f"S3 has {answer.get('ContentRange')}, wanted {self._size:,} bytes in all")
        with answer["Body"] as body:
            while at < end:
                if time.monotonic() > give_up:
                    raise self._unreachable("the time for it is over")
                piece = body.read(min(_PIECE, end - at))
                if not piece:
                    raise OSError("the connection ended early")
                view[at : at + len(piece)] = piece
                at += len(piece)
                self._missing[start] = at
        del self._missing[start]

    def _explained(self, error):
        """What an answer of S3 that is a refusal means."""
        response = getattr(error, "response", {})
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code = response.get("Error", {}).get("Code")
        if status == 404:
            what = f"{self.file} is not in S3: {self._place()} does not exist."
            return ThampiError("MODEL_MISSING", what, hint="serve the model again.")
        if status == 416:
            return self._corrupt(f"{self._place()} has fewer than {self._size:,} bytes")
        if status is None or status in (301, 307, 400, 401, 403):
            # Without the right to list a bucket, S3 refuses what does not exist in the same words.
            what = f"S3 does not give {self._place()} to this function, or it is not there: {code or error}."
            hint = "allow s3:GetObject on it to the function's role, or serve the model again."
            return ThampiError("PERMISSION", what, hint=hint)
        return self._unreachable(f"S3 answers {status} {code}")

    def _unreachable(self, why):
        still = sum(min(start + _RANGE, self._size) - at for start, at in self._missing.items())
        what = f"{self.file} has not come from S3 in time; {still:,} of {self._size:,} bytes are missing."
        return ThampiError("NETWORK", what, why=f"{why}.", hint="ask again: what has arrived is kept.")

    def _corrupt(self, why):
        what = f"{self.file} in S3 is not the file that was packed; it was not loaded."
        return ThampiError("INTEGRITY", what, why=f"{self.file}: {why}.", hint="serve the model again.")

    def _place(self):
        return f"s3://{self._bucket}/{self._key}"


def _client(read_seconds):
    try:
        import boto3
        from botocore.config import Config
    except ModuleNotFoundError as error:
        what = f"The model is in S3, and the module `{error.name}`, which gets it, is not here."
        raise ThampiError("MODULE_MISSING", what, hint="add boto3 to the dependency file.") from error
    # What fails is repeated by us: a range goes on where it broke off, and time is never lost unseen.
    config = Config(
        connect_timeout=min(_CONNECT_SECONDS, read_seconds),
        read_timeout=read_seconds,
        max_pool_connections=_AT_ONCE,
        retries={"total_max_attempts": 1},
    )
    return boto3.client("s3", config=config)


class _Draining(io.RawIOBase):
    """Reads anonymous memory once, from its beginning, and gives back to the system what was read."""

    # What is read at once stands in two places for a moment.
    _MOST = 4 * 1024 * 1024

    def __init__(self, memory, size):
        super().__init__()
        self._memory = memory
        self._size = size
        self._at = 0
        self._given_back = 0

    def readable(self):
        return True

    def readinto(self, into):
        count = min(len(into), self._size - self._at, self._MOST)
        with memoryview(self._memory) as view:
            into[:count] = view[self._at : self._at + count]
        self._at += count
        whole_pages = self._at // self._MOST * self._MOST
        if whole_pages > self._given_back:
            length = whole_pages - self._given_back
            self._memory.madvise(mmap.MADV_DONTNEED, self._given_back, length)
            self._given_back = whole_pages
        return count

    def close(self):
        self._memory.close()
        super().close()
