"""SQLite failing in the middle of things: the error tells a certain no from an unknown, and nothing is half-written."""

import resource
import sqlite3
from collections.abc import Callable
from contextlib import closing as closed_after
from multiprocessing.connection import Connection
from pathlib import Path
from types import NoneType

import pytest

from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.core.model.outcome import Record
from handler.ledgers.sqlite.ledger import SqliteLedger
from tests.contract.processes import received, running
from tests.contract.samples import GROUP, idle_row, record
from tests.contract.stores import Closing, FailsAfterCommit, GivenClock, OpenLedger, SqliteStore, WriteHook

CHANGED = idle_row().changed(base=2000)
MANY: dict[str, Record] = {f"operation {number}": record(f"operation {number}") for number in range(200)}
# The frames of a write-ahead log are a page and 24 bytes long; an odd step meets them at different places.
STEP_BYTES = 3001


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    store = SqliteStore(str(tmp_path / "ledger.db"))
    with closed_after(store.open(GivenClock())) as ledger:
        ledger.swap(GROUP, idle_row(), {})
    return store


@pytest.fixture
def ledger(store: SqliteStore, clock: GivenClock, closing: Closing) -> OpenLedger:
    """A sound ledger on the file, with little patience."""
    return closing(SqliteLedger(store.path, clock, busy_timeout_s=0.05))


def state(ledger: OpenLedger) -> str:
    row, found = ledger.load(GROUP), ledger.find(GROUP, list(MANY))
    if (row, found) == (idle_row(), {}):
        return "before"
    assert (row, found) == (CHANGED, MANY), "half-written"
    return "after"


class _BusyAtCommit(WriteHook):
    unfinished: sqlite3.Cursor

    def commit_write(self) -> sqlite3.Cursor:
        # SQLite leaves the transaction open where it refuses a COMMIT like this, and to close a connection does not
        # end it as long as somebody holds a question to it whose answers are not all read.
        self.unfinished = super().execute("SELECT 1 UNION SELECT 2")
        raise sqlite3.OperationalError("database is locked")


class _FullFile(sqlite3.Connection):
    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]  # whatever `sqlite3.connect` hands on
        self.execute("PRAGMA max_page_count = 1")


def test_a_commit_refused_as_busy_is_a_certain_no(
    store: SqliteStore, clock: GivenClock, ledger: OpenLedger, closing: Closing
) -> None:
    """The transaction is undone at once, so that nobody waits for its lock."""
    busy = closing(SqliteLedger(store.path, clock, factory=_BusyAtCommit))
    with pytest.raises(LedgerUnavailable, match="locked"):
        busy.swap(GROUP, CHANGED, MANY)
    assert state(ledger) == "before"
    assert ledger.swap(GROUP, CHANGED, MANY)


def test_a_file_that_may_not_grow_is_a_certain_no(
    store: SqliteStore, clock: GivenClock, ledger: OpenLedger, closing: Closing
) -> None:
    """The room is missed in the middle of the transaction, before COMMIT."""
    full = closing(SqliteLedger(store.path, clock, factory=_FullFile))
    with pytest.raises(LedgerUnavailable, match="full"):
        full.swap(GROUP, CHANGED, MANY)
    assert state(full) == state(ledger) == "before"
    assert full.swap(GROUP, CHANGED, {})


def test_a_disk_that_fills_up_at_any_byte_leaves_nothing_half_written(
    store: SqliteStore, clock: GivenClock, closing: Closing
) -> None:
    """The error says that nothing was written, or that nobody knows; with room again, all is as before."""
    ledger = closing(store.open(clock))
    failures: list[Exception | None] = []
    while None not in failures:
        assert state(ledger) == "before"
        log = Path(f"{store.path}-wal")
        room = len(failures) * STEP_BYTES + (log.stat().st_size if log.exists() else 0)
        failures.append(failure_with_files_up_to(room, lambda: ledger.swap(GROUP, CHANGED, MANY)))
    assert state(ledger) == "after"
    assert {type(error) for error in failures} >= {AnswerLost, NoneType}
    assert all("disk" in str(error) for error in failures if error)


