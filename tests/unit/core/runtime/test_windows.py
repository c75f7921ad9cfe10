"""Since when every record has been written by a window or a larger one, and what may be executed by that."""

import json

import pytest
from msgspec.structs import replace

from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.core.model.row import Group
from handler.core.runtime.api_clock import ApiClock
from handler.core.runtime.windows import (
    ALWAYS,
    CACHE_S,
    FORMER_S,
    RAISE_LAG_S,
    SEEN_EVERY_S,
    TRIES_MAX,
    Horizon,
    Noted,
    Notes,
    Windows,
    first_notes,
    longest,
    read_notes,
    with_window,
)
from tests.sandbox.memory_ledger import MemoryLedger
from tests.unit.core.samples import NOW, HandClock, Notices, row
from tests.unit.core.scene import APP

DAY_S = 86_400.0


@pytest.mark.parametrize(
    ("window_s", "since"), [(FORMER_S, ALWAYS), (DAY_S, ALWAYS), (15 * DAY_S, NOW)], ids=["same", "less", "more"]
)
def test_a_ledger_with_rows_has_had_two_days(window_s: float, since: float) -> None:
    notes = first_notes(window_s, NOW, has_rows=True)
    assert {noted.window_s: noted.since for noted in notes} == {FORMER_S: ALWAYS, window_s: since}


def test_a_window_that_is_noted_stays_as_it_is() -> None:
    """But for when it was last seen, which is written again from time to time."""
    notes = (Noted(DAY_S, 5.0, NOW),)
    assert with_window(notes, DAY_S, NOW + SEEN_EVERY_S - 1) == notes
    assert with_window(notes, DAY_S, NOW + SEEN_EVERY_S) == (Noted(DAY_S, 5.0, NOW + SEEN_EVERY_S),)


def test_a_smaller_window_has_been_in_force_as_long_as_any_larger_one() -> None:
    """Each record was written by that one; no later than from its own note, whatever clocks say."""
    notes = (Noted(2 * DAY_S, 7.0, NOW), Noted(3 * DAY_S, NOW + 50, NOW))
    assert with_window(notes, DAY_S, NOW)[0] == Noted(DAY_S, 7.0, NOW)
    assert with_window((Noted(3 * DAY_S, NOW + 50, NOW),), DAY_S, NOW)[0] == Noted(DAY_S, NOW, NOW)


def test_a_window_that_no_instance_has_any_more_is_forgotten_after_as_long_as_the_longest() -> None:
    notes: Notes = (Noted(DAY_S, ALWAYS, NOW), Noted(3 * DAY_S, ALWAYS, NOW))
    assert with_window(notes, 3 * DAY_S, NOW + 1000 * DAY_S)[1].since == ALWAYS
    lowered = with_window(notes, DAY_S, NOW + 3 * DAY_S)
    assert longest(with_window(lowered, DAY_S, NOW + 3 * DAY_S + 1)) == 3 * DAY_S
    later = with_window(lowered, DAY_S, NOW + 4 * DAY_S)
    assert with_window(later, DAY_S, NOW + 4 * DAY_S) == (Noted(DAY_S, ALWAYS, NOW + 4 * DAY_S),)


def passed(notes: Notes, window_s: float, age_s: float, sent: float = NOW) -> bool:
    """Whether what was sent then may not be executed at that age."""
    return Horizon(notes, window_s, sent + age_s).has_passed(sent)


def test_a_raise_counts_for_what_is_sent_twenty_minutes_after_its_note() -> None:
    notes = (Noted(DAY_S, ALWAYS, NOW), Noted(3 * DAY_S, NOW, NOW))
    sent = [NOW - DAY_S, NOW, NOW + RAISE_LAG_S - 1, NOW + RAISE_LAG_S]
    assert [passed(notes, 3 * DAY_S, 2 * DAY_S, moment) for moment in sent] == [True, True, True, False]


