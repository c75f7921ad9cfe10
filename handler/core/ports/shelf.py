"""What is put aside for operators: records that cannot be executed, and facts learned about an app."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Parked(msgspec.Struct, frozen=True):
    """A source's record that was refused or could not be read, kept so that it is not lost.

    `id` is made from the source's own identity of the record, so that a redelivery parks it once. `at` is when, in
    seconds since 1970. `payload` is the record's text as it came, cut to what a ledger holds.
    """

    id: str
    source: str
    reason: str
    at: float
    payload: str


class Shelf(Protocol):
    """Raises LedgerUnavailable and AnswerLost as a Ledger does; all of it belongs to one app."""

    def park(self, app: int, parked: Parked) -> None:
        """Keep a record; one that is kept already stays as it is."""
        ...

    def parked(self, app: int, limit: int, after: str = "") -> Sequence[Parked]:
        """At most `limit` kept records in order of id, those after `after`."""
        ...

    def unpark(self, app: int, parked_id: str) -> bool:
        """Drop a kept record; False if there is none."""
        ...

    def note(self, app: int, name: str, text: str) -> None:
        """Keep a fact under a name, in place of an older one."""
        ...

    def noted(self, app: int, name: str) -> str | None:
        """The fact of that name."""
        ...
