"""Everything that a ledger in a file has ever owed: the file itself keeps each version of each row."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from handler.core.model.codec import decode_row
from handler.core.model.operation import operation_id
from handler.core.model.row import Entry

_KEPT = "INSERT INTO every_version VALUES (new.id, new.body); END"
_BEGIN = f"""
    CREATE TABLE every_version (id TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TRIGGER first_versions AFTER INSERT ON groups BEGIN {_KEPT};
    CREATE TRIGGER later_versions AFTER UPDATE ON groups BEGIN {_KEPT};
"""


class History:
    """The entries that the rows of a ledger have had, from `begin` on."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger

    def begin(self) -> None:
        """Keep the versions from now on; the file has its tables already."""
        with closing(sqlite3.connect(self._ledger)) as connection:
            connection.executescript(_BEGIN)

    def owing(self) -> list[str]:
        """The groups whose rows still owe something."""
        with closing(sqlite3.connect(self._ledger)) as connection:
            rows = connection.execute("SELECT id, body FROM groups").fetchall()
        return [group for group, body in rows if not decode_row(body).is_settled]

    def figures(self) -> Mapping[str, int]:
        """How many entries stood for several records of a stream, and how many were taken apart once refused (R6)."""
        entries = self._entries()
        folded = [one for one in entries.values() if one.records > 1 and not one.alone]
        return {
            "entries of several records": len(folded),
            "records in them": sum(one.records for one in folded),
            "refused and taken apart": sum(
                (group, operation_id(one.id, "0")) in entries for (group, _), one in entries.items()
            ),
        }

    def _entries(self) -> Mapping[tuple[str, str], Entry]:
        """Each by its group and id, as it was accepted, or as it came of one that was taken apart."""
        entries: dict[tuple[str, str], Entry] = {}
        with closing(sqlite3.connect(self._ledger)) as connection:
            for group, body in connection.execute("SELECT id, body FROM every_version ORDER BY rowid"):
                for entry in decode_row(body).owed:
                    if entry.parts:
                        entries.setdefault((group, entry.id), entry)
        return entries
