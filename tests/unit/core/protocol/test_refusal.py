"""What confirms a definite refusal, and what does not (R4 c)."""

import json

import pytest
from msgspec.structs import replace

from handler.core.model.operation import Counters, Mode
from handler.core.model.outcome import Applied, Outcome, Pending, Rejected, Stalled
from handler.core.model.row import Group
from handler.core.ports.counter_api import Fault, Refused, Reply, Unclear
from handler.core.ports.system import Notice
from handler.core.protocol.drive import drive
from handler.core.protocol.engine import PENDING_RETRY_S
from handler.core.protocol.refusal import NOTE, NOTE_EVERY_S, note_landings
from tests.unit.core.samples import BASE, NOW, row
from tests.unit.core.scene import ARREARS, GONE, GROUP, INVALID, Scene, first, increase

FORBIDDEN = Refused(10007, "not permitted", Fault.OPERATION, NOW)


def test_one_read_that_names_another_code_confirms_nothing() -> None:
    """Both codes lied, and the Set had been carried out: nothing could have taken it back, so the next read counts."""
    scene = Scene(row())
    scene.api.updates, scene.api.reads = [INVALID], [GONE]
    scene.api.lies = 1
    operation = replace(increase("a"), mode=Mode.SET)
    assert scene.outcome(operation, 5) == Applied((("like", 5),), observed_later=True)
    assert (len(scene.api.calls), scene.row.frozen) == (1, None)


def test_a_confirmed_refusal_that_lied_is_owed_back() -> None:
    """Both codes lied and the call landed: what was told stands, and the counter comes back to it."""
    scene = Scene(row())
    scene.api.updates, scene.api.reads = [INVALID], [GONE, GONE]
    scene.api.counters = {"like": 5, "_receipt": BASE}
    scene.api.lies = 1
    assert scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5)) == [Rejected(10010, "no such group")]
    scene.counters.apply(GROUP.id, [increase("b")], scene.budget(30))
    assert scene.api.counters["like"] == 10
    assert Notice.LATE_LANDING in scene.notices.told


def landed_in(scene: Scene, *groups: str) -> list[Group]:
    """Groups in which calls of this instance have succeeded, the latest first."""
    landed = [Group(GROUP.app, name) for name in groups]
    for group in reversed(landed):
        scene.instance.landings.note(group, scene.clock.moment)
    return landed


def test_what_is_forbidden_in_all_groups_is_the_apps_fault() -> None:
    """Nobody's operation is refused for it: the account is no admin any more. Three others are asked at most."""
    scene = Scene(row())
    landed_in(scene, "b", "c", "d", "e")
    scene.api.updates, scene.api.reads = [FORBIDDEN], [FORBIDDEN] * 9
    [outcome] = scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5))
    assert isinstance(outcome, Stalled)
    assert outcome.code == 10007
    assert [group.id for group in scene.api.asked_of] == [GROUP.id, "b", "c", "d"]
    assert [entry.id for entry in scene.row.owed] == [increase("a").id]


@pytest.mark.parametrize(("there", "kind"), [(FORBIDDEN, Stalled), (GONE, Pending), (None, Rejected)])
def test_an_instance_that_has_made_no_call_asks_where_the_ledgers_note_says(
    there: Refused | None, kind: type[Outcome]
) -> None:
    """A new group that is forbidden, in an app whose calls succeed elsewhere or do no more."""
    scene = Scene(row())
    scene.instance.notes.note(GROUP.app, NOTE, json.dumps([GROUP.id, "b"]))
    scene.api.updates = [FORBIDDEN] * 9
    scene.api.reads = [FORBIDDEN, there] * 9 if there else [FORBIDDEN]
    assert isinstance(scene.outcome(increase("a"), 5), kind)
    assert [group.id for group in scene.api.asked_of][:2] == [GROUP.id, "b"]


def test_the_note_has_the_latest_groups_first_and_is_written_again_after_minutes() -> None:
    scene, notes = Scene(row()), []
    kept = scene.instance.notes
    for name, seconds in (("a", 0.0), ("b", NOTE_EVERY_S - 5), ("c", 5.0)):
        kept.note(GROUP.app, NOTE, json.dumps(["b", GROUP.id, "c", "d", "e"]))
        scene.clock.advance(seconds)
        scene.counters.apply(GROUP.id, [increase(name)], scene.budget(5))
        notes.append(json.loads(kept.noted(GROUP.app, NOTE) or ""))
    assert notes == [[GROUP.id, "b", "c", "d"], ["b", GROUP.id, "c", "d", "e"], [GROUP.id, "b", "c", "d"]]


