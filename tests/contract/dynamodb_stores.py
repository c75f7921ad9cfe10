"""Tables of DynamoDB as stores under contract: one server for all tests of a worker, a table for each."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial

from handler.core.model.operation import NO_WATERMARKS, Watermarks
from handler.core.model.outcome import Records
from handler.core.model.row import Group, Row, Settlement
from handler.core.ports.system import Clock
from handler.ledgers.dynamodb.ledger import DynamoDbLedger
from handler.ledgers.dynamodb.schema import create_table
from tests.contract.samples import GROUP, idle_row
from tests.sandbox import dynamodb
from tests.sandbox.dynamodb import Interceptor, LosesAnswers

# Nobody listens at this port.
NOWHERE = "http://127.0.0.1:1"


@dataclass(frozen=True)
class DynamoDbStore:
    """A table on the server at `endpoint`."""

    endpoint: str
    table: str

    @classmethod
    def new(cls, endpoint: str) -> DynamoDbStore:
        """An empty table that forgets nothing by itself: the server would go by its own clock."""
        store = cls(endpoint, f"counters-{uuid.uuid4()}")
        create_table(dynamodb.client(endpoint), store.table, forgets=False)
        return store

    @classmethod
    def with_idle_group(cls, endpoint: str, clock: Clock) -> DynamoDbStore:
        """A table in which the group is idle."""
        store = cls.new(endpoint)
        ledger = store.open(clock)
        ledger.swap(GROUP, idle_row(), {})
        ledger.close()
        return store

    def open(self, clock: Clock) -> ForgetfulLedger:
        return ForgetfulLedger(self, clock)

    def open_losing_answers(self, clock: Clock, *, applied: bool) -> ForgetfulLedger:
        """A ledger whose writes lose their answers on the way back from the server, or never take effect."""
        return self.open_through(clock, LosesAnswers(self.endpoint, self.table, applied=applied))

    def open_through(self, clock: Clock, interceptor: Interceptor) -> ForgetfulLedger:
        """A ledger all of whose requests pass through `interceptor`."""
        return ForgetfulLedger(self, clock, interceptor)

    def open_out_of_reach(self, clock: Clock) -> DynamoDbLedger:
        """A ledger on a server that is not there."""
        return DynamoDbLedger(self.table, clock, endpoint=NOWHERE, session=dynamodb.session)


class ForgetfulLedger(DynamoDbLedger):
    """A ledger whose table forgets what is past its `ttl` by the ledger's clock, whenever that clock has been moved."""

    def __init__(self, store: DynamoDbStore, clock: Clock, interceptor: Interceptor | None = None) -> None:
        session = partial(dynamodb.session, interceptor)
        super().__init__(store.table, clock, endpoint=store.endpoint, session=session)
        self._table_name = store.table
        self._cleaner = dynamodb.client(store.endpoint)
        self._given = clock
        self._forgot_at = clock.now()

    def swap(self, group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> bool:
        self._forget()
        return super().swap(group, row, records, watermarks)

    def settle(self, group: Group, settlement: Settlement) -> bool:
        self._forget()
        return super().settle(group, settlement)

    def _forget(self) -> None:
        now = self._given.now()
        if now == self._forgot_at:
            return
        self._forgot_at = now
        items = dynamodb.items(self._cleaner, self._table_name)
        past = [item for item in items if "ttl" in item and float(str(item["ttl"]["N"])) <= now]
        dynamodb.delete(self._cleaner, self._table_name, past)
