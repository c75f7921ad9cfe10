"""A group is forgotten whole, once nothing of it may land, is owed, or could be asked for again."""

import json
from collections.abc import Callable

import pytest

from handler.core.errors import BadInput, TooManyCalls
from handler.core.model.operation import Mode
from handler.core.model.row import Attempt, Entry, Group, Note, Pause, Remembered, Row
from handler.core.ports.ledger import Parked
from handler.core.protocol.visit import Visit
from handler.core.runtime.instance import TimeBudget
from handler.triggers.event_kind import Event
from handler.triggers.operator import forget
from handler.triggers.operator.requests import Forget
from tests.unit.triggers.operator.operators import tell
from tests.unit.triggers.stage import APP, Stage, invocation

ROOM = Group(APP, "room")
DAY_S = 86_400.0
A_WINDOW_S = 15 * DAY_S + 60

ENTRY = Entry(id="x", fingerprint="v1:x", mode=Mode.INCREASE, counters=(("like", 5),), window_s=3600.0)
ATTEMPT = Attempt(id="a", weight=600_000, mode=Mode.INCREASE, entries=(ENTRY,), signed_at=1_795_305_600, life_s=6)

OBSTACLES: dict[str, tuple[Callable[[Row], Row], str]] = {
    "a call under way": (lambda row: row.changed(attempt=ATTEMPT), "has a call under way, which may still land"),
    "operations that wait": (lambda row: row.changed(queue=(ENTRY,)), "is owed 1 operations"),
    "a debt": (lambda row: row.changed(debt=(("like", 5),)), "is owed back"),
    "a note": (lambda row: row.changed(notes=(Note(ENTRY, 10010, 1.0),)), "has 1 rejections"),
    "a lost call": (lambda row: row.changed(remembered=(Remembered(ATTEMPT),)), "remembers a lost call"),
    "a freeze": (lambda row: row.changed(frozen="why", queue=(ENTRY,)), "is frozen, because why: release or adopt"),
    "a pause": (lambda row: row.changed(paused=Pause(1, "why")), "is paused: resume it first"),
    "a row of an earlier generation": (lambda row: row.changed(generation=0), "has a row from before the ledger was"),
}


def counts(told: Event, *names: str) -> list[object]:
    return [told[name] for name in names or ("row", "known_keys", "records", "remembered", "parked", "complete")]


def left(stage: Stage, group: Group = ROOM) -> int:
    return len(list(stage.ledger.remains(group).listed()))


def row_of(stage: Stage) -> Row:
    row = stage.ledger.load(ROOM)
    assert row is not None
    return row


def park(stage: Stage, **payloads: str) -> None:
    for name, payload in payloads.items():
        stage.kept.park(APP, Parked(name, "a-queue", "why", 1.0, payload))


@pytest.mark.parametrize(("change", "said"), OBSTACLES.values(), ids=OBSTACLES)
def test_a_group_is_not_forgotten_while_it_has(change: Callable[[Row], Row], said: str, stage: Stage) -> None:
    """Whatever is consented to, and however long ago it was; the preview says the same, and what to do."""
    assert stage.ledger.swap(ROOM, change(row_of(stage)), {})
    stage.clock.sleep(A_WINDOW_S)
    row, kept = row_of(stage), left(stage)
    with pytest.raises(BadInput, match=f"^GroupId: {said}"):
        tell(stage, "forget", GroupId="room", even_remembered=True)
    assert str(tell(stage, "forget", GroupId="room", dry_run=True)["obstacle"]).startswith(said)
    assert (row_of(stage), left(stage)) == (row, kept)