def test_what_is_sent_in_the_future_goes_by_now() -> None:
    """A raise that has not come into force yet is none for it either."""
    notes = (Noted(DAY_S, ALWAYS, NOW), Noted(3 * DAY_S, NOW, NOW))
    assert not Horizon(notes, 3 * DAY_S, NOW).has_passed(NOW + 100 * DAY_S)


class Ledger(MemoryLedger):
    """Counts reads, and lets writes fail."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.reads = 0
        self.losses = 0
        self.lost_applied = True
        self.others: list[str] = []

    def windows(self, app: int) -> str | None:
        self.reads += 1
        return super().windows(app)

    def note_windows(self, app: int, text: str, instead_of: str | None) -> bool:
        """Somebody else is quicker, or the answer is lost, as long as it is planned."""
        if self.others:
            super().note_windows(app, self.others.pop(), instead_of)
        if self.losses:
            self.losses -= 1
            if self.lost_applied:
                super().note_windows(app, text, instead_of)
            raise AnswerLost("no answer")
        return super().note_windows(app, text, instead_of)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def ledger(clock: HandClock) -> Ledger:
    return Ledger(clock)


def windows_of(ledger: Ledger, clock: HandClock, window_s: float = DAY_S) -> Windows:
    return Windows(ledger, clock, ApiClock(clock, Notices(), 5), window_s, 5)


def test_an_instance_notes_its_window_and_remembers_the_notes(ledger: Ledger, clock: HandClock) -> None:
    windows = windows_of(ledger, clock)
    assert windows.longest(APP) == DAY_S
    clock.advance(CACHE_S)
    windows.horizon(APP)
    assert ledger.reads == 1
    clock.advance(1)
    windows.horizon(APP)
    assert ledger.reads == 2
    assert windows.longest(APP + 1) == DAY_S
    assert ledger.reads == 3


@pytest.mark.parametrize("moved_s", [CACHE_S + 1, -1.0])
def test_notes_are_read_again_where_either_clock_has_moved(
    ledger: Ledger, clock: HandClock, moved_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows, moment = windows_of(ledger, clock), clock.monotonic()
    windows.notes(APP)
    clock.advance(moved_s)
    monkeypatch.setattr(clock, "monotonic", lambda: moment)
    windows.notes(APP)
    assert ledger.reads == 2


def test_a_ledger_of_before_is_asked_for_rows_once(ledger: Ledger, clock: HandClock) -> None:
    ledger.swap(Group(APP, "G"), replace(row(), version=1), {})
    windows_of(ledger, clock, 15 * DAY_S).notes(APP)
    assert [noted[:2] for noted in json.loads(ledger.windows(APP) or "")] == [[FORMER_S, 0.0], [15 * DAY_S, NOW]]
    assert windows_of(ledger, clock, DAY_S).notes(APP)[0][:2] == (DAY_S, ALWAYS)


@pytest.mark.parametrize("applied", [True, False])
def test_a_note_whose_answer_was_lost_is_looked_for(ledger: Ledger, clock: HandClock, *, applied: bool) -> None:
    ledger.losses, ledger.lost_applied = 3, applied
    assert windows_of(ledger, clock).longest(APP) == DAY_S
    assert read_notes(ledger.windows(APP) or "") == (Noted(DAY_S, ALWAYS, NOW),)


def test_where_no_note_is_ever_taken_the_ledger_is_unavailable(ledger: Ledger, clock: HandClock) -> None:
    ledger.losses, ledger.lost_applied = TRIES_MAX, False
    windows = windows_of(ledger, clock)
    with pytest.raises(LedgerUnavailable, match="notes of windows"):
        windows.notes(APP)
    assert windows.longest(APP) == DAY_S


def test_the_horizon_allows_for_clocks_that_differ(ledger: Ledger, clock: HandClock) -> None:
    """By the guard, and by the second that a clock in whole seconds leaves out."""
    horizon = windows_of(ledger, clock).horizon(APP)
    assert [horizon.has_passed(NOW - DAY_S + ahead_s) for ahead_s in (0, 6, 6.5)] == [True, True, False]
