"""Parked records and notes beside the embedded ledger, in the same SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from handler.core.ports.ledger import Parked
from handler.ledgers.sqlite.file import SqliteFile

_PARK = """
    INSERT INTO parked (app, id, source, reason, at, payload) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (app, id) DO NOTHING"""
_READ_PARKED = """
    SELECT id, source, reason, at, payload FROM parked WHERE app = ? AND id > ? ORDER BY id LIMIT ?"""
_COUNT_PARKED = "SELECT count(*) FROM parked WHERE app = ?"
_UNPARK = "DELETE FROM parked WHERE app = ? AND id = ?"
_NOTE = """
    INSERT INTO notes (app, name, body) VALUES (?, ?, ?)
    ON CONFLICT (app, name) DO UPDATE SET body = excluded.body"""
_READ_NOTE = "SELECT body FROM notes WHERE app = ? AND name = ?"


class SqliteParked:
    """`ParkedRecords` and `Notes` in a ledger's file, which is opened and closed with that ledger."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def park(self, app: int, parked: Parked) -> None:
        """Keep a record, in one write transaction; for one that is kept already nothing is written."""
        row = (app, parked.id, parked.source, parked.reason, parked.at, parked.payload)
        self._file.write(lambda connection: connection.execute(_PARK, row).rowcount)

    def page(self, app: int, limit: int, after: str = "") -> Sequence[Parked]:
        """A page of the kept records, in the order of their ids' code points."""

        def page(connection: sqlite3.Connection) -> list[Parked]:
            found: list[tuple[str, str, str, float, str]]
            found = connection.execute(_READ_PARKED, (app, after, limit)).fetchall()
            return [Parked(*row) for row in found]

        return self._file.read(page)

    def count(self, app: int) -> int:
        """How many records are kept, counted by their index."""

        def counted(connection: sqlite3.Connection) -> int:
            found: tuple[int] = connection.execute(_COUNT_PARKED, (app,)).fetchone()
            return found[0]

        return self._file.read(counted)

    def unpark(self, app: int, parked_id: str) -> bool:
        """Drop a kept record, in one write transaction."""
        return self._file.write(lambda connection: connection.execute(_UNPARK, (app, parked_id)).rowcount) > 0

    def note(self, app: int, name: str, text: str) -> None:
        """Keep a fact, in one write transaction."""
        self._file.write(lambda connection: connection.execute(_NOTE, (app, name, text)).rowcount)

    def noted(self, app: int, name: str) -> str | None:
        """The fact of that name."""

        def text(connection: sqlite3.Connection) -> str | None:
            found: tuple[str] | None = connection.execute(_READ_NOTE, (app, name)).fetchone()
            return found[0] if found else None

        return self._file.read(text)
