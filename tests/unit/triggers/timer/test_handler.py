"""A tick accepts every group before it drives any, repeats nothing, and returns counts only."""

from collections.abc import Sequence
from math import inf

import pytest
from msgspec.structs import replace

from handler.core.errors import (
    AnswerLost,
    BadInput,
    CounterError,
    GroupFailed,
    LedgerUnavailable,
    NotAccepted,
    OutcomeUnknown,
    SettingsError,
)
from handler.core.model.row import Entry, Group, Settlement
from handler.core.ports.counter_api import Fault, Refused
from handler.core.ports.ledger import Look
from handler.core.ports.system import Clock, Notice
from handler.triggers.event_kind import Event
from handler.triggers.timer import handler as timer
from handler.triggers.timer.handler import NO_TIME
from tests.sandbox.memory_ledger import MemoryLedger
from tests.sandbox.memory_parked import MemoryParked
from tests.unit.triggers.faulty import UNAVAILABLE, FaultyLedger
from tests.unit.triggers.stage import NEVER_ARRIVED, START, Stage, invocation

GROUPS = [f"room-{number:02}" for number in range(12)]


def event(*groups: str, value: int = 3, mode: str = "Increase", **changes: object) -> Event:
    """A tick with one operation on these groups."""
    operation = {"GroupIds": list(groups), "GroupCounter": [{"Key": "like", "Value": value}], "Mode": mode}
    message: object = {"operations": [operation]}
    return {"Type": "Timer", "TriggerName": "daily", "Time": "2026-11-22T00:00:00Z", "Message": message, **changes}


SWEEP: Event = {"Type": "Timer", "TriggerName": "s", "Time": "2026-11-22T00:00:00Z", "Message": {"task": "sweep"}}


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.chat.groups = {group: {} for group in GROUPS}
    return stage


def likes(stage: Stage) -> list[int | None]:
    return [stage.chat.groups[group].get("like") for group in GROUPS]


def counts(**expected: int) -> dict[str, int]:
    """What a tick returns, with zeros where nothing else is said."""
    return {"accepted": 0, "applied": 0, "rejected": 0, "unknown": 0, "frozen": 0, "pending": 0} | expected


def test_a_repeated_tick_counts_nothing_twice(stage: Stage) -> None:
    """Platforms repeat events, with and without a reason."""
    stage.tick(event(*GROUPS))
    assert stage.tick(event(*GROUPS)) == counts(accepted=12, applied=12)
    assert likes(stage) == [3] * 12


def test_a_group_that_the_vendor_refuses_stops_no_other(stage: Stage) -> None:
    groups = [*GROUPS[:5], "nowhere", *GROUPS[5:]]
    assert stage.tick(event(*groups)) == counts(accepted=13, applied=12, rejected=1)
    assert stage.tick(event(*groups)) == counts(accepted=13, applied=12, rejected=1)


def test_what_cannot_be_finished_in_time_is_pending_and_the_sweep_finishes_it(stage: Stage) -> None:
    stage.tick(event(GROUPS[0]))
    stage.chat.fates = [NEVER_ARRIVED]
    stage.invocation = invocation(5000.0, 5000.0 + stage.context.instance.call_s + 2)
    assert stage.tick(event(GROUPS[0], Time="2026-11-23T00:00:00Z")) == counts(accepted=1, pending=1)
    assert stage.clock.monotonic() < stage.invocation.deadline
    stage.invocation = invocation(stage.clock.monotonic(), stage.clock.monotonic() + 60)
    assert stage.tick(SWEEP) == {"task": "sweep", "groups": 1, "left": 0}
    assert likes(stage)[0] == 6


def test_an_app_that_is_refused_leaves_everything_pending(stage: Stage) -> None:
    """Nothing is lost: the sweep goes on once the vendor serves the app again."""
    stage.chat.fates = [Refused(60020, "arrears", Fault.APP, None)] * 40
    assert stage.tick(event(*GROUPS)) == counts(accepted=12, pending=12)
    stage.chat.fates.clear()
    stage.clock.sleep(3600)
    stage.invocation = invocation(stage.clock.monotonic(), stage.clock.monotonic() + 60)
    assert stage.tick(SWEEP) == {"task": "sweep", "groups": 12, "left": 0}
    assert likes(stage) == [3] * 12


def test_without_receipts_an_unknown_outcome_is_counted_as_such(stage: Stage) -> None:
    stage = Stage(rules=replace(stage.rules, receipt_key=""))
    stage.chat.fates = [NEVER_ARRIVED]
    assert stage.tick(event("room")) == counts(accepted=1, unknown=1)


