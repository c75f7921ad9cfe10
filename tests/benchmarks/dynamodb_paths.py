"""An undisturbed operation on DynamoDB, in four plain calls or in two transactions: calls, time and cost of each.

Both ways write the same items under the same conditions, in turns and in one run, on a server on this machine: its
times say how the two compare, not how long either takes on AWS. Units are those that the server reports, which follows
AWS's rules: a write unit per kilobyte begun of each item that is written, a read unit per four kilobytes of each that
is read strongly, and twice as many of either in a transaction.

    python -m tests.benchmarks.dynamodb_paths [operations]
"""

import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from botocore.client import BaseClient

from handler.core.model.operation import Mode
from handler.core.model.outcome import Applied, Record
from handler.core.model.row import Attempt, Entry, Group, Row, Settlement
from handler.ledgers.dynamodb.client import Client
from handler.ledgers.dynamodb.items import Item, Stored, record_item, record_key
from handler.ledgers.dynamodb.ledger import DynamoDbLedger
from handler.ledgers.dynamodb.schema import create_table
from handler.ledgers.dynamodb.table import Request, Table, new_item
from handler.ledgers.dynamodb.updates import begun, created, settled
from tests.contract.stores import GivenClock
from tests.sandbox import dynamodb
from tests.sandbox.dynamodb import Meter
from tests.sandbox.ministack import MiniStack

APP = 1_400_000_000
OPERATIONS = 300
WARMING_UP = 20

# US East (N. Virginia), on demand, Standard class, as of 2026-11: an assumption, prices change.
DOLLARS_PER_MILLION_WRITES = 0.625
DOLLARS_PER_MILLION_READS = 0.125

Way: TypeAlias = Callable[[], None]


@dataclass(slots=True)
class Figures:
    """What one way came to."""

    meter: Meter
    times_s: list[float]

    def line(self, name: str, fastest_s: float) -> str:
        operations, median_s = len(self.times_s), statistics.median(self.times_s)
        writes, reads = self.meter.write_units / operations, self.meter.read_units / operations
        dollars = writes * DOLLARS_PER_MILLION_WRITES + reads * DOLLARS_PER_MILLION_READS
        return (
            f"{name:26}{len(self.meter.calls) / operations:6.2f}{writes:8.2f}{reads:8.2f}"
            f"{1000 * median_s:9.2f}{median_s / fastest_s:8.2f}{dollars:12.2f}"
        )


class ByHand:
    """One group's operations, with the requests that the ledger makes, put together in two ways."""

    def __init__(self, table: Table, group: Group) -> None:
        self._table = table
        self._group = group
        self._numbers = count()
        row = Row(version=1, generation=1, receipt_key="_receipt", base=1000)
        self._idle, request = created(group, row)
        table.update(request)

    def plainly(self) -> None:
        attempt, opened, opening = self._opening()
        (entry,) = attempt.entries
        assert self._table.get(record_key(self._group, entry.id)) is None
        assert self._table.update(opening).held
        assert self._table.put_new(self._record(entry)).held
        assert self._table.update(self._closing(attempt, opened)).held

    def in_transactions(self) -> None:
        attempt, opened, opening = self._opening()
        (entry,) = attempt.entries
        absent = {"Key": record_key(self._group, entry.id), "ConditionExpression": "attribute_not_exists(pk)"}
        assert not self._table.transact([("ConditionCheck", absent), ("Update", opening)])
        closing_request = {k: v for k, v in self._closing(attempt, opened).items() if k != "ReturnValues"}
        assert not self._table.transact([("Put", new_item(self._record(entry))), ("Update", closing_request)])

    def _opening(self) -> tuple[Attempt, Stored, Request]:
        attempt = attempt_of(next(self._numbers))
        opened, request = begun(self._group, self._idle, attempt)
        return attempt, opened, request

    def _closing(self, attempt: Attempt, opened: Stored) -> Request:
        base = opened.row.base or 0
        row = opened.row.changed(attempt=None, base=base + attempt.weight)
        self._idle = Stored(row, row.version, opened.size)
        return settled(self._group, Settlement(attempt=attempt, base=base, new_base=base + attempt.weight))

    def _record(self, entry: Entry) -> Item:
        return record_item(self._group, entry.id, record_of(entry), ahead=True)


