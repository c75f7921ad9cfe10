"""A batch keeps to the time of its invocation and to the room in a row, however large it is."""

from math import inf

import pytest

from handler.core.errors import NotAccepted, SettingsError
from handler.triggers.invocation import Invocation
from handler.triggers.sources.delivery import CHUNK, time_budget
from tests.unit.triggers.sources.source_events import batch_of, item, text
from tests.unit.triggers.stage import APP, NEVER_ARRIVED, START, Stage, invocation


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.chat.groups = {"a": {}, "b": {}}
    return stage


def moments(turn: Invocation, groups: int = 0) -> tuple[float, float, float]:
    """Until when an invocation makes calls, until when it begins ledger writes, and its end."""
    budget = time_budget(turn, groups)
    return budget.until, budget.accepts_until, budget.deadline


def test_the_time_is_divided_between_calls_and_acceptance() -> None:
    """Slow groups do not keep others from being accepted; where no deadline is told there is one all the same."""
    assert moments(invocation(0.0, 100.0)) == (75.0, 99.0, 100.0)
    assert moments(invocation(0.0, 2.0)) == (1.0, 1.0, 2.0)
    assert moments(invocation(0.0, inf)) == (45.0, 59.0, 60.0)


def test_very_many_groups_are_accepted_rather_than_called() -> None:
    """The sweep calls for what is accepted, and nobody for what is not."""
    assert moments(invocation(0.0, 60.0), 1000) == (45.0, 59.0, 60.0)
    assert moments(invocation(0.0, 60.0), 8000) == (28.0, 59.0, 60.0)
    assert time_budget(invocation(0.0, 60.0), 100_000).until < 0


def test_what_cannot_be_finished_in_time_is_accepted_all_the_same(stage: Stage) -> None:
    """A lost request holds up one group; the sweep ends it."""
    stage.batch(batch_of("aws:sqs", [text(1, "a")]))
    stage.chat.fates = [NEVER_ARRIVED]
    stage.invocation = invocation(5000.0, 5000.0 + stage.context.instance.call_s + 4)
    assert stage.batch(batch_of("aws:sqs", [text(1, "a")] * (CHUNK + 50), first=1)) == {"batchItemFailures": []}
    assert stage.like("a") == 1
    assert stage.clock.monotonic() < stage.invocation.deadline
    stage.invocation = invocation(stage.clock.monotonic(), stage.clock.monotonic() + 60)
    assert stage.context.counters().sweep(stage.invocation.deadline).left == 0
    assert stage.like("a") == CHUNK + 51


def test_without_any_time_left_everything_is_asked_for_again(stage: Stage) -> None:
    event = batch_of("aws:sqs", [text(1, "a"), "poison", text(1, "b")])
    stage.clock.sleep(28.5)
    assert stage.batch(event) == {"batchItemFailures": [item("aws:sqs", number) for number in range(3)]}
    with pytest.raises(NotAccepted, match=r"3 of 3 records were not accepted.*no time left"):
        stage.batch(batch_of("aws:sns", [text(1, "a"), "poison", text(1, "b")]))
    assert stage.ledger.unfinished(APP, 10) == []


def test_a_function_too_short_for_one_call_is_a_settings_error(stage: Stage) -> None:
    stage.invocation = invocation(5000.0, 5003.0)
    with pytest.raises(SettingsError, match="CHAT_TIMEOUT_S"):
        stage.batch(batch_of("aws:sqs", [text()]))


def test_a_full_row_takes_what_it_can_hold(stage: Stage) -> None:
    """The rest is delivered again, in order, once the group moves on."""
    stage.batch(batch_of("aws:sqs", [text(1, "a")]))
    stage.chat.groups["a"]["_receipt"] += 7
    reply = stage.batch(batch_of("aws:sqs", [text(1, "a")] * 400, first=1))
    failed = reply["batchItemFailures"]
    assert isinstance(failed, list)
    assert 100 < len(failed) < 300
    assert failed == [item("aws:sqs", number) for number in range(401 - len(failed), 401)]


def test_operations_too_large_for_one_write_are_accepted_in_smaller_ones(stage: Stage) -> None:
    counters = [{"Key": "群" * 40 + str(number), "Value": 1} for number in range(19)]
    contents = [text(1, "a", GroupCounter=counters) for _ in range(100)]
    assert stage.batch(batch_of("Ckafka", contents)) == {"accepted": 100, "parked": 0, "ignored": 0}
    assert set(stage.chat.groups["a"].values()) - {stage.chat.groups["a"]["_receipt"]} == {100}


def test_ten_thousand_records_are_one_batch(stage: Stage) -> None:
    groups = [f"room-{number}" for number in range(40)]
    stage.chat.groups = {group: {} for group in groups}
    contents = ["poison" if number % 10 == 9 else text(1, groups[number % 40]) for number in range(10_000)]
    assert stage.batch(batch_of("Ckafka", contents)) == {"accepted": 9000, "parked": 1000, "ignored": 0}
    assert sum(counters.get("like", 0) for counters in stage.chat.groups.values()) == 9000
    assert stage.clock.now() - START < 25