def failure_with_files_up_to(size: int, write: Callable[[], bool]) -> Exception | None:
    """Write while this process may make no file longer than that; the error of the ledger, if there is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        assert write()
    except (AnswerLost, LedgerUnavailable) as error:
        return error
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    return None


def test_a_writer_who_waits_too_long_is_told_a_certain_no(store: SqliteStore, ledger: OpenLedger) -> None:
    """Readers do not wait for writers at all."""
    with closed_after(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable, match="locked"):
            ledger.swap(GROUP, CHANGED, MANY)
        assert state(ledger) == "before"
    assert ledger.swap(GROUP, CHANGED, MANY)


@pytest.mark.parametrize(
    "call",
    [lambda ledger: ledger.load(GROUP), lambda ledger: ledger.swap(GROUP, CHANGED, MANY)],
    ids=["a read", "a write"],
)
def test_a_broken_connection_costs_no_more_than(
    store: SqliteStore, clock: GivenClock, closing: Closing, call: Callable[[OpenLedger], object]
) -> None:
    """The call after it has a new one."""
    made: list[sqlite3.Connection] = []

    class Remembered(sqlite3.Connection):
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[arg-type]  # whatever `sqlite3.connect` hands on
            made.append(self)

    ledger = closing(SqliteLedger(store.path, clock, factory=Remembered))
    assert state(ledger) == "before"
    made[-1].close()
    with pytest.raises(LedgerUnavailable, match="closed"):
        call(ledger)
    assert ledger.swap(GROUP, CHANGED, MANY)
    assert len(made) == 2


def test_a_damaged_file_is_unavailable(store: SqliteStore, ledger: OpenLedger) -> None:
    """What cannot be read is not guessed at."""
    path = Path(store.path)
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * (path.stat().st_size - 100))
    with pytest.raises(LedgerUnavailable, match="malformed"):
        ledger.load(GROUP)


def test_a_mistake_of_the_program_holds_up_nobody_else(
    store: SqliteStore, clock: GivenClock, ledger: OpenLedger, closing: Closing
) -> None:
    """The lock of a write that ends in an exception of any kind is let go of."""
    mistaken = closing(store.open(clock))
    with pytest.raises(AttributeError):
        mistaken.swap(GROUP, CHANGED, {"operation": "not a record"})  # type: ignore[dict-item]  # the mistake
    assert state(ledger) == "before"
    assert ledger.swap(GROUP, CHANGED, MANY)


@pytest.mark.parametrize("factory", [_BusyAtCommit, _FullFile, FailsAfterCommit])
def test_errors_show_nothing_of_rows_and_records(
    store: SqliteStore, clock: GivenClock, closing: Closing, factory: type[sqlite3.Connection]
) -> None:
    """They go to logs and to callers; the path of the file is all that they tell."""
    ledger = closing(SqliteLedger(store.path, clock, factory=factory))
    with pytest.raises((AnswerLost, LedgerUnavailable)) as caught:
        ledger.swap(GROUP, CHANGED, MANY)
    text = f"{caught.value!r} {caught.value.__cause__!r}"
    assert store.path in text
    assert not any(word in text for word in (GROUP.id, "operation", "v1:", "like", "receipt", "INSERT"))


def write_and_stop(pipe: Connection, path: str, when: str) -> None:
    """Write the change, but stand still before or after its COMMIT, until killed."""

    def stop() -> None:
        pipe.send("stopped")
        pipe.recv()

    class Stops(WriteHook):
        def commit_write(self) -> sqlite3.Cursor:
            if when == "before":
                stop()
            cursor = super().commit_write()
            stop()
            return cursor

    SqliteLedger(path, GivenClock(), factory=Stops).swap(GROUP, CHANGED, MANY)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_writer_killed_at_its_commit_leaves_the_state(store: SqliteStore, ledger: OpenLedger, when: str) -> None:
    """Killed just before, it has written nothing; just after, everything. Its lock dies with it."""
    with running(write_and_stop, store.path, when) as (process, pipe):
        assert received(pipe) == "stopped"
        assert state(ledger) == when
        process.kill()
        process.join()
    assert state(ledger) == when
    assert ledger.swap(GROUP, (CHANGED if when == "after" else idle_row()).changed(), {})