def attempt_of(number: int) -> Attempt:
    """An attempt with one operation, both with ids as long as real ones."""
    entry = Entry(
        id=f"{number:022}",
        fingerprint=f"v1:{number:064x}",
        mode=Mode.INCREASE,
        counters=(("like", 5),),
        window_s=1_296_000.0,
    )
    return Attempt(
        id=f"{number:024x}", weight=600_000, mode=Mode.INCREASE, entries=(entry,), signed_at=1_700_000_000, life_s=6
    )


def record_of(entry: Entry) -> Record:
    return Record(entry.fingerprint, Applied((("like", 123_456),)), 1_700_000_000.123456, entry.window_s)


def through(ledger: DynamoDbLedger, group: Group) -> Way:
    numbers = count()
    ledger.swap(group, Row(version=1, generation=1, receipt_key="_receipt", base=1000), {})

    def operate() -> None:
        attempt = attempt_of(next(numbers))
        row = ledger.begin(group, attempt, "_receipt", 1)
        assert row is not None
        base = row.base or 0
        (entry,) = attempt.entries
        records = {entry.id: record_of(entry)}
        assert ledger.settle(
            group, Settlement(attempt=attempt, base=base, new_base=base + attempt.weight, records=records)
        )

    return operate


@contextmanager
def ways(endpoint: str) -> Iterator[dict[str, tuple[Way, Meter]]]:
    """Each way with what meters it, on a table of its own."""
    clock = GivenClock()
    meters = [Meter() for _ in range(3)]
    clients = [Client(None, endpoint, meter.session, _as_it_is) for meter in meters]
    name = f"counters-{uuid.uuid4()}"
    create_table(dynamodb.client(endpoint), name, forgets=False)
    plain, together = (
        ByHand(Table(name, client, clock), Group(APP, way))
        for client, way in zip(clients[:2], ("plain", "together"), strict=True)
    )
    with closing(DynamoDbLedger(name, clock, endpoint=endpoint, session=meters[2].session)) as ledger:
        yield {
            "four plain calls": (plain.plainly, meters[0]),
            "two transactions": (together.in_transactions, meters[1]),
            "the ledger itself": (through(ledger, Group(APP, "ledger")), meters[2]),
        }
    for client in clients:
        client.close()


def _as_it_is(client: BaseClient) -> None:
    """The table is there."""


def measure(endpoint: str, operations: int) -> dict[str, Figures]:
    with ways(endpoint) as candidates:
        figures = {name: Figures(meter, []) for name, (_, meter) in candidates.items()}
        for number in range(WARMING_UP + operations):
            for name, (operate, meter) in candidates.items():
                if number == WARMING_UP:
                    meter.reset()
                began = time.perf_counter()
                operate()
                if number >= WARMING_UP:
                    figures[name].times_s.append(time.perf_counter() - began)
    return figures


def main() -> None:
    """Print the table."""
    operations = int(sys.argv[1]) if len(sys.argv) > 1 else OPERATIONS
    with TemporaryDirectory() as folder, MiniStack(Path(folder), "dynamodb") as stack:
        figures = measure(stack.endpoint, operations)
    fastest_s = min(statistics.median(each.times_s) for each in figures.values())
    print(f"{operations} operations each, in turns")
    print(f"{'':26}{'calls':>6}{'writes':>8}{'reads':>8}{'ms, p50':>9}{'ratio':>8}{'$/million':>12}")
    for name, each in figures.items():
        print(each.line(name, fastest_s))


if __name__ == "__main__":
    main()
