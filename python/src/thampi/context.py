"""What a model is told about the call it answers."""

from __future__ import annotations

import logging
import math
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ThampiContext"]

LOGGER_NAME = "thampi.model"


class ThampiContext:
    """The second argument of `initialize`, `predict` and `predict_batch`.

    `logger`      a standard logger whose lines carry the request id
    `stage`       `staging`; None while saving
    `model`       the model's name in the URL
    `version`     the version's number; None while saving
    `properties`  what answers carry: instance_id, served_time_utc, trained_time_utc, …, tags
    `request_id`  of this request; empty in `initialize`, None in a batch of several
    `request_ids` of all requests of a batch, in its order
    `params`      what the caller sent beside the input, where the protocol has such a thing (MLflow, V2)

    Without arguments it is good enough to test a model: `MyModel().predict(args, thampi.ThampiContext())`.
    """

    def __init__(
        self,
        app: Any = None,
        *,
        stage: str | None = None,
        model: str | None = None,
        version: int | None = None,
        properties: dict[str, Any] | None = None,
        request_id: str | None = "",
        request_ids: list[str] | None = None,
        deadline: float | None = None,
        params: dict[str, Any] | None = None,
    ) -> None:
        self.stage = stage
        self.model = model
        self.version = version
        self.properties = {} if properties is None else properties
        self.request_id = request_id
        self._request_ids = request_ids
        self.logger = _LOGGER
        self._app = app
        self._deadline = deadline
        self._params = params

    def get_app(self) -> App:
        """Once the web application; today a small stand-in with `name`, `logger` and an empty `config`."""
        if self._app is None:
            self._app = App(self.model)
        return self._app

    def _for(
        self, request_id: str | None, deadline: float | None, request_ids: list[str] | None = None
    ) -> ThampiContext:
        """A copy for one call of the model, without the price of naming all arguments."""
        context = object.__new__(ThampiContext)
        own = {"request_id": request_id, "_request_ids": request_ids, "_deadline": deadline}
        context.__dict__ = {**self.__dict__, **own}
        return context

    @property
    def request_ids(self) -> list[str]:
        if self._request_ids is None:
            self._request_ids = [self.request_id] if self.request_id else []
        return self._request_ids

    @property
    def params(self) -> dict[str, Any]:
        return {} if self._params is None else self._params

    def remaining_time(self) -> float:
        """Seconds until the caller's deadline, never negative; infinite in `initialize`, which has none. In a
        batch the earliest deadline counts.

        Counted from the moment the runtime read the request.
        """
        if self._deadline is None:
            return math.inf
        return max(0.0, self._deadline - time.monotonic())

    def get_remaining_time_in_millis(self) -> int:
        """The same in whole milliseconds, under the name that AWS Lambda gave it; at most 2**31 - 1."""
        return int(min(self.remaining_time() * 1000, 2**31 - 1))


class App:
    """Stands in for the web application of 2018."""

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.config: dict[str, Any] = {}
        self.logger = _LOGGER


_LOGGER = logging.getLogger(LOGGER_NAME)
