"""What an operator asks first: what is wrong, what became of an operation, and what a release would do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from handler.core.errors import BadInput
from handler.core.model.operation import operation_id
from handler.core.ports.ledger import Parked
from handler.core.ports.system import Notice
from handler.triggers.event_kind import Event
from tests.unit.triggers.operator.operators import part, tell
from tests.unit.triggers.sources.source_events import kinesis, sqs, text
from tests.unit.triggers.stage import APP, CALLER, NEVER_ARRIVED, Stage, invocation


def attention(told: Event) -> list[Event]:
    groups = told["attention"]
    assert isinstance(groups, list)
    return groups


def test_where_all_is_well_status_says_so(stage: Stage) -> None:
    assert tell(stage, "status") == {
        "task": "status",
        "paused": None,
        "generation": 1,
        "unfinished": 0,
        "frozen": 0,
        "parked": 0,
        "oldest_unfinished_s": 0.0,
        "attention": [],
        "after": None,
    }


def test_a_frozen_group_shows_since_when_and_what_to_do(frozen: Stage) -> None:
    frozen.kept.park(APP, Parked("r", "a-queue", "why", 1.0, "{}"))
    frozen.clock.sleep(12_000)
    told = tell(frozen, "status")
    [group] = attention(told)
    assert (told["frozen"], told["unfinished"], told["parked"]) == (1, 0, 1)
    assert (group["GroupId"], group["state"], group["age"], group["queued"]) == ("room", "frozen", "3 h 20 min", 1)
    assert str(group["since"]).startswith("2026-11-22T00:00:0")
    assert str(group["reason"]).startswith("the receipt shows ")
    assert "`make inspect GROUP=room`" in str(group["next"])
    assert "`make release GROUP=room`" in str(group["next"])


def test_an_unfinished_group_shows_its_last_error(stage: Stage) -> None:
    stage.chat.fates = [NEVER_ARRIVED] * 50
    stage.post("second")
    stage.clock.sleep(60)
    now = stage.clock.monotonic()
    stage.invocation = invocation(now, now + 29)
    stage.post("second")
    told = tell(stage, "status")
    [group] = attention(told)
    assert (told["unfinished"], group["state"]) == (1, "waiting")
    assert str(group["last_error"]).startswith("a call did not land at 2026-11-22T00:01:")
    assert group["next"] == "if its last error comes again, mend what it names: the next sweep goes on with it"
    assert float(str(told["oldest_unfinished_s"])) >= 60


def test_pages_go_on_where_the_last_one_ended(stage: Stage) -> None:
    stage.chat.fates = [NEVER_ARRIVED] * 500
    for number in range(5):
        stage.chat.groups[f"room {number}"] = {}
        stage.post(f"k{number}", prefer="respond-async", GroupId=f"room {number}")
        stage.clock.sleep(1)
    met, after = list[object](), None
    for _ in range(3):
        told = tell(stage, "status", limit=2, **({"after": after} if after else {}))
        met += [group["GroupId"] for group in attention(told)]
        after = told["after"]
    assert (met, after) == ([f"room {number}" for number in range(5)], None)
    stage.clock.sleep(600)
    assert attention(tell(stage, "status"))[0]["next"] == "find out what holds it up with `make inspect GROUP='room 0'`"


@pytest.mark.parametrize(
    ("task", "fields", "field"),
    [
        ("status", {"after": "nonsense"}, "after"),
        ("status", {"after": "é"}, "after"),
        ("status", {"limit": 0}, "limit"),
        ("status", {"limit": 101}, "limit"),
        ("pause", {}, "reason"),
        ("pause", {"reason": ""}, "reason"),
        ("pause", {"reason": "x" * 257}, "reason"),
        ("pause", {"reason": "群" * 256}, "reason"),
        ("pause", {"reason": "a\nb"}, "reason"),
        ("pause", {"reason": "why", "GroupId": ""}, "GroupId"),
        ("pause", {"reason": "why", "GroupId": None}, "GroupId"),
        ("pause", {"reason": "why", "GroupId": "a\nb"}, "GroupId"),
        ("resume", {"GroupId": None}, "GroupId"),
        ("resume", {"reason": "why"}, "reason"),
        ("operation", {"GroupId": "room", "Caller": CALLER}, "IdempotencyKey"),
        ("operation", {"GroupId": "room", "Caller": CALLER, "IdempotencyKey": "never"}, "IdempotencyKey"),
        ("parked", {"action": "replay", "all": False}, "all"),
        ("parked", {"action": "replay", "all": True, "id": "r"}, "id"),
        ("parked", {"action": "replay", "all": True, "limit": 0}, "limit"),
    ],
)
def test_wrong_input_is_one_error_that_names_the_field(
    task: str, fields: dict[str, object], field: str, stage: Stage
) -> None:
    with pytest.raises(BadInput) as refused:
        tell(stage, task, **fields)
    assert refused.value.field == field


def test_an_applied_operation_is_shown_as_over_http(stage: Stage) -> None:
    told = tell(stage, "operation", GroupId="room", Caller=CALLER, IdempotencyKey='"first"')
    assert told == {
        "task": "operation",
        "GroupId": "room",
        **stage.ask("first").body,
        "operation": operation_id(CALLER, "first"),
        "accepted_at": None,
        "attempt": None,
        "waits_for": None,
    }
    assert told["state"] == "applied"


def test_a_pending_operation_shows_its_attempt_and_what_it_waits_for(stage: Stage) -> None:
    """Asking moves nothing on."""
    stage.chat.fates = [NEVER_ARRIVED] * 50
    stage.post("second", prefer="wait=1")
    calls = stage.chat.calls
    told = tell(stage, "operation", GroupId="room", Caller=CALLER, IdempotencyKey="second")
    assert (told["state"], told["accepted_at"]) == ("pending", "2026-11-22T00:00:00Z")
    tried = part(told, "attempt")
    assert (tried["life_s"], tried["open"], tried["ended"]) == (6, True, False)
    assert (tried["signed_at"], tried["ends"]) == ("2026-11-22T00:00:00Z", "2026-11-22T00:00:12Z")
    assert told["waits_for"] == "it waits for the end of its call, unless the receipt shows that it landed"
    assert stage.chat.calls == calls


def test_an_operation_of_a_frozen_group_says_why(frozen: Stage) -> None:
    told = tell(frozen, "operation", GroupId="room", Caller=CALLER, IdempotencyKey="second")
    assert told["state"] == "frozen"
    assert str(told["waits_for"]).startswith("the receipt shows ")


@pytest.mark.parametrize("group", [{}, {"GroupId": "room"}])
def test_a_pause_is_answered_with_202_at_once_and_resumed(group: dict[str, object], stage: Stage) -> None:
    told = tell(stage, "pause", reason="the vendor has asked for it", **group)
    paused = {"since": "2026-11-22T00:00:00Z", "reason": "the vendor has asked for it"}
    assert told == {"task": "pause", **group, "paused": paused, "changed": True}
    assert tell(stage, "pause", reason="the vendor has asked for it", **group)["changed"] is False
    calls, began = stage.chat.calls, stage.clock.moved_s
    assert stage.post("second").status == 202
    assert stage.post("third", GroupId="new").status == (202 if not group else 404)
    assert stage.clock.moved_s - began < 1
    shown = tell(stage, "status")
    assert shown["paused"] == (None if group else paused)
    assert attention(shown)[0]["reason"] == (
        paused["reason"] if group else f"it waits for the end of the pause of all groups: {paused['reason']}"
    )
    assert "`make resume" in str(attention(shown)[0]["next"])
    assert stage.chat.calls == calls
    told = tell(stage, "resume", **group)
    assert told == {"task": "resume", **group, "paused": None, "changed": True}
    assert tell(stage, "resume", **group)["changed"] is False
    assert stage.post("second").status == 200
    assert stage.like() == 10


@pytest.mark.parametrize("source", [sqs, kinesis])
def test_a_source_is_acknowledged_during_a_pause(source: Callable[..., Event], stage: Stage) -> None:
    tell(stage, "pause", reason="why")
    calls = stage.chat.calls
    assert stage.batch({"Records": [source(text(3), number) for number in range(3)]})["batchItemFailures"] == []
    assert (stage.chat.calls, attention(tell(stage, "status"))[0]["queued"]) == (calls, 3)
    tell(stage, "resume")
    stage.batch({"Records": [source(text(3), number) for number in range(3)]})
    assert stage.like() == 14


def test_an_operator_looks_at_a_paused_group(stage: Stage) -> None:
    tell(stage, "pause", reason="why")
    told = tell(stage, "inspect", GroupId="room")
    assert part(told, "upstream")["counters"] == {"like": 5}
    assert told["paused"] == {"since": "2026-11-22T00:00:00Z", "reason": "why"}


def test_an_inspection_shows_what_a_verdict_takes(frozen: Stage) -> None:
    """The values that were known beside those that are there, and the arithmetic of each hypothesis."""
    told = tell(frozen, "inspect", GroupId="room")
    row, known = part(told, "row"), part(told, "last_known")
    assert known["receipt"] == row["base"]
    weighed = told["hypotheses"]
    assert isinstance(weighed, list)
    assert [one["attempt"] for one in weighed] == [None, part(row, "attempt")["id"]]
    assert weighed[1]["in_words"].startswith(f"if the open attempt {weighed[1]['attempt']} landed, the receipt was ")
    assert row["frozen_at"] == row["since"]
    assert str(row["since"]).startswith("2026-11-22T00:00:0")


@pytest.mark.parametrize("verdict", ["landed", "not-landed"])
def test_a_dry_run_shows_what_a_release_would_do_and_changes_nothing(verdict: str, frozen: Stage) -> None:
    named = operation_id(CALLER, "second")
    before = frozen.ledger.snapshot()  # type: ignore[attr-defined]  # a ledger in memory
    told = tell(frozen, "release", GroupId="room", verdicts={named: verdict}, dry_run=True)
    after = frozen.ledger.snapshot()  # type: ignore[attr-defined]  # a ledger in memory
    assert (told["done"], told["dry_run"], told["owed_back"]) == (False, True, {})
    landed = verdict == "landed"
    assert (told["settled"], told["sent_again"]) == (([named], []) if landed else ([], [named]))
    assert float(str(told["ready_in_s"])) > 0
    assert before == after


def test_a_dry_run_refuses_what_a_release_refuses(frozen: Stage) -> None:
    frozen.post("third")
    unsent = operation_id(CALLER, "third")
    with pytest.raises(BadInput, match=r"^verdicts: lacks one"):
        tell(frozen, "release", GroupId="room", dry_run=True)
    verdicts = {operation_id(CALLER, "second"): "landed", unsent: "landed"}
    with pytest.raises(BadInput, match=r"^verdicts: judges what was never sent"):
        tell(frozen, "release", GroupId="room", verdicts=verdicts, dry_run=True)


@pytest.mark.parametrize("task", ["status", "pause", "resume"])
def test_each_task_leaves_a_log_line(task: str, stage: Stage) -> None:
    tell(stage, task, **({"reason": "why"} if task == "pause" else {}))
    assert stage.told.notices.count(Notice.OPERATOR_TASK) == 1


def test_a_function_says_what_it_works_with_before_an_operator_changes_something(stage: Stage) -> None:
    assert tell(stage, "about") == {"task": "about", "app": APP, "ledger": "memory"}
