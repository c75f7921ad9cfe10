"""The same increase behind Powertools' `@idempotent`, as its documentation shows it: what people use instead.

Only the store is our own, in memory and to the documented contract of a persistence layer, so that nothing has to be
installed or started. The handler posts and raises on an error, as in the documentation's example with `requests`.
"""

import time
from collections.abc import Callable, Mapping
from typing import cast

import requests
from aws_lambda_powertools.utilities.idempotency import BasePersistenceLayer, IdempotencyConfig, idempotent
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from tests.sandbox.caller import Caller

Handler = Callable[[Mapping[str, object], object], object]


class MemoryPersistence(BasePersistenceLayer):
    """A persistence layer as the documentation asks for: put if absent or expired, get, update, delete."""

    def __init__(self) -> None:
        self._records: dict[str, DataRecord] = {}
        super().__init__()  # type: ignore[no-untyped-call]  # Powertools leaves it without annotations

    def _get_record(self, idempotency_key: str) -> DataRecord:
        if idempotency_key not in self._records:
            raise IdempotencyItemNotFoundError
        return self._records[idempotency_key]

    def _put_record(self, data_record: DataRecord) -> None:
        known = self._records.get(data_record.idempotency_key)
        if known is not None and (known.expiry_timestamp or 0) > time.time():
            raise IdempotencyItemAlreadyExistsError(old_data_record=known)
        self._records[data_record.idempotency_key] = data_record

    def _update_record(self, data_record: DataRecord) -> None:
        self._records[data_record.idempotency_key] = data_record

    def _delete_record(self, data_record: DataRecord) -> None:
        self._records.pop(data_record.idempotency_key, None)


def naive_handler(backend: Caller, timeout_s: float) -> Handler:
    """A function that increases a counter behind a record; an event is {"key", "group", "counter", "by"}."""
    config = IdempotencyConfig(event_key_jmespath="key")

    @idempotent(persistence_store=MemoryPersistence(), config=config)
    def handler(event: Mapping[str, object], context: LambdaContext) -> object:
        body = {
            "GroupId": event["group"],
            "GroupCounter": [{"Key": event["counter"], "Value": event["by"]}],
            "Mode": "Increase",
        }
        response = requests.post(backend.endpoint + backend.target("update"), json=body, timeout=timeout_s)
        response.raise_for_status()
        return response.json()

    # The sandbox's context has what Powertools reads of it, without being of its class.
    return cast("Handler", handler)
