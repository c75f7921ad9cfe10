"""What a hot group costs on DynamoDB while its calls take their time, and a sweep that finds nothing.

Operations that arrive one by one during a call are appended one by one, and each append writes the row again with all
that waits in it. They go out together in the next call. Units are those that the server reports, by AWS's rules.

    python -m tests.benchmarks.dynamodb_hot_group
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from handler.core.model.row import Attempt, Group, Row, Settlement
from handler.ledgers.dynamodb.ledger import DynamoDbLedger
from handler.ledgers.dynamodb.schema import create_table
from tests.benchmarks.dynamodb_paths import APP, attempt_of, record_of
from tests.contract.stores import GivenClock
from tests.sandbox import dynamodb
from tests.sandbox.dynamodb import Meter
from tests.sandbox.ministack import MiniStack

# Open, call and settle, which is how long operations of one group wait for the call before theirs.
CYCLE_S = 0.135

# Operations a second, and how far apart the group's calls are.
LOADS: Sequence[tuple[int, float]] = ((50, CYCLE_S), (100, CYCLE_S), (200, CYCLE_S), (50, 1.0), (50, 3.0), (200, 0.5))

CALLS = 5
BYTES_MAX = 36 * 1024


def hot(ledger: DynamoDbLedger, group: Group, together: int, during: int) -> None:
    """So many operations for each call, those that come during the call before it first."""

    def append(call: int, numbers: Iterable[int]) -> None:
        for number in numbers:
            (entry,) = attempt_of(1 + call * together + number).entries
            assert ledger.append(group, [entry], BYTES_MAX) is not None

    ledger.swap(group, Row(version=1, generation=1, receipt_key="_receipt", base=1000), {})
    opened = _opened(ledger, group, [attempt_of(0)])
    for call in range(CALLS):
        append(call, range(during))
        records = {entry.id: record_of(entry) for entry in opened.entries}
        base = opened.base
        settlement = Settlement(attempt=opened, base=base, new_base=base + opened.weight, records=records)
        assert ledger.settle(group, settlement)
        append(call, range(during, together))
        opened = _opened(ledger, group, ())


def _opened(ledger: DynamoDbLedger, group: Group, first: Sequence[Attempt]) -> Attempt:
    """Open all that waits, or the first attempt."""
    row = ledger.load(group)
    assert row is not None
    entries = first[0].entries if first else row.queue
    attempt = replace(attempt_of(10**6 + row.version), entries=tuple(entries))
    assert ledger.swap(group, row.opened(attempt), {})
    return replace(attempt, base=row.base or 0)


def quiet(ledger: DynamoDbLedger) -> None:
    """What a sweep asks for where nothing is unfinished, held or parked."""
    ledger.unfinished(APP, 100)
    ledger.held(APP, 500)
    ledger.unfinished(APP, 500)
    list(ledger.parked().labels(APP))


def main() -> None:
    """Print the figures."""
    with TemporaryDirectory() as folder, MiniStack(Path(folder), "dynamodb") as stack:
        name, meter = f"counters-{uuid.uuid4()}", Meter()
        create_table(dynamodb.client(stack.endpoint), name, forgets=False)
        with closing(DynamoDbLedger(name, GivenClock(), endpoint=stack.endpoint, session=meter.session)) as ledger:
            quiet(ledger)
            print(f"a quiet sweep: {len(meter.calls)} requests, {meter.read_units} read units")
            for rate, apart_s in LOADS:
                together = round(rate * apart_s)
                meter.reset()
                hot(ledger, Group(APP, f"{rate} at {apart_s}"), together, round(rate * CYCLE_S))
                operations = CALLS * together
                units = f"{meter.write_units / operations:.2f} write and {meter.read_units / operations:.2f} read units"
                print(f"{rate}/s, {together} a call, {apart_s:g} s apart: {units} for an operation")


if __name__ == "__main__":
    main()
