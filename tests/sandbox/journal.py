"""What really happened to every request: auditors compute the truth from here and compare it with what callers saw."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Final, Literal

from tests.sandbox.codes import OK
from tests.sandbox.commands import Mode, Name
from tests.sandbox.faults import Fault

State = Literal[
    "waiting",  # Let in; it may still be applied.
    "applied",  # Carried out, at `applied_at`. A read counts as carried out, too.
    "refused",  # Refused by the API's own rules, with `code`; it changed nothing.
    "lost",  # Kept from the API by a fault, or by the closing of the sandbox; it changed nothing.
]

MOST_ENTRIES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. Times are in seconds since 1970 on the sandbox's clock.

    Of the signature only its time and life are kept. `code` is what the API itself thought: 0 for applied, `None` while
    it waits or if it never judged. `values` are the counters that were written or read, as they were then. `replied` is
    the ErrorCode that the caller could read, `None` if it got no readable answer; `ended_at` is when that was.
    """

    sequence: int
    received_at: float
    command: Name
    group: str | None
    mode: Mode | None
    counters: Mapping[str, int]
    keys: tuple[str, ...]
    random: int | None
    signed_at: int | None
    life_s: int | None
    fault: Fault | None
    state: State
    code: int | None = None
    applied_at: float | None = None
    values: Mapping[str, int] | None = None
    replied: int | None = None
    ended_at: float | None = None


class Journal:
    """The entries in the order of arrival, the newest `limit` of them; `dropped` counts those that had to go."""

    def __init__(self, limit: int = MOST_ENTRIES) -> None:
        self._limit = limit
        self._numbers = count(1)
        self._entries: dict[int, Entry] = {}
        self.dropped = 0

    def next_sequence(self) -> int:
        """The number of the next entry; numbers are never used again, not even after `clear`."""
        return next(self._numbers)

    def add(self, entry: Entry) -> None:
        self._entries[entry.sequence] = entry
        if len(self._entries) > self._limit:
            del self._entries[next(iter(self._entries))]
            self.dropped += 1

    def settle(self, sequence: int, code: int, values: Mapping[str, int] | None, now: float) -> None:
        """Note how the API dealt with a waiting request: applied, or refused at the last moment."""
        entry = self._entries.get(sequence)
        if entry is not None:
            applied = code == OK
            self._entries[sequence] = replace(
                entry,
                state="applied" if applied else "refused",
                code=code,
                applied_at=now if applied else None,
                values=values,
            )

    def lose(self, sequence: int) -> None:
        """Note that a waiting request will not be applied any more."""
        entry = self._entries.get(sequence)
        if entry is not None and entry.state == "waiting":
            self._entries[sequence] = replace(entry, state="lost")

    def end(self, sequence: int, replied: int | None, now: float) -> None:
        """Note that the connection was answered with a readable code, or with none."""
        entry = self._entries.get(sequence)
        if entry is not None:
            self._entries[sequence] = replace(entry, replied=replied, ended_at=now)

    def entries(self, after: int = 0) -> tuple[Entry, ...]:
        """The entries with a higher number than `after`."""
        return tuple(entry for entry in self._entries.values() if entry.sequence > after)

    def clear(self) -> None:
        self._entries.clear()
        self.dropped = 0
