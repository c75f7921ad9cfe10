"""Groups that wait for a `Date` or a time that may never come: seen, shown, and brought back by an operator (R12)."""

import dataclasses

import pytest
from msgspec.structs import replace

from handler.core.errors import BadInput
from handler.core.model.outcome import Applied, Frozen, Pending
from handler.core.model.row import Row
from handler.core.operator import release
from handler.core.operator.inspect import inspect
from handler.core.operator.release import Later, Resolved
from handler.core.operator.verdicts import Decision, OperatorVerdict
from handler.core.ports.counter_api import Unclear
from handler.core.ports.ledger import Generation
from handler.core.ports.system import Notice, naming
from handler.core.protocol.conclude import Observation, see
from handler.core.protocol.visit import Visit
from handler.core.protocol.waiting import Waiting, waiting, why_too_far_ahead
from tests.unit.core.samples import NOW, attempt, entry, row
from tests.unit.core.scene import Scene, increase

NOT_LANDED = Decision({"a": OperatorVerdict.NOT_LANDED})
PAST_S = 17
YEAR_2096 = 3_976_214_400


def test_a_lost_call_of_an_api_that_tells_no_time_is_seen_and_released() -> None:
    """The group waits, each sweep says so, and life + twice the guard after the operator's first look it goes on."""
    scene = Scene(row(), cold=True)
    scene.api.tells_time = False
    scene.api.updates = [Unclear("lost")]
    assert isinstance(scene.outcome(increase("a"), 5), Pending)
    scene.clock.advance(1000)
    for sweeps in (1, 2):
        scene.counters.sweep(scene.clock.moment + 10)
        waits = {"group": "G", "waits_for": "a Date of the API that shows its call to be over"}
        assert scene.notices.of(Notice.WAITING) == [waits | naming([increase("a").id])] * sweeps
    told = inspect(scene.visit())
    assert told.waits_for == "a Date of the API that shows its call to be over"
    assert told.ready_in_s == pytest.approx(PAST_S, abs=1)
    decision = Decision(dict.fromkeys(told.to_be_judged, OperatorVerdict.NOT_LANDED))
    assert isinstance(release.release(scene.visit(), decision), Later)
    scene.clock.advance(PAST_S)
    assert isinstance(release.release(scene.visit(), decision), Resolved)
    assert scene.outcome(increase("a"), 5) == Applied((("like", 5),))
    assert Notice.CLOCK_UNHEARD in scene.notices.told


def test_a_date_that_stands_still_judges_nothing_and_holds_nothing_for_ever() -> None:
    scene = Scene(row(attempt(entry("a"))))
    still = dataclasses.replace(scene.api, clock=dataclasses.replace(scene.clock))
    scene.instance = replace(scene.instance, api=still)
    scene.clock.advance(100)
    told = inspect(scene.visit())
    assert told.waits_for == "a Date of the API that shows its call to be over"
    assert isinstance(release.release(scene.visit(), NOT_LANDED), Later)
    scene.clock.advance(PAST_S)
    assert isinstance(release.release(scene.visit(), NOT_LANDED), Resolved)


def ahead(seconds: int) -> Row:
    """A row whose call is signed for a time that lies ahead."""
    return row(attempt(entry("a"), time=NOW + seconds))


def test_a_time_that_lies_ahead_is_waited_for() -> None:
    scene = Scene(ahead(200))
    told = inspect(scene.visit())
    assert told.waits_for == "the time of its call, 200 s ahead of the API's clock"
    assert told.ready_in_s == PAST_S
    assert scene.row.frozen is None
    assert isinstance(release.release(scene.visit(), NOT_LANDED), Later)
    scene.clock.advance(PAST_S + 1)
    result = release.release(scene.visit(), NOT_LANDED)
    assert isinstance(result, Resolved)
    assert (result.row.attempt, [waits.id for waits in result.row.queue]) == (None, ["a"])


@pytest.mark.parametrize("seconds", [330, 3600, YEAR_2096 - NOW])
def test_a_time_that_lies_far_ahead_freezes_its_group(seconds: int) -> None:
    """With that reason, so that a verdict can be given: memory keeps the call no longer than any other."""
    scene = Scene(ahead(seconds))
    assert isinstance(scene.outcome(increase("b"), 30), Frozen)
    assert str(scene.row.frozen).startswith("its call is signed for a time ")
    assert isinstance(release.release(scene.visit(), NOT_LANDED), Later)
    scene.clock.advance(PAST_S + 1)
    result = release.release(scene.visit(), NOT_LANDED)
    assert isinstance(result, Resolved)
    [past] = result.row.remembered
    assert past.attempt.signed_at <= scene.api.date


def test_one_wrong_date_freezes_nothing() -> None:
    """Every `Date` heard since has to say how far the time lies ahead, and there are two at least."""
    just, far = ahead(300), ahead(301)
    scene = Scene(far)
    looking = scene.visit()
    assert reasons(looking, just, far) == [None, None]
    scene.api.ahead_s = -5
    assert reasons(looking, just, far) == [None, "its call is signed for a time 301 s ahead of the API's"]


def reasons(visit: Visit, *rows: Row) -> list[str | None]:
    """Why each row would freeze by one more look."""
    evidence = see(visit, rows[0], ())
    assert isinstance(evidence, Observation)
    return [why_too_far_ahead(visit, before, evidence.receipt) for before in rows]


def test_a_look_of_an_operator_is_no_look_at_what_freezes_later() -> None:
    """What is unknown then was signed before that, and a verdict has to wait for it anew."""
    scene = Scene(ahead(200))
    inspect(scene.visit())
    assert scene.row.first_seen_at == NOW
    scene.clock.advance(300)
    scene.api.counters["_receipt"] = 7
    scene.counters.sweep(scene.clock.moment + 30)
    assert scene.row.frozen
    assert scene.row.first_seen_at is None


def test_a_first_sight_that_nobody_can_note_is_told() -> None:
    """A group with a receipt that this ledger does not know waits for a `Date` (R9)."""
    scene = Scene(replace(row(queue=(entry("a"),)), base=None), cold=True)
    scene.api.tells_time = False
    before = replace(scene.row, first_seen_at=NOW - 100)
    expected = Waiting("the end of what was signed before the group was first seen", 0.0, lasts=True)
    assert waiting(scene.visit(), before) == expected
    assert waiting(scene.visit(), scene.row) is None


def test_a_group_of_a_restored_ledger_is_said_to_wait_for_as_long_as_it_does() -> None:
    """Instances that do not know of it yet go on for as long as they cache the generation (R10)."""
    scene = Scene(row(queue=(entry("a"),)))
    scene.ledger.stored = Generation(2, 0)
    scene.counters.sweep(scene.clock.moment + 10)
    told = inspect(scene.visit())
    assert told.waits_for == "the end of what was signed before the ledger was restored"
    assert told.ready_in_s == NOW + scene.instance.rules.cache_s + PAST_S - scene.api.date
    scene.clock.advance(told.ready_in_s - 5)
    assert isinstance(scene.outcome(increase("b"), 1), Pending)
    scene.clock.advance(5)
    assert isinstance(scene.outcome(increase("b"), 5), Applied)


def test_a_call_that_is_under_way_needs_no_operator() -> None:
    for passed_s in (0, 5, 100):
        scene = Scene(row(attempt(entry("a"))))
        scene.clock.advance(passed_s)
        with pytest.raises(BadInput, match="is not frozen"):
            release.release(scene.visit(), NOT_LANDED)
        assert scene.row == row(attempt(entry("a")))
