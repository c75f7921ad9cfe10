"""A record that its source was told to forget is counted, or parked with all of it: it is never silently gone (R6)."""

import json
from collections.abc import Sequence

import pytest

from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.core.model.operation import NO_WATERMARKS, Watermarks
from handler.core.model.outcome import Records
from handler.core.model.row import Group, Row
from handler.core.ports.counter_api import Fault, Refused
from handler.core.ports.ledger import Parked
from handler.core.ports.system import Notice
from handler.triggers.event_kind import Event
from tests.sandbox.memory_ledger import MemoryLedger
from tests.sandbox.memory_parked import MemoryParked
from tests.unit.triggers.faulty import FullParked
from tests.unit.triggers.operator.operators import tell
from tests.unit.triggers.sources.source_events import eventbridge, item, records, sqs, text
from tests.unit.triggers.stage import APP, CALLER, Stage, invocation

GROUP = Group(APP, "room")
REASON = "the vendor refused it with code 10010: the group does not exist or was dismissed"
BUSY = Refused(60007, "too many calls", Fault.RATE, None)


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.post("first")
    return stage


def accepted_while_busy(stage: Stage, event: Event) -> object:
    """What a batch is answered whose calls the vendor turns away, after which the group is dismissed."""
    stage.chat.fates = [BUSY] * 3
    answer = stage.batch(event)
    stage.chat.fates = []
    del stage.chat.groups["room"]
    return answer


def sweep(stage: Stage) -> None:
    now = stage.clock.monotonic()
    assert stage.context.counters().sweep(now + 60).left == 0


def parked(stage: Stage) -> Sequence[Parked]:
    return stage.kept.page(APP, 100)


def row(stage: Stage) -> Row:
    found = stage.ledger.load(GROUP)
    assert found is not None
    return found


def test_it_is_parked_under_its_sources_own_name_with_its_key_and_caller(stage: Stage) -> None:
    accepted_while_busy(stage, records(sqs(text(7, IdempotencyKey='"\\"odd"', Caller=CALLER), 3)))
    sweep(stage)
    [record] = parked(stage)
    assert (row(stage).notes, row(stage).owed) == ((), ())
    assert stage.told.notices.count(Notice.PARKED) == 1
    assert (record.id, record.reason) == ("message-3", REASON)
    assert record.source == "arn:aws:sqs:eu-west-1:123456789012:counters"
    assert json.loads(record.payload)["Caller"] == CALLER
    told = tell(stage, "parked", action="replay", id="message-3")
    assert (told["outcome"], told["dropped"]) == ("rejected", False)


def test_a_queue_gets_back_a_record_that_an_earlier_delivery_left_owed(stage: Stage) -> None:
    """That one was acknowledged, and its source may have forgotten it: it is parked as well."""
    event = records(sqs(text(7)))
    accepted_while_busy(stage, event)
    assert stage.batch(event) == {"batchItemFailures": [item("aws:sqs", 0)]}
    sweep(stage)
    assert [record.id for record in parked(stage)] == ["message-0"]


def test_what_came_over_http_first_is_parked_for_the_source_that_repeats_it(stage: Stage) -> None:
    """A backend that hears nothing puts the same into a queue, and the queue is told that it is taken."""
    stage.chat.fates = [BUSY] * 6
    assert stage.post("order-7").status == 202
    event = records(sqs(text(5, IdempotencyKey="order-7", Caller=CALLER)))
    assert accepted_while_busy(stage, event) == {"batchItemFailures": []}
    sweep(stage)
    assert [record.id for record in parked(stage)] == ["message-0"]


