"""What a SQLite ledger makes of the path that it is given."""

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextlib import closing as closed_after
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from handler.core.errors import LedgerUnavailable
from handler.core.model.row import Group, Pause
from handler.core.ports.ledger import Generation
from handler.ledgers.sqlite.ledger import SqliteLedger
from tests.contract.processes import received, running
from tests.contract.samples import GROUP, idle_row, record
from tests.contract.stores import Closing, GivenClock, OpenLedger
from tests.contract.streams import feed

NOBODY = 65534
PROCESSES = 8
FILES = 5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path, clock: GivenClock, closing: Closing) -> OpenLedger:
    return closing(SqliteLedger(str(path), clock))


@contextmanager
def unprivileged() -> Iterator[None]:
    """For a while, be a user who has to ask: the superuser may write any file."""
    is_superuser = os.geteuid() == 0
    if is_superuser:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_superuser:
            os.seteuid(0)


def refusal(ledger: OpenLedger) -> str:
    """Why the ledger can be neither read nor written."""
    with pytest.raises(LedgerUnavailable) as reading:
        ledger.load(GROUP)
    with pytest.raises(LedgerUnavailable) as writing:
        ledger.swap(GROUP, idle_row(), {"operation": record()})
    assert str(reading.value) == str(writing.value)
    return str(reading.value)


def test_to_make_a_ledger_touches_no_file(ledger: OpenLedger, path: Path) -> None:
    assert not path.exists()
    ledger.load(GROUP)
    assert path.exists()


def test_an_empty_file_becomes_a_ledger(ledger: OpenLedger, path: Path) -> None:
    """Somebody may have made it, to own it."""
    path.touch()
    assert ledger.swap(GROUP, idle_row(), {})


def test_a_missing_folder_is_named_as_the_reason(path: Path, clock: GivenClock, closing: Closing) -> None:
    """No folder is made: a path with a slip of the pen would hide a lost ledger."""
    missing = path.parent / "missing" / "ledger.db"
    reason = refusal(closing(SqliteLedger(str(missing), clock)))
    assert reason == f"the ledger file {missing} cannot be used: its folder does not exist"
    assert not missing.parent.exists()


def test_a_folder_is_no_ledger(path: Path, ledger: OpenLedger) -> None:
    path.mkdir()
    assert refusal(ledger).endswith("unable to open database file")


def test_a_file_of_another_kind_is_refused_and_left_alone(path: Path, ledger: OpenLedger) -> None:
    path.write_text("a shopping list\n" * 100)
    assert refusal(ledger).endswith("file is not a database")
    assert path.read_text() == "a shopping list\n" * 100


