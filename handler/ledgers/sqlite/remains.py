"""Records and watermarks of one group in the embedded ledger, page by page."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from handler.core.model.row import Group
from handler.core.ports.remains import Remain
from handler.ledgers.sqlite import schema as statements
from handler.ledgers.sqlite.file import SqliteFile

PAGE = 500

_RECORDS = """
    SELECT id, expires_at, 0 FROM records WHERE app = ? AND group_id = ? AND id > ? ORDER BY id LIMIT ?"""
_WATERMARKS = """
    SELECT place, expires_at, 1 FROM marks WHERE app = ? AND group_id = ? AND place > ? ORDER BY place LIMIT ?"""
_FORGET_RECORD = "DELETE FROM records WHERE app = ? AND group_id = ? AND id = ? AND expires_at = ?"
_FORGET_WATERMARK = "DELETE FROM marks WHERE app = ? AND group_id = ? AND place = ? AND expires_at = ?"


class SqliteRemains:
    """`Remains` in the file. An older one has no table of watermarks yet, so each look is a write."""

    def __init__(self, file: SqliteFile, group: Group) -> None:
        self._file = file
        self._group = group

    def listed(self) -> Iterator[Remain]:
        """Records, then watermarks, each page in a transaction of its own."""
        for statement in (_RECORDS, _WATERMARKS):
            after, page = "", self._page(statement, "")
            while page:
                yield from page
                after = page[-1].name
                page = self._page(statement, after) if len(page) == PAGE else []

    def forget(self, remains: Sequence[Remain]) -> int:
        """Delete them in one write transaction."""

        def forgotten(connection: sqlite3.Connection) -> int:
            return sum(connection.execute(*self._deletion(remain)).rowcount for remain in remains)

        return self._file.write(forgotten)

    def _page(self, statement: str, after: str) -> list[Remain]:
        def page(connection: sqlite3.Connection) -> list[Remain]:
            for addition in statements.MAKE_WATERMARKS:
                connection.execute(addition)
            found = connection.execute(statement, (*self._group, after, PAGE))
            return [Remain(name, expires_at, bool(is_watermark)) for name, expires_at, is_watermark in found]

        return self._file.write(page)

    def _deletion(self, remain: Remain) -> tuple[str, tuple[int, str, str, float]]:
        statement = _FORGET_WATERMARK if remain.is_watermark else _FORGET_RECORD
        return statement, (*self._group, remain.name, remain.expires_at)