def test_what_is_refused_over_http_while_a_source_acknowledges_it_is_parked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rejection comes between this delivery's look at the row and its word in it, and nothing notes it."""
    stage.chat.fates = [BUSY] * 6
    assert stage.post("order-7").status == 202
    stage.chat.fates = []
    del stage.chat.groups["room"]
    swap = stage.ledger.swap

    def late(group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> bool:
        monkeypatch.undo()
        sweep(stage)
        return swap(group, row, records, watermarks)

    monkeypatch.setattr(stage.ledger, "swap", late)
    event = eventbridge(json.loads(text(5, IdempotencyKey="order-7", Caller=CALLER)))
    assert stage.batch(event) == {"accepted": 0, "parked": 1, "ignored": 0}
    assert [record.reason for record in parked(stage)] == [REASON]


def test_what_was_refused_over_http_is_parked_for_a_source_that_nobody_asks(stage: Stage) -> None:
    del stage.chat.groups["room"]
    assert stage.post("order-7").status == 404
    event = eventbridge(json.loads(text(5, IdempotencyKey="order-7", Caller=CALLER)))
    assert stage.batch(event) == {"accepted": 0, "parked": 1, "ignored": 0}
    assert [record.reason for record in parked(stage)] == [REASON]


class DyingError(BaseException):
    """The instance dies here."""


class DiesParking(MemoryParked):
    """Whoever parks dies, before or after."""

    def __init__(self, *, after: bool) -> None:
        super().__init__()
        self.after = after
        self.is_deadly = True

    def park(self, app: int, parked: Parked) -> None:
        if self.after or not self.is_deadly:
            super().park(app, parked)
        if self.is_deadly:
            raise DyingError


@pytest.mark.parametrize("error", [LedgerUnavailable("full"), AnswerLost("lost")])
def test_a_shelf_that_fails_holds_up_nobody(stage: Stage, error: Exception) -> None:
    """The note stays until it can be written out, and callers of the group go on meanwhile."""
    kept = FullParked(error)
    stage.use_parked(kept)
    accepted_while_busy(stage, records(sqs(text(7))))
    now = stage.clock.monotonic()
    stage.context.counters().sweep(now + 60)
    assert (len(row(stage).notes), parked(stage)) == (1, [])
    stage.chat.groups["room"] = {"_receipt": row(stage).base or 0}
    stage.invocation = invocation(stage.clock.monotonic(), stage.clock.monotonic() + 29)
    assert stage.post("second").status == 200
    kept.error = None
    assert stage.post("third").status == 200
    assert (row(stage).notes, [record.id for record in parked(stage)]) == ((), ["message-0"])


def test_a_frozen_group_holds_back_nothing_that_has_to_be_parked(stage: Stage) -> None:
    """An operator may take days over it."""
    kept = FullParked(LedgerUnavailable("full"))
    stage.use_parked(kept)
    accepted_while_busy(stage, records(sqs(text(7))))
    stage.context.counters().sweep(stage.clock.monotonic() + 60)
    stored = row(stage)
    assert stage.ledger.swap(GROUP, stored.changed(frozen="why"), {})
    kept.error = None
    stage.context.counters().sweep(stage.clock.monotonic() + 60)
    assert (row(stage).notes, row(stage).frozen, len(parked(stage))) == ((), "why", 1)
    assert stage.ledger.unfinished(APP, 10) == []


@pytest.mark.parametrize("action", ["drop", "replay"])
def test_what_an_operator_has_taken_into_their_hands_is_not_parked_again(stage: Stage, action: str) -> None:
    """A worker has died between parking and the note, and another comes late."""
    kept = DiesParking(after=True)
    stage.use_parked(kept)
    accepted_while_busy(stage, records(sqs(text(7))))
    with pytest.raises(DyingError):
        stage.context.counters().sweep(stage.clock.monotonic() + 60)
    kept.is_deadly = False
    stage.chat.groups["room"] = {}
    key = {"IdempotencyKey": "anew"} if action == "replay" else {}
    assert tell(stage, "parked", action=action, id="message-0", **key)["dropped"] is True
    sweep(stage)
    assert (parked(stage), row(stage).notes) == ([], ())
    assert stage.chat.groups["room"].get("like") == (7 if action == "replay" else None)


def test_what_is_replayed_and_refused_later_is_parked_again(stage: Stage) -> None:
    """Beside the record that was dropped when it was accepted, with the key that it was given."""
    accepted_while_busy(stage, records(sqs(text(7))))
    sweep(stage)
    stage.chat.groups["room"] = {"_receipt": row(stage).base or 0}
    stage.chat.fates = [BUSY] * 3
    told = tell(stage, "parked", action="replay", id="message-0", IdempotencyKey="anew")
    assert (told["outcome"], told["dropped"], parked(stage)) == ("pending", True, [])
    stage.chat.fates = []
    del stage.chat.groups["room"]
    sweep(stage)
    [record] = parked(stage)
    assert record.id.startswith("message-0/")
    assert json.loads(record.payload) == {**json.loads(text(7)), "IdempotencyKey": "anew"}


class ForgetfulLedger(MemoryLedger):
    """A ledger that takes a rejection, does not say so, and shows no record after that."""

    is_silent = False

    def swap(self, group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> bool:
        done = super().swap(group, row, records, watermarks)
        if records:
            self.is_silent = True
            raise AnswerLost("lost")
        return done

    def find(self, group: Group, ids: Sequence[str]) -> Records:
        if self.is_silent:
            raise LedgerUnavailable("away")
        return super().find(group, ids)


def test_a_queue_is_not_told_to_forget_what_may_have_been_refused(stage: Stage) -> None:
    stage.use_ledger(ForgetfulLedger(stage.clock))
    stage.invocation = invocation(stage.clock.monotonic(), stage.clock.monotonic() + 29)
    del stage.chat.groups["room"]
    assert stage.batch(records(sqs(text(7)))) == {"batchItemFailures": [item("aws:sqs", 0)]}