def test_a_frozen_group_is_counted_as_such(stage: Stage) -> None:
    stage.tick(event(GROUPS[0]))
    stage.chat.groups[GROUPS[0]]["_receipt"] += 7
    assert stage.tick(event(GROUPS[0], Time="2026-11-23T00:00:00Z")) == counts(accepted=1, frozen=1)


def test_a_tick_that_came_before_with_another_content_is_named(stage: Stage) -> None:
    stage.tick(event(GROUPS[0]))
    with pytest.raises(BadInput) as refused:
        stage.tick(event(GROUPS[0], GROUPS[1], value=4))
    assert refused.value.field == "Message.operations[0]"
    assert "daily/2026-11-22T00:00:00Z/0 was used before with other content" in str(refused.value)
    assert likes(stage)[:2] == [3, 4]


def test_nothing_is_accepted_of_a_tick_with_one_wrong_field(stage: Stage) -> None:
    with pytest.raises(BadInput):
        stage.tick(event(*GROUPS, ""))
    assert stage.tick(SWEEP) == {"task": "sweep", "groups": 0, "left": 0}
    assert stage.chat.calls == 0


@pytest.mark.parametrize(
    ("away", "kind", "reason"),
    [
        (UNAVAILABLE, NotAccepted, "accepted, repeat the event for them: "),
        (AnswerLost("lost"), OutcomeUnknown, "accepted, repeat the event for them: "),
        (ValueError("a secret"), OutcomeUnknown, ".*: an unexpected ValueError; the log"),
    ],
    ids=["away", "lost", "broken"],
)
def test_a_group_that_cannot_be_accepted_fails_the_tick_after_the_others(
    stage: Stage, away: Exception, kind: type[CounterError], reason: str
) -> None:
    """The platform repeats the event, which the keys make harmless; where a group breaks, it is told which (R13)."""
    ledger = FaultyLedger(stage)
    ledger.away = {GROUPS[3]: away}
    stage.use_ledger(ledger)
    with pytest.raises(kind, match=f"^1 of 12 groups were not {reason}"):
        stage.tick(event(*GROUPS))
    assert likes(stage) == [3, 3, 3, None, *[3] * 8]
    broken = [away] if isinstance(away, ValueError) else []
    assert (stage.told.failures, stage.told.notices.count(Notice.GROUP_FAILED)) == (broken, len(broken))
    ledger.away.clear()
    assert stage.tick(event(*GROUPS)) == counts(accepted=12, applied=12)
    assert likes(stage) == [3] * 12


class BreaksLater(MemoryLedger):
    """A ledger that breaks for a group once it has accepted it."""

    def settle(self, group: Group, settlement: Settlement) -> bool:
        if group.id == GROUPS[3]:
            raise ValueError("a secret")
        return super().settle(group, settlement)


def test_a_group_that_breaks_once_it_is_accepted_fails_the_tick_too(stage: Stage) -> None:
    stage.use_ledger(BreaksLater(stage.clock))
    with pytest.raises(
        GroupFailed, match=r"^1 groups were accepted and not finished, repeat the event: an unexpected ValueError"
    ):
        stage.tick(event(*GROUPS))
    assert likes(stage) == [3] * 12


class ListsOnce(MemoryLedger):
    """A ledger that lists one page of known groups, and then fails."""

    pages = 0

    def groups_with_key(self, app: int, key: str, by: int, limit: int, after: str = "") -> Sequence[str]:
        self.pages += 1
        if self.pages > 1:
            raise LedgerUnavailable("the list is away")
        return GROUPS[:2]


def test_a_tick_whose_groups_cannot_be_listed_goes_on_with_those_that_were(stage: Stage) -> None:
    stage.use_ledger(ListsOnce(stage.clock))
    known = {"GroupIds": {"Known": "like"}, "GroupCounter": [{"Key": "like", "Value": 3}], "Mode": "Increase"}
    with pytest.raises(LedgerUnavailable, match="the list is away"):
        stage.tick(event() | {"Message": {"operations": [known]}})
    assert likes(stage) == [3, 3, *[None] * 10]


def test_a_function_that_is_too_short_for_any_call_says_so(stage: Stage) -> None:
    """Ticks and sweeps alike, before anything is accepted."""
    stage.invocation = invocation(5000.0, 5003.0)
    for sent in (event(*GROUPS), SWEEP):
        with pytest.raises(SettingsError, match=r"^CHAT_TIMEOUT_S: "):
            stage.tick(sent)


