"""One window for all ways in, and whatever is done to it: what may have been counted and forgotten is parked."""

from typing import cast

import pytest
from msgspec.structs import replace

from handler.core.errors import BadInput, LedgerUnavailable, NotAccepted
from handler.core.model.operation import operation_id
from handler.core.model.row import Group
from handler.triggers.event_kind import Event
from tests.sandbox.memory_ledger import MemoryLedger
from tests.unit.triggers.sources.source_events import ckafka, msk, of_msk, records, sns, sqs, text
from tests.unit.triggers.stage import APP, CALLER, START, Stage, invocation
from tests.unit.triggers.timer.test_handler import event as tick

DAY_S = 86_400.0


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.chat.groups = {"room": {}, "other": {}}
    return stage


def deploy(stage: Stage, window_s: float) -> None:
    """Put cold instances with this window in the place of all others, on the same ledger."""
    stage.rules = replace(stage.rules, window_s=window_s)
    stage.use_ledger(stage.ledger)


def later(stage: Stage, seconds: float) -> None:
    """Let so much time pass; what follows is another invocation."""
    stage.clock.sleep(seconds)
    stage.invocation = invocation(stage.clock.monotonic(), stage.clock.monotonic() + 60)


def forget(stage: Stage) -> None:
    """Let the ledger drop what has expired: it does so when it writes."""
    assert stage.post(f"forgetting-at-{stage.clock.now()}", GroupId="other").status == 200


def send(stage: Stage, sent_at: float, number: int = 0) -> str:
    """Deliver the message of that number, which was sent so long after the start: what became of it.

    One that was counted or parked before is known.
    """
    forget(stage)
    before = len(stage.kept.page(APP, 100)), stage.like() or 0
    sent = {"SentTimestamp": str(int((START + sent_at) * 1000))}
    message = sqs(text(), number, attributes=sent)
    assert stage.batch(records(message)) == {"batchItemFailures": []}
    after = len(stage.kept.page(APP, 100)), stage.like() or 0
    return {(0, 0): "known", (1, 0): "parked", (0, 1): "counted"}[after[0] - before[0], after[1] - before[1]]


def test_a_key_over_http_is_known_when_its_message_comes_days_later(stage: Stage) -> None:
    assert stage.post("order-7").status == 200
    later(stage, 2.5 * DAY_S)
    forget(stage)
    fallback = sqs(text(5, IdempotencyKey="order-7", Caller=CALLER), attributes={})
    assert stage.batch(records(fallback)) == {"batchItemFailures": []}
    assert stage.like() == 5


def test_after_a_raise_what_was_sent_before_is_parked_by_the_old_window(stage: Stage) -> None:
    deploy(stage, 1000)
    assert send(stage, 0) == "counted"
    later(stage, 1500)
    deploy(stage, 15 * DAY_S)
    assert send(stage, 0) == "parked"
    later(stage, 14 * DAY_S)
    assert send(stage, 0) == "known"
    assert (stage.like(), send(stage, 0, 1)) == (1, "parked")


def test_a_tick_older_than_its_window_is_refused(stage: Stage) -> None:
    deploy(stage, 1000)
    assert stage.tick(tick("room", value=1))["applied"] == 1
    later(stage, 1500)
    for window_s in (1000, 15 * DAY_S):
        deploy(stage, window_s)
        forget(stage)
        with pytest.raises(BadInput, match=r"^Time: is older than DEDUPE_WINDOW_S"):
            stage.tick(tick("room", value=1))
    assert stage.like() == 1


class NoWindows(MemoryLedger):
    """A ledger whose notes of windows cannot be read."""

    def windows(self, app: int) -> str | None:
        raise LedgerUnavailable("out of reach")


def test_where_the_notes_cannot_be_read_nothing_is_executed(stage: Stage) -> None:
    """Every record is reported as failed, or the batch fails; what is malformed is told as ever."""
    stage.use_ledger(NoWindows(stage.clock))
    reply = stage.batch(records(sqs(text(), 1), sqs("{", 2), sqs(text(), 3, attributes={})))
    failed = [cast("Event", item)["itemIdentifier"] for item in cast("list[object]", reply["batchItemFailures"])]
    assert failed == ["message-1", "message-2", "message-3"]
    for batch in (records(sns(text())), records(ckafka(text())), of_msk(msk(text()))):
        with pytest.raises(NotAccepted, match="out of reach"):
            stage.batch(batch)
    with pytest.raises(LedgerUnavailable, match="out of reach"):
        stage.tick(tick("room"))
    assert stage.post("k").status == 503
    assert (stage.like(), stage.chat.calls) == (None, 0)


def test_records_live_by_the_largest_window_that_is_noted(stage: Stage) -> None:
    deploy(stage, 10 * DAY_S)
    forget(stage)
    deploy(stage, 1000)
    assert stage.post("k").status == 200
    assert isinstance(stage.ledger, MemoryLedger)
    [record] = stage.ledger.find(Group(APP, "room"), [operation_id(CALLER, "k")]).values()
    assert record.window_s == 10 * DAY_S
