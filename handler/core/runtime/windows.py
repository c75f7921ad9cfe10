"""The windows by which records have been written, so that what a source delivers late is known again or parked (R11).

The ledger notes each window that a deployment is given, and since when. An instance writes records by the largest one
noted. So from some time after a window was noted, every record has been written by it or by a larger one: it is in
force since then. What was sent before that, and is older than what was in force, may have been executed and forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.core.ports.ledger import WindowNotes
from handler.core.ports.system import Clock
from handler.core.runtime.api_clock import ApiClock

# An instance goes on for so long with the notes that it has read.
CACHE_S = 300.0

# From a note until every record is written by it: notes are cached, and an invocation lasts 15 minutes at most.
RAISE_LAG_S = 20 * 60.0

# What the records of a ledger were kept for before there were notes: those of HTTP, the shortest.
FORMER_S = 2 * 86_400.0

# How often the note of a window in use is written again.
SEEN_EVERY_S = 3600.0

# A window has always been in force where no record is older than its note.
ALWAYS = 0.0

# How often notes are tried that others change at the same time.
TRIES_MAX = 10


class Noted(NamedTuple):
    """A window, since when records are written by it or by a larger one, and when an instance last had it.

    All in seconds, the times since 1970 on the API's clock.
    """

    window_s: float
    since: float
    seen: float


Notes = tuple[Noted, ...]


def first_notes(window_s: float, now: float, *, has_rows: bool) -> Notes:
    """The notes of a ledger that has none: where there are rows, their records were kept for `FORMER_S`."""
    if not has_rows:
        return (Noted(window_s, ALWAYS, now),)
    return with_window((Noted(FORMER_S, ALWAYS, now),), window_s, now)


def with_window(notes: Notes, window_s: float, now: float) -> Notes:
    """The notes once an instance with this window has read them, in order of the windows.

    A smaller window than one that is noted has been in force as long as that. A window that no instance has had for as
    long as the longest is forgotten; as long as no other window is seen, no record is written by another either.
    """
    latest = max((noted.seen for noted in notes), default=now)
    longest_s = max(window_s, longest(notes))
    kept = {noted.window_s: noted for noted in notes if noted.seen + longest_s >= latest}
    own = kept.get(window_s)
    if own is None:
        since = min((noted.since for noted in kept.values() if noted.window_s > window_s), default=now)
        kept[window_s] = Noted(window_s, min(since, now), now)
    elif now - own.seen >= SEEN_EVERY_S:
        kept[window_s] = own._replace(seen=now)
    return tuple(sorted(kept.values()))


def longest(notes: Iterable[Noted]) -> float:
    """The largest window noted: records are written by it."""
    return max((noted.window_s for noted in notes), default=0.0)


class Horizon(msgspec.Struct, frozen=True):
    """How far back an instance whose own window is `window_s` can tell what was executed.

    It is `now` at the latest, by whichever clock a source has.
    """

    notes: Notes
    window_s: float
    now: float

    def has_passed(self, moment: float) -> bool:
        """Whether the answer to a record sent at `moment` may be forgotten, so that the record may not be executed."""
        age_s = self.now - moment
        if age_s < 0 or age_s >= self.window_s:
            return age_s >= 0
        # A list, because making a generator for every record of a batch takes longer.
        return not [noted for noted in self.notes if noted.window_s > age_s and noted.since + RAISE_LAG_S <= moment]


class Windows:
    """The notes of a ledger as one instance with the window `window_s` knows them, at most `CACHE_S` old."""

    def __init__(self, ledger: WindowNotes, clock: Clock, api_clock: ApiClock, window_s: float, guard_s: float) -> None:
        self._ledger = ledger
        self._clock = clock
        self._api_clock = api_clock
        self._window_s = window_s
        # The API's clock is a lower bound in whole seconds, and that of a source may differ by the guard.
        self._behind_s = 1 + guard_s
        self._known: dict[int, tuple[float, float, Notes]] = {}

    def horizon(self, app: int) -> Horizon:
        """How far back the records still tell what was executed, as of now. Raises LedgerUnavailable."""
        notes = self.notes(app)
        return Horizon(notes, self._window_s, self._api_clock.now() + self._behind_s)

    def longest(self, app: int) -> float:
        """The window by which records are written now. Raises LedgerUnavailable."""
        return longest(self.notes(app))

    def notes(self, app: int) -> Notes:
        """The notes, this instance's own window among them. Raises LedgerUnavailable."""
        monotonic, now = self._clock.monotonic(), self._clock.now()
        known = self._known.get(app)
        # Either clock alone could stand still, or be set back, while the platform keeps the instance frozen.
        if known is not None and monotonic - known[0] <= CACHE_S and 0 <= now - known[1] <= CACHE_S:
            return known[2]
        notes = self._noted(app)
        self._known[app] = monotonic, now, notes
        return notes

    def _noted(self, app: int) -> Notes:
        for _ in range(TRIES_MAX):
            text, now = self._ledger.windows(app), float(self._api_clock.now())
            if text is None:
                stored: Notes = ()
                notes = first_notes(self._window_s, now, has_rows=self._ledger.has_rows(app))
            else:
                stored = read_notes(text)
                notes = with_window(stored, self._window_s, now)
            if notes == stored or self._has_written(app, notes, text):
                return notes
        raise LedgerUnavailable("the notes of windows are not to be written: their answers are lost, or others write")

    def _has_written(self, app: int, notes: Notes, instead_of: str | None) -> bool:
        """Write the notes; False if another instance was quicker, or if only the next read can tell."""
        try:
            return self._ledger.note_windows(app, json.dumps(notes), instead_of)
        except AnswerLost:
            return False


def read_notes(text: str) -> Notes:
    """Parse the notes that a ledger keeps."""
    return tuple(Noted(*map(float, noted)) for noted in json.loads(text))
