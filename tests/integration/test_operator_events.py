"""On real ledgers: what an operator is shown, what a pause holds, and how a group comes back to health."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from handler import bootstrap
from handler.core.errors import NeedsAttention
from handler.core.model.operation import Mode
from handler.core.model.row import Entry, Group, first_row
from handler.core.ports.ledger import Parked
from handler.main import lambda_handler
from tests.integration.counting import MADE_UP_ACCOUNT, SWEEP, TIMEOUT_S, chat_with, order, over_http, sweep, tick
from tests.sandbox.caller import Caller
from tests.sandbox.chat import ChatServer
from tests.sandbox.cold_function import cold_function
from tests.sandbox.contexts import lambda_context
from tests.sandbox.environment import CALLER, KEY, SDKAPPID, sandboxed_environment

# Nothing of the past can land after some four seconds.
SHORTEST_LIVES = {"SIGNATURE_LIFE_S": "2", "CLOCK_GUARD_S": "0.2", "CHAT_TIMEOUT_S": "0.5"}

Told = Mapping[str, object]


@pytest.fixture
def chat(ledger_url: str, tmp_path: Path, numbers: Iterator[int]) -> Iterator[ChatServer]:
    """A Chat server with a room, and the function, whose ledger knows nothing of this room yet."""
    with chat_with([f"room-{next(numbers)}"]) as server:
        environment = sandboxed_environment(server.endpoint, tmp_path, **SHORTEST_LIVES)
        with cold_function({**environment, **MADE_UP_ACCOUNT, "LEDGER_URL": ledger_url}):
            yield server


@pytest.fixture
def room(chat: ChatServer) -> str:
    (name,) = chat.groups()
    return name


@pytest.fixture
def frozen(chat: ChatServer, room: str) -> str:
    """The room after another program has written its receipt, with an operation under way."""
    assert over_http(order(room, 5), "first")[0] == 200
    Caller(chat.endpoint, SDKAPPID, KEY).update(room, "Increase", {"_receipt": 7})
    assert over_http(order(room, 3), "second")[0] == 503
    return room


def tell(task: str, **fields: object) -> dict[str, object]:
    """What an operator event returns, through JSON as a platform returns it."""
    told = lambda_handler({"Type": "Operator", "task": task, **fields}, lambda_context(TIMEOUT_S))
    answer: dict[str, object] = json.loads(json.dumps(told))
    return answer


def check() -> Told:
    event = {"Type": "Timer", "TriggerName": "check", "Time": "2026-11-23T00:00:00Z", "Message": {"task": "check"}}
    return lambda_handler(event, lambda_context(TIMEOUT_S))


def owed_since(moment: int) -> Entry:
    counters = (("like", 1),)
    return Entry(id="a", fingerprint="v1:a", mode=Mode.INCREASE, counters=counters, window_s=3600.0, accepted_at=moment)


def numbers_of(told: Told) -> tuple[object, object, object]:
    return told["frozen"], told["unfinished"], told["parked"]


def attention(told: Told) -> list[Told]:
    groups = told["attention"]
    assert isinstance(groups, list)
    return groups


def test_a_frozen_group_is_found_weighed_and_brought_back(chat: ChatServer, frozen: str) -> None:
    """Status and the check show it until the release, which a dry run shows before; then all counts once."""
    bootstrap.reset()
    [seen] = attention(tell("status"))
    assert (seen["GroupId"], seen["state"], seen["queued"]) == (frozen, "frozen", 1)
    assert f"make inspect GROUP={frozen}" in str(seen["next"])
    with pytest.raises(NeedsAttention, match="1 frozen groups"):
        check()
    shown = tell("inspect", GroupId=frozen)
    weighed = shown["hypotheses"]
    assert isinstance(weighed, list)
    # Another program has moved the receipt by 7, so the call that it does not explain has landed.
    assert [one["off"] for one in weighed if one["attempt"]] == [7]
    assert tell("operation", GroupId=frozen, Caller=CALLER, IdempotencyKey="second")["state"] == "frozen"
    verdict = {"Caller": CALLER, "IdempotencyKey": "second", "verdict": "landed"}
    dry = tell("release", GroupId=frozen, keys=[verdict], dry_run=True)
    assert (dry["done"], dry["settled"], dry["sent_again"], dry["owed_back"]) == (False, shown["to_be_judged"], [], {})
    assert numbers_of(tell("status")) == (1, 0, 0)
    while "retry_after_s" in (told := tell("release", GroupId=frozen, keys=[verdict])):
        time.sleep(float(str(told["retry_after_s"])))
    assert (told["done"], told["settled"]) == (True, 1)
    assert numbers_of(tell("status")) == (0, 0, 0)
    assert check()["attention"] == 0
    assert over_http(order(frozen, 3), "second")[0] == 200
    assert over_http(order(frozen, 1), "third")[0] == 200
    assert chat.values(frozen)["like"] == 9
    assert tell("operation", GroupId=frozen, Caller=CALLER, IdempotencyKey="third")["state"] == "applied"


@pytest.mark.parametrize("of_all", [True, False], ids=["all", "group"])
def test_during_a_pause_everything_is_accepted_and_nothing_is_sent(chat: ChatServer, room: str, of_all: bool) -> None:
    """On a cold instance too; after it everything counts once."""
    assert over_http(order(room, 1), "before")[0] == 200
    scope = {} if of_all else {"GroupId": room}
    paused = tell("pause", reason="the vendor has asked for it", **scope)
    assert paused["changed"] is True
    bootstrap.reset()
    sent, began = len(chat.journal()), time.monotonic()
    assert [over_http(order(room, value), f"paused-{value}")[0] for value in (2, 4)] == [202, 202]
    assert time.monotonic() - began < 4
    assert lambda_handler(tick(room, value=8), lambda_context(TIMEOUT_S))["pending"] == 1
    lambda_handler(SWEEP, lambda_context(TIMEOUT_S))
    told = tell("status")
    assert told["paused"] == (paused["paused"] if of_all else None)
    [seen] = attention(told)
    assert (seen["GroupId"], seen["queued"], numbers_of(told)) == (room, 3, (0, 1, 0))
    assert "the vendor has asked for it" in str(seen["reason"])
    assert [entry for entry in chat.journal()[sent:] if entry.group == room] == []
    with pytest.raises(NeedsAttention):
        check()
    assert tell("resume", **scope)["changed"] is True
    sweep()
    assert chat.values(room)["like"] == 15
    assert check()["attention"] == 0


def test_the_pause_of_a_group_that_was_never_used_leaves_nothing_behind(room: str) -> None:
    tell("pause", reason="why", GroupId=room)
    assert [seen["state"] for seen in attention(tell("status"))] == ["paused"]
    tell("resume", GroupId=room)
    assert attention(tell("status")) == []
    assert bootstrap.app_context().instance.ledger.load(Group(SDKAPPID, room)) is None


def test_all_parked_records_are_replayed_at_once(chat: ChatServer, room: str) -> None:
    kept = bootstrap.app_context().parked
    for number, group in enumerate([room, room, "no-such-room"]):
        kept.park(SDKAPPID, Parked(f"record {number}", "a-queue", "why", 1.0, order(group, 5)))
    assert numbers_of(tell("status")) == (0, 0, 3)
    told = tell("parked", action="replay", all=True, source="a-queue")
    assert (told["replayed"], told["refused"], told["left"]) == (2, 1, 0)
    assert tell("parked", action="drop", id="record 2")["dropped"] is True
    assert (chat.values(room)["like"], numbers_of(tell("status"))) == (10, (0, 0, 0))


def test_five_thousand_unfinished_groups_show_with_age_and_page(room: str, ledger_url: str) -> None:
    """In one invocation each. They stay, so this test of a ledger is its last one.

    The emulator of DynamoDB takes a minute for so many, and shows its pages with fewer.
    """
    count = 1200 if ledger_url.startswith("dynamodb") else 5000
    ledger, now = bootstrap.app_context().instance.ledger, int(time.time())
    ids = [f"{room}-{number:04}" for number in range(count)]
    for age_s, group_id in enumerate(ids):
        assert ledger.swap(Group(SDKAPPID, group_id), first_row([owed_since(now - 5000 + age_s)], "_receipt", 1), {})
    told = tell("status", limit=100)
    assert (told["unfinished"], told.get("complete", True)) == (count, True)
    assert [seen["GroupId"] for seen in attention(told)] == ids[:100]
    assert str(attention(told)[0]["age"]).startswith("1 h 2")
    assert float(str(told["oldest_unfinished_s"])) >= 5000
    again = tell("status", limit=100, after=told["after"])
    assert [seen["GroupId"] for seen in attention(again)] == ids[100:200]