def test_what_could_be_asked_for_again_is_not_forgotten(stage: Stage) -> None:
    """Until its window has passed by every clock, or its operator says that nobody will ask."""
    with pytest.raises(BadInput, match=r"^even_remembered: answers of this group are still kept"):
        tell(stage, "forget", GroupId="room")
    told = tell(stage, "forget", GroupId="room", dry_run=True)
    assert "even_remembered" in str(told["obstacle"])
    assert str(told["remembered_until"]).startswith("2026-12-07T00:00:0")
    stage.clock.sleep(15 * DAY_S)
    with pytest.raises(BadInput, match=r"^even_remembered: "):
        tell(stage, "forget", GroupId="room")
    stage.clock.sleep(60)
    assert counts(tell(stage, "forget", GroupId="room")) == [True, 1, 1, 0, 0, True]
    assert stage.ledger.load(ROOM) is None


def test_a_preview_counts_what_goes_and_changes_nothing(stage: Stage) -> None:
    park(stage, mine=json.dumps({"GroupId": "room"}))
    before = row_of(stage), left(stage)
    told = tell(stage, "forget", GroupId="room", dry_run=True, even_remembered=True)
    assert counts(told) == [True, 1, 1, 1, 1, True]
    assert (told["done"], told["dry_run"], told["obstacle"]) == (False, True, None)
    assert (row_of(stage), left(stage), len(stage.kept.page(APP, 10))) == (*before, 1)


def test_a_forgotten_group_leaves_nothing_but_the_records_of_others(stage: Stage) -> None:
    """A payload that cannot be read, but names the group, stays for its operator to look at."""
    at = {"MessageId": "m", "TopicArn": "arn:aws:sns:r:1:t", "Timestamp": "2026-11-22T00:00:00Z"}
    envelope = {"Type": "Notification", **at}
    park(
        stage,
        mine=json.dumps({"GroupId": "room", "nonsense": True}),
        wrapped=json.dumps({**envelope, "Message": json.dumps({"GroupId": "room"})}),
        other=json.dumps({"GroupId": "other", "why": "not room"}),
        cut='{"GroupId": "room", "GroupCounter": [{"Ke',
    )
    told = tell(stage, "forget", GroupId="room", even_remembered=True)
    assert (told["done"], *counts(told, "parked", "parked_unread")) == (True, 2, 1)
    assert [kept.id for kept in stage.kept.page(APP, 10)] == ["cut", "other"]
    assert (stage.ledger.load(ROOM), left(stage)) == (None, 0)
    assert stage.ledger.groups_with_key(APP, "like", 10**10, 10) == []


def test_a_group_without_a_row_is_forgotten_again_to_no_effect(stage: Stage) -> None:
    assert counts(tell(stage, "forget", GroupId="nowhere")) == [False, 0, 0, 0, 0, True]


def test_a_group_that_is_called_for_meanwhile_keeps_its_row(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    delete = stage.ledger.delete

    def too_late(group: Group, version: int) -> bool:
        assert stage.ledger.swap(group, row_of(stage).changed(queue=(ENTRY,)), {})
        return delete(group, version)

    monkeypatch.setattr(stage.ledger, "delete", too_late)
    with pytest.raises(TooManyCalls, match="was called for meanwhile"):
        tell(stage, "forget", GroupId="room", even_remembered=True)
    assert row_of(stage).queue == (ENTRY,)


def test_what_the_time_does_not_suffice_for_is_left_for_another_event(stage: Stage) -> None:
    now, fields = stage.clock.monotonic(), {"GroupId": "room", "even_remembered": True}
    visit = Visit(stage.context.instance, ROOM, TimeBudget(until=now, deadline=now))
    told = forget.answer(Forget.model_validate(fields), visit, stage.context)
    assert (told["done"], told["complete"], row_of(stage).version > 0) == (False, False, True)


def test_a_forgotten_group_is_counted_on_from_its_receipt(stage: Stage) -> None:
    """What is in the group stays there: the next operation takes its receipt as it is (R9)."""
    tell(stage, "forget", GroupId="room", even_remembered=True)
    stage.post("after")
    stage.clock.sleep(60)
    now = stage.clock.monotonic()
    stage.invocation = invocation(now, now + 29)
    assert stage.post("after").status == 200
    assert stage.like() == 10
    assert row_of(stage).base == stage.chat.groups["room"]["_receipt"]
