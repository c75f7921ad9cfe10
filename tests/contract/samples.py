"""Rows, attempts and records as the core makes them, made small."""

from typing import TypeVar

from handler.core.model.operation import Mode
from handler.core.model.outcome import Applied, Record
from handler.core.model.row import Attempt, Entry, Group, Remembered, Row, Settlement
from handler.core.ports.schedules import AnySchedule, Claim, Schedule
from handler.core.ports.system import Clock

_T = TypeVar("_T")

RECEIPT_KEY = "_receipt"
GENERATION = 1
WEIGHT = 600_000
WINDOW_S = 3600.0
GROUP = Group(1_400_000_000, "@TGS#1")


def there(value: _T | None) -> _T:
    """What is expected to be there, and is."""
    assert value is not None
    return value


def entry(name: str = "operation", key: str = "like") -> Entry:
    return Entry(id=name, fingerprint=f"v1:{name}", mode=Mode.INCREASE, counters=((key, 5),), window_s=WINDOW_S)


def attempt(*entries: Entry, name: str = "attempt") -> Attempt:
    """A call that carries these operations, one of its own if none are given."""
    return Attempt(
        id=name,
        weight=WEIGHT,
        mode=Mode.INCREASE,
        entries=entries or (entry(f"{name}'s"),),
        signed_at=1_700_000_000,
        life_s=6,
    )


def idle_row() -> Row:
    """The first row of a group in which nothing is owed; its receipt stands at 1000."""
    return Row(version=1, generation=GENERATION, receipt_key=RECEIPT_KEY, base=1000)


def past_attempt() -> Remembered:
    return Remembered(attempt(name="past"))


def record(name: str = "operation", value: int = 5, at: float = 1_700_000_000.0) -> Record:
    """The answer of an operation, settled at `at`."""
    return Record(f"v1:{name}", Applied((("like", value),)), at, WINDOW_S)


def settlement(of: Attempt, base: int = 1000) -> Settlement:
    """What is written when `of` has landed: its operations' records, and the receipt moved by its weight."""
    records = {operation.id: record(operation.id) for operation in of.entries}
    return Settlement(attempt=of, base=base, new_base=base + of.weight, records=records)


def claim(  # each test leaves most of it as it is
    clock: Clock,
    calls: float,
    rate: float = 100,
    ahead_max_s: float = 1,
    schedule: AnySchedule = Schedule.UPDATES,
    app: int = GROUP.app,
    longest_s: float = 100,
) -> Claim:
    """So many calls, by an instance whose clock is right."""
    return Claim(
        app=app,
        schedule=schedule,
        calls=calls,
        rate=rate,
        ahead_max_s=ahead_max_s,
        longest_s=longest_s,
        now=clock.now(),
        lag_s=0,
    )
