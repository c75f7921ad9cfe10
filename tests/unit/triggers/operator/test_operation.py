"""What became of one operation, for an operator who has its caller and its key."""

import pytest

from handler.core.errors import BadInput
from handler.core.model.operation import operation_id
from tests.unit.triggers.operator.operators import part, tell
from tests.unit.triggers.sources.source_events import STREAM, kinesis, text
from tests.unit.triggers.stage import CALLER, NEVER_ARRIVED, Stage


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


def test_a_settled_record_of_a_stream_is_not_said_to_be_unknown(stage: Stage) -> None:
    """Only its place in the stream is kept, so no answer of it is found."""
    stage.batch({"Records": [kinesis(text(3), partitionKey="room")]})
    assert stage.like() == 8
    with pytest.raises(BadInput, match="a record that goes by its place in a stream is known only until it is settled"):
        tell(
            stage,
            "operation",
            GroupId="room",
            Caller=STREAM,
            IdempotencyKey=f"{STREAM}/shardId-000000000006:4959000000",
        )


def test_an_operation_of_a_frozen_group_says_why(frozen: Stage) -> None:
    told = tell(frozen, "operation", GroupId="room", Caller=CALLER, IdempotencyKey="second")
    assert told["state"] == "frozen"
    assert str(told["waits_for"]).startswith("the receipt shows ")
