"""Operator events about groups: shown in plain JSON, decided once nothing can land, and never taken from HTTP."""

from __future__ import annotations

import json

import pytest

from handler.core.errors import BadInput, NotAccepted
from handler.core.model.operation import operation_id
from handler.core.ports.ledger import Parked
from handler.core.ports.system import Notice
from handler.triggers.event_kind import Kind, detect
from tests.sandbox.dialects import DIALECTS, Dialect, event_of
from tests.unit.triggers.operator.operators import event, part, tell
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
