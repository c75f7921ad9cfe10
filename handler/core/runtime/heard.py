"""Which `Date`s an instance has heard since it first met a thing: an attempt, a generation, a note in a row (R4 b)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection

from handler.core.model.row import Group, Row

# What is forgotten of either proves nothing: whoever asks hears, and meets, once more.
MET_MAX = 4096
DATES_MAX = 64


class Heard:
    """A small memory, in the order in which things came. Not safe to share: its owner holds a lock."""

    def __init__(self) -> None:
        self._moment = 0
        self._dates: list[tuple[int, int]] = []
        """When each was heard, and the `Date`: none is smaller than one that came after it."""
        self._met: OrderedDict[str, int] = OrderedDict()

    def hear(self, date: int) -> None:
        """Take in the `Date` of a reply just received."""
        self._moment += 1
        while self._dates and self._dates[-1][1] <= date:
            self._dates.pop()
        self._dates.append((self._moment, date))
        del self._dates[:-DATES_MAX]

    def since(self, things: Collection[str]) -> int | None:
        """The largest `Date` heard after all of these had been met; one that is met now had not been."""
        for thing in things:
            self._met.setdefault(thing, self._moment)
            self._met.move_to_end(thing)
        last_met = max((self._met[thing] for thing in things), default=0)
        while len(self._met) > MET_MAX:
            self._met.popitem(last=False)
        return next((date for moment, date in self._dates if moment > last_met), None)

    def forget(self) -> None:
        """No `Date` was heard."""
        self._dates.clear()


def in_mind(group: Group, row: Row, generation: int) -> list[str]:
    """Names of what the row is judged by: its attempts, the first sight noted in it, and the store's generation."""
    attempts = [past.attempt.id for past in row.remembered] + ([row.attempt.id] if row.attempt else [])
    sight = [] if row.sighted is None else [f"sight {group.app} {group.id} {row.sighted_in} {row.sighted}"]
    return [f"generation {generation}", *attempts, *sight]
