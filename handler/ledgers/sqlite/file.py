"""One SQLite file as a ledger uses it: prepared when first opened, one transaction per call, every failure told apart.

LedgerUnavailable  nothing was written: no COMMIT was tried, or it was refused and undone
AnswerLost         COMMIT itself failed, so the write may be in the file or may still appear in it
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

import msgspec

from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.core.ports.system import Timed
from handler.ledgers.sqlite.connections import Connections

T = TypeVar("T")

# The first that knows every statement in use here: ON CONFLICT DO UPDATE.
OLDEST_SQLITE = (3, 24, 0)

# How long to pause before asking again for the one change that SQLite does not queue for.
_ASK_AGAIN_S = 0.01


class FileFormat(msgspec.Struct, frozen=True):
    """What marks a file as ours (SQLite's `application_id`, 32 bits), and the statements that make an empty one so.

    `additions` make what files of earlier versions lack, and leave alone what is there.
    """

    application_id: int
    schema: Sequence[str]
    additions: Sequence[str] = ()


class SqliteFile:
    """A file at `path`, made on first use in a folder that exists. Any number of threads and processes may share it.

    `wait_s` tells how long to wait now for others that write.
    """

    def __init__(
        self,
        path: str,
        file_format: FileFormat,
        *,
        synchronous: str,
        wait_s: Callable[[], float],
        factory: type[sqlite3.Connection],
        timed: Timed = nullcontext,
    ) -> None:
        self._timed = timed
        self._path = path
        self._format = file_format
        self._synchronous = synchronous
        self._wait_s = wait_s
        self._factory = factory
        self._connections = Connections(path, self._connect)

    def read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Ask within one read transaction; raises LedgerUnavailable."""
        with self._timed(), self._connections.lend() as connection:
            try:
                connection.execute("BEGIN")
                answer = question(connection)
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise self._unavailable(error) from error
            return answer

    def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Change within one write transaction, which is kept only if `change` gives back something true."""
        with self._timed(), self._connections.lend() as connection:
            try:
                connection.execute(f"PRAGMA busy_timeout = {self._wait_s() * 1000:.0f}")
                connection.execute("BEGIN IMMEDIATE")
                outcome = change(connection)
                if not outcome:
                    connection.execute("ROLLBACK")
                    return outcome
            except sqlite3.Error as error:
                raise self._unavailable(error) from error
            self._commit(connection)
            return outcome

    def close(self) -> None:
        """Close the file once no call uses it; the next call opens it again."""
        self._connections.close()

    def _commit(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            # Busy is the one refusal that leaves the transaction open, and closing the connection undoes it. Any other
            # has ended the transaction: perhaps after its last page was written, and only the sync failed.
            if connection.in_transaction:
                raise self._unavailable(error) from error
            raise AnswerLost(f"the ledger file {self._path} failed while committing: {error}") from error

    def _unavailable(self, cause: Exception | str) -> LedgerUnavailable:
        return LedgerUnavailable(f"the ledger file {self._path} cannot be used: {cause}")

    def _connect(self) -> sqlite3.Connection:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise self._unavailable(f"SQLite {sqlite3.sqlite_version} is too old")
        try:
            connection = sqlite3.connect(
                self._path,
                timeout=self._wait_s(),
                isolation_level=None,
                check_same_thread=False,
                factory=self._factory,
            )
        except sqlite3.Error as error:
            has_folder = Path(self._path).parent.is_dir()
            raise self._unavailable(error if has_folder else "its folder does not exist") from error
        try:
            self._prepare(connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.Error):
                raise self._unavailable(error) from error
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        is_ours = self._is_ours(connection)
        if self._write_ahead(connection) != "wal":
            raise self._unavailable("it cannot have a write-ahead log")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        if not is_ours:
            self._make_ours(connection)
        for statement in self._format.additions:
            connection.execute(statement)

    def _is_ours(self, connection: sqlite3.Connection) -> bool:
        """False for an empty file; raises LedgerUnavailable for the file of another program.

        The order of the two reads matters: a process that prepares the file meanwhile commits the tables and the mark
        together.
        """
        has_tables = connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None
        mark: tuple[int] = connection.execute("PRAGMA application_id").fetchone()
        if mark[0] == self._format.application_id:
            return True
        if has_tables:
            raise self._unavailable("it is a database of another program or of another version")
        return False

    def _make_ours(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        if not self._is_ours(connection):
            for statement in self._format.schema:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {self._format.application_id}")
        connection.execute("COMMIT")

    def _write_ahead(self, connection: sqlite3.Connection) -> str:
        """The journal mode after asking for a write-ahead log.

        While others switch the same new file SQLite refuses at once instead of waiting, so it is asked again.
        """
        until = time.monotonic() + self._wait_s()
        while True:
            try:
                mode: tuple[str] = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(_ASK_AGAIN_S)
            else:
                return mode[0]
