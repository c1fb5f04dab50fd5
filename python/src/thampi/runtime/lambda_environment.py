"""`remote_env`: more environment for the model of a function, from S3, read once before the model is loaded.

environment = RemoteEnvironment({"bucket": "my-secrets", "key": "live.json", "replaces": ["MODE"]})
environment.take(deadline)

Values are in no message and in no log: a file of this sort holds passwords.
"""

import json
import os
import re
import time

from thampi.errors import ThampiError

__all__ = ["RemoteEnvironment"]

_NAME = re.compile(r"[^=\0]+")
_TRIES = 3
_SECONDS = 5


class RemoteEnvironment:
    """`about` is `remoteEnvironment` of `contract/lambda.md`."""

    def __init__(self, about):
        self._bucket, self._key = about["bucket"], about["key"]
        self._replaces = about["replaces"]
        self._taken = False

    def take(self, deadline):
        """Sets what the file says, unless that was done; gives up before `deadline` (of `time.monotonic`).

        Raises ThampiError: SETTINGS_INVALID, PERMISSION, NETWORK (worth another attempt), MODULE_MISSING
        where there is no boto3.
        """
        if self._taken:
            return
        for name, value in self._read(self._fetched(deadline)).items():
            # What the settings say wins, and what Lambda says of itself: it is what boto3 lives by.
            if name not in os.environ or name in self._replaces:
                os.environ[name] = value
        self._taken = True

    def _read(self, content):
        try:
            values = json.loads(content)
        except (ValueError, RecursionError) as error:
            where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
            raise self._invalid(f"is no JSON{where}") from None
        if not isinstance(values, dict):
            raise self._invalid("is no object of names and texts")
        for name, value in values.items():
            if not _NAME.fullmatch(name):
                raise self._invalid(f"has {json.dumps(name)}, which is no name of a variable")
            if not isinstance(value, str) or "\0" in value:
                raise self._invalid(f"has no text as the value of {name}")
        return values

    def _fetched(self, deadline):
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
        except ModuleNotFoundError as error:
            what = f"`remote_env` is in S3, and the module `{error.name}`, which gets it, is not here."
            raise ThampiError("MODULE_MISSING", what, hint="add boto3 to the dependency file.") from error
        # So that all attempts fit into what is left of the event.
        seconds = max(0.5, min(_SECONDS, (deadline - time.monotonic()) / (2 * _TRIES)))
        config = Config(connect_timeout=seconds, read_timeout=seconds, retries={"total_max_attempts": _TRIES})
        try:
            client = boto3.client("s3", config=config)
            with client.get_object(Bucket=self._bucket, Key=self._key)["Body"] as body:
                return body.read()
        except (ClientError, NoCredentialsError) as error:
            raise self._refused(error) from None
        except (BotoCoreError, OSError) as error:
            raise self._unreachable(f"{type(error).__name__}: {error}") from None

    def _refused(self, error):
        response = getattr(error, "response", {})
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code = response.get("Error", {}).get("Code")
        if status == 404:
            return self._invalid("does not exist")
        if status is None or status in (301, 307, 400, 401, 403):
            # Without the right to list a bucket, S3 refuses what does not exist in the same words.
            where = f"{self._place()} (`remote_env`)"
            what = f"S3 does not give {where} to this function, or it is not there: {code or error}."
            hint = "put the file there; allow s3:GetObject on it to the function's role."
            return ThampiError("PERMISSION", what, hint=hint)
        return self._unreachable(f"S3 answers {status} {code}")

    def _unreachable(self, why):
        what = f"{self._place()} (`remote_env`) has not come from S3 in time."
        return ThampiError("NETWORK", what, why=f"{why}.", hint="ask again.")

    def _invalid(self, what):
        hint = 'put a flat JSON file there, such as {"MODE": "fast"}; no new version is needed.'
        return ThampiError("SETTINGS_INVALID", f"{self._place()} (`remote_env`) {what}.", hint=hint)

    def _place(self):
        return f"s3://{self._bucket}/{self._key}"
