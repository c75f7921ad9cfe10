"""Operator events about groups: shown in plain JSON, decided once nothing can land, and never taken from HTTP."""

import json
from collections.abc import Callable

import pytest

from handler.core.errors import BadInput, NotAccepted
from handler.core.model.operation import operation_id
from handler.core.ports.ledger import Parked
from handler.core.ports.system import Notice
from handler.triggers.event_kind import Event, Kind, detect
from handler.version import VERSION
from tests.sandbox.dialects import DIALECTS, Dialect, event_of
from tests.unit.triggers.operator.operators import attention, event, part, tell
from tests.unit.triggers.sources.source_events import kinesis, sqs, text
from tests.unit.triggers.stage import APP, CALLER, NEVER_ARRIVED, TOKEN, UPDATE, Stage, headers


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_http_event_is_one_of_an_operator(dialect: Dialect, stage: Stage) -> None:
    """Neither by its body, nor by a name beside those of its platform."""
    body = json.dumps(event("parked", action="list")).encode()
    sent = event_of(dialect, "POST", UPDATE, headers("k").items(), body)
    assert detect({**sent, "Type": "Operator", "task": "parked", "action": "list"})[0] is not Kind.OPERATOR
    assert stage.send("POST", UPDATE, headers("k"), body, dialect).status == 400


def test_a_record_of_a_source_is_none_of_an_operator() -> None:
    assert detect({"Records": [], "Type": "Operator", "task": "inspect"})[0] is Kind.RECORDS


def test_a_group_at_rest_is_shown_with_its_receipt(stage: Stage) -> None:
    told = tell(stage, "inspect", GroupId="room")
    assert part(told, "row")["base"] == part(told, "upstream")["receipt"]
    assert part(told, "upstream")["counters"] == {"like": 5}
    assert part(told, "explanation")["receipt"] == "is the base: nothing landed, and nothing can any more"
    assert (told["to_be_judged"], told["ready_in_s"]) == ([], 0)


def test_a_frozen_group_is_shown_with_what_was_under_way(frozen: Stage) -> None:
    told = tell(frozen, "inspect", GroupId="room")
    row, named = part(told, "row"), operation_id(CALLER, "second")
    assert str(row["frozen"]).startswith("the receipt shows ")
    assert part(row, "attempt")["operations"] == [
        {
            "id": named,
            "mode": "Increase",
            "counters": {"like": 5},
            "accepted_at": "2026-11-22T00:00:00Z",
            "settled_meanwhile": False,
        }
    ]
    assert told["to_be_judged"] == [named]
    assert told["explanation"] == {"receipt": "is explained by nothing"}
    assert told["ready_in_s"] == 17


def test_a_verdict_releases_the_group_once_nothing_can_land(frozen: Stage) -> None:
    """By the id or by the caller's own key; the duplicate then hears that it was applied, and counting goes on."""
    shown = tell(frozen, "inspect", GroupId="room")
    keys = [{"Caller": CALLER, "IdempotencyKey": '"second"', "verdict": "landed"}]
    early = tell(frozen, "release", GroupId="room", keys=keys)
    assert early == {"task": "release", "GroupId": "room", "done": False, "retry_after_s": 17}
    frozen.clock.sleep(18)
    receipt = part(shown, "upstream")["receipt"]
    told = tell(frozen, "release", GroupId="room", keys=keys, receipt=receipt)
    assert (told["done"], told["settled"], told["owed"], told["base"]) == (True, 1, 0, receipt)
    again = frozen.post("second")
    assert (again.status, again.headers["idempotency-replayed"]) == (200, "true")
    assert frozen.post("third").status == 200
    assert frozen.chat.groups["room"]["like"] == 15
    assert Notice.GROUP_RELEASED in frozen.told.notices


def test_no_reply_shows_a_secret(frozen: Stage) -> None:
    frozen.kept.park(APP, Parked("r", "a-queue", "why", 1.0, "{}"))
    text = json.dumps([tell(frozen, "inspect", GroupId="room"), tell(frozen, "parked", action="list")])
    assert TOKEN not in text
    assert "a-made-up-key" not in text


def test_an_event_that_the_vendor_does_not_answer_changes_nothing(
    frozen: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(frozen, "inspect", GroupId="room")
    frozen.clock.sleep(13)
    monkeypatch.setattr(frozen.chat, "read", lambda *_, **__: NEVER_ARRIVED)
    with pytest.raises(NotAccepted, match="could not be read"):
        tell(frozen, "release", GroupId="room", verdicts={operation_id(CALLER, "second"): "landed"})
    assert frozen.post("second").status == 503


def test_a_restored_ledger_begins_a_new_generation(stage: Stage) -> None:
    assert tell(stage, "restored") == {"task": "restored", "generation": 2}
    assert stage.context.instance.generation.current().number == 2


def test_nothing_is_released_that_is_not_frozen(stage: Stage) -> None:
    with pytest.raises(BadInput, match=r"^GroupId: is not frozen"):
        tell(stage, "release", GroupId="room")
    for task in ("inspect", "adopt", "release"):
        with pytest.raises(BadInput, match=r"^GroupId: is not known"):
            tell(stage, task, GroupId="nowhere")


@pytest.mark.parametrize(
    ("task", "fields", "field"),
    [
        ("status", {"after": "nonsense"}, "after"),
        ("status", {"after": "é"}, "after"),
        ("status", {"limit": 0}, "limit"),
        ("status", {"limit": 101}, "limit"),
        ("pause", {}, "reason"),
        ("pause", {"reason": ""}, "reason"),
        ("pause", {"reason": " "}, "reason"),
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
    assert tell(stage, "about") == {"task": "about", "app": APP, "ledger": "memory", "version": VERSION}