def test_without_a_deadline_a_tick_ends_after_a_minute(stage: Stage) -> None:
    stage.invocation = invocation(5000.0, inf)
    stage.context = replace(
        stage.context, instance=replace(stage.context.instance, rules=replace(stage.rules, life_s=600, bound_s=605.0))
    )
    stage.tick(event(GROUPS[0]))
    stage.chat.fates = [NEVER_ARRIVED]
    assert stage.tick(event(GROUPS[0], Time="2026-11-23T00:00:00Z")) == counts(accepted=1, pending=1)
    assert stage.clock.now() - START == pytest.approx(60, abs=10)


class Slow(MemoryLedger):
    """A ledger that counts acceptances, each of which takes a tenth of a second."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.asked: list[str] = []

    def append(self, group: Group, entries: Sequence[Entry], bytes_max: int) -> Look | None:
        self.asked.append(group.id)
        self._clock.sleep(0.1)
        return super().append(group, entries, bytes_max)


MANY = [f"many-{number:03}" for number in range(120)]
PAGE = 50


@pytest.fixture
def many(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """More groups than two pages have, on a ledger that is slow."""
    monkeypatch.setattr(timer, "PAGE", PAGE)
    stage.use_ledger(Slow(stage.clock))
    stage.chat.groups = {group: {} for group in MANY}
    return stage


def go_on(stage: Stage, timeout_s: float) -> None:
    stage.invocation = invocation(stage.clock.monotonic(), stage.clock.monotonic() + timeout_s)


def asked(stage: Stage) -> list[str]:
    """The groups that the slow ledger was asked to accept something for."""
    assert isinstance(stage.ledger, Slow)
    return stage.ledger.asked


def groups_left(stage: Stage) -> int:
    """What a repeated tick says is left when an invocation of seven seconds has done what it can."""
    go_on(stage, 7.0)
    with pytest.raises(
        NotAccepted, match=rf"of 120 groups were not accepted, repeat the event for them: {NO_TIME}$"
    ) as told:
        stage.tick(event(*MANY))
    return int(str(told.value).split()[0])


def test_a_tick_that_does_not_fit_is_accepted_by_its_repetitions(many: Stage) -> None:
    """Each goes on where the one before ended, and says how many groups are left; the last one does the rest."""
    assert 120 > groups_left(many) > groups_left(many) > 0
    go_on(many, 100.0)
    assert many.tick(event(*MANY))["earlier"] in {PAGE, 2 * PAGE}
    assert len(asked(many)) < 2 * len(MANY) + 2 * PAGE
    go_on(many, 1000.0)
    many.tick(SWEEP)
    assert {many.chat.groups[group].get("like") for group in MANY} == {3}


def test_a_long_tick_that_is_done_is_known_to_be(many: Stage) -> None:
    """It costs a look at the note; with another content it is another tick."""
    go_on(many, 1000.0)
    assert many.tick(event(*MANY)) == counts(accepted=120, applied=120)
    asked(many).clear()
    assert many.tick(event(*MANY)) == counts() | {"earlier": 120}
    assert asked(many) == []
    with pytest.raises(BadInput, match="was used before with other content"):
        many.tick(event(*MANY, value=4))


class Noteless(MemoryParked):
    """A store that loses notes."""

    def note(self, app: int, name: str, text: str) -> None:
        raise AnswerLost("lost")

    def noted(self, app: int, name: str) -> str | None:
        raise LedgerUnavailable("away")


def test_a_long_tick_whose_note_cannot_be_kept_is_done_all_the_same(many: Stage) -> None:
    """A note saves time and nothing else."""
    many.use_parked(Noteless())
    for _ in range(2):
        go_on(many, 1000.0)
        assert many.tick(event(*MANY)) == counts(accepted=120, applied=120)
    assert {many.chat.groups[group]["like"] for group in MANY} == {3}


def test_a_page_that_was_not_accepted_whole_is_asked_for_again(many: Stage) -> None:
    ledger = FaultyLedger(many)
    ledger.away = {MANY[3]: UNAVAILABLE}
    many.use_ledger(ledger)
    go_on(many, 1000.0)
    with pytest.raises(NotAccepted, match=r"^1 of 120 groups"):
        many.tick(event(*MANY))
    ledger.away.clear()
    go_on(many, 1000.0)
    assert many.tick(event(*MANY)) == counts(accepted=120, applied=120)