def test_a_note_with_room_takes_a_further_group_at_once() -> None:
    """Of a single group that is in question another instance would learn nothing from it."""
    scene = Scene(row())
    kept, written = scene.instance.notes, []
    first(kept, "note", lambda: written.append(1))
    for other in ("b", "b", "c", "d", "e", "f"):
        landed_in(scene, other)
        note_landings(scene.instance, GROUP.app, scene.clock.moment + 60)
    assert json.loads(kept.noted(GROUP.app, NOTE) or "") == ["e", "d", "c", "b"]
    assert len(written) == 4


def test_no_note_is_written_where_no_time_is_left_for_it() -> None:
    """The invocation would be killed for it."""
    scene = Scene(row())
    landed_in(scene, "b")
    needed_s = 2 * scene.ledger.timeout_s
    for left_s, noted in ((needed_s - 0.1, None), (needed_s + 0.1, '["b"]')):
        note_landings(scene.instance, GROUP.app, scene.clock.moment + left_s)
        assert scene.instance.notes.noted(GROUP.app, NOTE) == noted


@pytest.mark.parametrize("answer", [Unclear("ReadTimeout"), GONE, ARREARS])
def test_another_group_that_does_not_tell_leaves_the_operation_owed(answer: Reply) -> None:
    scene = Scene(row())
    landed_in(scene, "b", "c")
    scene.api.updates = [FORBIDDEN] * 9
    scene.api.reads = [FORBIDDEN, FORBIDDEN, answer] * 9
    assert scene.outcome(increase("a"), 5) == Pending(PENDING_RETRY_S)
    assert scene.instance.breaker.refusal() is None
    assert [entry.id for entry in scene.row.owed] == [increase("a").id]


def test_a_landing_in_another_group_sent_afterwards_needs_no_question() -> None:
    scene = Scene(row())
    scene.api.updates, scene.api.reads = [FORBIDDEN], [FORBIDDEN]
    elsewhere = Group(GROUP.app, "other")
    first(scene.api, "read", lambda: scene.instance.landings.note(elsewhere, scene.clock.moment + 1))
    assert scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5)) == [Rejected(10007, "not permitted")]
    assert [group.id for group in scene.api.asked_of] == [GROUP.id]


@pytest.mark.parametrize(
    ("keys", "reads", "kind"),
    [
        ((), [FORBIDDEN], Rejected),
        ((("like", NOW),), [FORBIDDEN], Stalled),
        # The account was made an admin again between the update and the read, or this group has changed.
        ((("like", NOW),), [], Pending),
    ],
)
def test_where_no_other_group_has_worked_this_ones_own_past_tells(
    keys: Counters, reads: list[Reply], kind: type[Outcome]
) -> None:
    """A group that worked before and forbids even to be read speaks for a demotion; a new one for itself."""
    scene = Scene(replace(row(), keys=keys))
    scene.api.updates, scene.api.reads = [FORBIDDEN] * 9, reads
    assert isinstance(scene.outcome(increase("a"), 5), kind)


def test_a_payment_of_ours_that_is_forbidden_everywhere_freezes_nothing() -> None:
    scene = Scene(row(debt=(("like", -5),)))
    landed_in(scene, "other")
    scene.api.updates, scene.api.reads = [FORBIDDEN] * 9, [FORBIDDEN] * 99
    for _ in range(4):
        drive(scene.visit(5), None)
        scene.clock.advance(120)
    assert (scene.row.frozen, scene.row.debt) == (None, (("like", -5),))


def test_a_debt_to_a_group_that_is_gone_is_forgiven() -> None:
    scene = Scene(row(debt=(("like", 5),)))
    scene.api.updates, scene.api.reads = [GONE], [GONE]
    scene.counters.sweep(scene.clock.moment + 60)
    assert (scene.row.debt, scene.row.frozen) == ((), None)