@pytest.mark.parametrize("mark", [0, 1, int.from_bytes(b"ugc3", "big")], ids=["unmarked", "marked", "later version"])
def test_the_database_of_another_program_is_refused_and_left_alone(path: Path, ledger: OpenLedger, mark: int) -> None:
    """Even if it has a table of a name that is used here."""
    with closed_after(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE records (name)")
        database.execute(f"PRAGMA application_id = {mark}")
    before = path.read_bytes()
    assert "another program" in refusal(ledger)
    assert path.read_bytes() == before


def test_a_file_that_may_not_be_written_is_refused(clock: GivenClock) -> None:
    """For reading as well: a ledger that cannot be written is of no use, and soon says so."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        Path(folder).chmod(0o755)
        path.touch()
        path.chmod(0o444)
        with unprivileged(), closed_after(SqliteLedger(str(path), clock)) as ledger:
            assert refusal(ledger).endswith("attempt to write a readonly database")


def test_a_database_in_memory_is_refused(clock: GivenClock, closing: Closing) -> None:
    assert refusal(closing(SqliteLedger(":memory:", clock))).endswith("it cannot have a write-ahead log")


def test_an_old_sqlite_is_named_as_the_reason(ledger: OpenLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some systems of a supported Python bring one."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 7, 17))
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.7.17")
    assert refusal(ledger).endswith("SQLite 3.7.17 is too old")


def test_a_file_that_is_older_than_marks_gets_their_table_when_it_is_first_needed(
    path: Path, ledger: OpenLedger
) -> None:
    """What has no stream has no table of theirs either."""

    def tables() -> set[str]:
        with closed_after(sqlite3.connect(path)) as connection:
            return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    ledger.swap(Group(1, "keyed"), idle_row(), {"a": record("a")})
    assert "marks" not in tables()
    assert ledger.watermarks(Group(1, "streamed"), ["place"]) == {}
    feed(ledger, Group(1, "streamed"), records=2)
    assert "marks" in tables()


def test_a_file_that_is_older_than_holds_and_pauses_gets_what_it_lacks(
    path: Path, ledger: OpenLedger, clock: GivenClock, closing: Closing
) -> None:
    """When it is opened; what was in it stays."""
    ledger.swap(GROUP, idle_row(), {})
    ledger.close()
    with closed_after(sqlite3.connect(path)) as connection:
        connection.execute("DROP INDEX held_groups")
        connection.execute("DROP TABLE pause")
    newer = closing(SqliteLedger(str(path), clock))
    assert (newer.generation(), newer.held(GROUP.app, 10)) == (Generation(1, 0), [])
    assert newer.pause(Pause(1, "why")) == newer.generation() == Generation(1, 0, Pause(1, "why"))
    assert newer.swap(GROUP, idle_row().changed(frozen="why"), {})
    assert newer.held(GROUP.app, 10) == [GROUP.id]
    with closed_after(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'held_groups'").fetchone() == (1,)


def test_a_file_that_lacks_nothing_is_opened_while_another_process_writes(
    path: Path, ledger: OpenLedger, clock: GivenClock, closing: Closing
) -> None:
    ledger.swap(GROUP, idle_row(), {})
    with closed_after(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert closing(SqliteLedger(str(path), clock, busy_timeout_s=0.03)).load(GROUP) == idle_row()


def test_a_wrong_word_for_synchronous_is_refused_at_once(path: Path, clock: GivenClock) -> None:
    with pytest.raises(ValueError, match="full, normal"):
        SqliteLedger(str(path), clock, synchronous="off; DROP TABLE groups")


def make_files(pipe: Connection, folder: str) -> None:
    """At a word, open new files in the same order as everybody else."""
    pipe.send("ready")
    pipe.recv()
    for number in range(FILES):
        with closed_after(SqliteLedger(f"{folder}/{number}", GivenClock())) as ledger:
            assert ledger.generation().number == 1
    pipe.send("done")


def test_processes_that_make_the_same_file_together_all_succeed(tmp_path: Path) -> None:
    """The instances of a function start together when work arrives."""
    with ExitStack() as stack:
        pipes = [stack.enter_context(running(make_files, str(tmp_path)))[1] for _ in range(PROCESSES)]
        assert [received(pipe) for pipe in pipes] == ["ready"] * PROCESSES
        for pipe in pipes:
            pipe.send("go")
        assert [received(pipe) for pipe in pipes] == ["done"] * PROCESSES


def test_whoever_finds_the_file_being_made_waits(path: Path, ledger: OpenLedger) -> None:
    """SQLite itself would refuse at once to switch the journal of a file that somebody is writing."""
    with closed_after(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as maker:
        maker.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.05, maker.execute, ["COMMIT"])
        timer.start()
        assert ledger.swap(GROUP, idle_row(), {})
        timer.join()


def test_whoever_waits_too_long_for_the_file_to_be_made_is_told(
    path: Path, clock: GivenClock, closing: Closing
) -> None:
    with closed_after(sqlite3.connect(path, isolation_level=None)) as maker:
        maker.execute("BEGIN IMMEDIATE")
        assert refusal(closing(SqliteLedger(str(path), clock, busy_timeout_s=0.03))).endswith("database is locked")


def test_a_ledger_whose_folder_is_removed_becomes_unavailable(path: Path, ledger: OpenLedger) -> None:
    """The open file could still be written, and nobody would ever see it."""
    ledger.swap(GROUP, idle_row(), {})
    shutil.rmtree(path.parent)
    assert refusal(ledger).endswith("its folder does not exist")
    path.parent.mkdir()
    assert ledger.load(GROUP) is None


def test_a_file_removed_and_made_anew_by_another_instance_is_noticed(
    path: Path, ledger: OpenLedger, clock: GivenClock, closing: Closing
) -> None:
    """What the path names is what counts: both instances go on with the new file."""
    ledger.swap(GROUP, idle_row(), {})
    path.unlink()
    other = closing(SqliteLedger(str(path), clock))
    assert other.swap(GROUP, idle_row(), {})
    assert other.swap(GROUP, idle_row().changed(), {})
    assert ledger.swap(GROUP, idle_row().changed().changed(), {})
    assert other.load(GROUP) == idle_row().changed().changed()
