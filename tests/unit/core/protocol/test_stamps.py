"""What a row tells an operator beside what is owed: since when, and which call failed last."""

import pytest

from handler.core.model.outcome import Applied
from handler.core.model.row import Trouble
from handler.core.model.row_size import TROUBLE_CHARACTERS
from handler.core.operator.release import adopt, release
from handler.core.operator.verdicts import Decision, OperatorVerdict
from handler.core.ports.counter_api import Fault, Refused, Unclear, Unsent
from handler.core.protocol.calls import trouble_with
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import ARREARS, GROUP, RATE, Scene, increase


def test_an_operation_is_stamped_when_it_is_accepted() -> None:
    """On the fast path, and where others are owed already."""
    for before in (row(), row(queue=(entry("older"),))):
        scene = Scene(before)
        scene.api.updates = [Unclear("lost")] * 9
        scene.outcome(increase("k"), seconds=1)
        owed = scene.row.entry(increase("k").id)
        assert owed is not None
        assert NOW <= owed.accepted_at <= NOW + 1


def test_a_frozen_group_tells_since_when_until_it_is_released() -> None:
    scene = Scene(row(attempt(entry("a"), time=NOW - 60)))
    scene.api.counters["_receipt"] = BASE + 7
    scene.counters.sweep(scene.clock.moment + 30)
    assert scene.row.frozen is not None
    assert NOW <= scene.row.frozen_at == scene.row.since <= NOW + 30
    decision = Decision({"a": OperatorVerdict.NOT_LANDED})
    release(scene.visit(), decision)
    scene.clock.advance(60)
    release(scene.visit(), decision)
    assert scene.row.frozen_at == 0


def test_an_adopted_group_is_frozen_no_more() -> None:
    scene = Scene(row())
    scene.api.counters["_receipt"] = BASE + 7
    adopt(scene.visit(), Decision())
    assert (scene.row.frozen, scene.row.frozen_at) == (None, 0)


def test_the_write_after_a_refused_call_keeps_what_was_refused() -> None:
    """It is the write that follows anyway."""
    scene = Scene(row())
    scene.api.updates = [RATE] * 9
    scene.outcome(increase("k"), seconds=5)
    assert scene.row.trouble is not None
    assert scene.row.trouble.what == "60007: the API is called too often"
    assert NOW <= scene.row.trouble.at <= NOW + 5


def test_an_attempt_that_another_worker_has_lost_leaves_a_trouble() -> None:
    """Where the call that takes its place is refused too, the trouble is that one's."""
    scene = Scene(row(attempt(entry("a"), time=NOW - 60)))
    scene.api.updates = [ARREARS]
    scene.counters.sweep(scene.clock.moment + 8)
    told = scene.row.trouble
    assert told is not None
    assert told.what == "60020: the plan has expired or is in arrears"


def test_what_is_settled_takes_the_trouble_along() -> None:
    scene = Scene(row())
    scene.api.updates = [RATE]
    assert isinstance(scene.outcome(increase("k"), seconds=20), Applied)
    scene.clock.advance(60)
    scene.counters.sweep(scene.clock.moment + 60)
    assert (scene.row.is_settled, scene.row.trouble) == (True, None)


def test_a_call_that_failed_costs_no_write_of_its_own() -> None:
    scene = Scene(row(attempt(entry("a"))))
    scene.api.reads = [Unclear("HTTP status 502")]
    before = scene.row
    visit = scene.visit(0.1, "a")
    visit.calls.read(())
    assert visit.calls.trouble == Trouble("HTTP status 502 after 0.0 s", NOW)
    assert scene.ledger.load(GROUP) == before


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        (Refused(60007, "anything at all", Fault.RATE, NOW), "60007: the API is called too often"),
        (Refused(99999, "anything at all", Fault.RATE, NOW), "99999: not in the vendor's list"),
        (Unclear("timed out"), "timed out after 4.0 s"),
        (Unsent("no \u7f51\u7edc\n"), "no ??? after 4.0 s"),
        (Unclear("x" * 500), "x" * TROUBLE_CHARACTERS),
    ],
)
def test_a_trouble_is_short_and_in_printable_ascii(reply: Refused | Unclear | Unsent, what: str) -> None:
    """The vendor's own text is no part of it: that may repeat what was sent."""
    assert trouble_with(reply, took_s=4) == what
