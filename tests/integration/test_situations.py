"""The operator at night: from the log line or the metric, by the runbook's commands, to health."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from handler.clock import SystemClock
from handler.core.errors import LedgerUnavailable
from handler.ledgers.dynamodb.ledger import DynamoDbLedger
from handler.main import lambda_handler
from tests.contract.redis_server import started
from tests.e2e.watching import wait_for
from tests.integration.counting import MADE_UP_ACCOUNT, TIMEOUT_S, chat_with, order, over_http
from tests.integration.on_call import (
    Failed,
    OnCall,
    alarms,
    assert_over,
    calling,
    gauges,
    having_counted,
    health,
    lines_of,
    make_again_amid_a_call,
    sweep,
)
from tests.sandbox.caller import Caller
from tests.sandbox.chat import ChatServer
from tests.sandbox.contexts import lambda_context
from tests.sandbox.environment import CALLER, KEY, SDKAPPID, made_up_secret
from tests.sandbox.ministack import MiniStack
from tests.sandbox.redis_servers import RedisServer

GROUP = "live-room"
ORDER = order(GROUP, 5)
REPLAY = {"task": "parked", "action": "replay"}


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with chat_with([GROUP]) as server:
        yield server


@pytest.fixture
def counted(on_call: OnCall, chat: ChatServer, tmp_path: Path) -> Iterator[ChatServer]:
    """The vendor, and a function that has counted 100 in the group and is warm."""
    with having_counted(on_call, chat, tmp_path, order(GROUP, 100)) as warm:
        yield warm


def test_a_group_that_was_made_again_amid_a_call_is_released_by_what_the_operator_can_look_up(
    on_call: OnCall, counted: ChatServer
) -> None:
    make_again_amid_a_call(counted, GROUP)
    on_call.log()
    log = sweep(on_call)
    assert alarms(log) == {"frozen_groups"}
    [line] = lines_of(log, "group_frozen")
    said, [group] = on_call.status()
    assert said.startswith("NOT WELL: 1 frozen groups")
    assert (group["GROUP"], group["NEXT STEP"].count("make inspect GROUP=live-room")) == (line["group"], 1)

    shown = on_call.asked("inspect", "--group", GROUP)
    earlier = on_call.asked("operation", "--group", GROUP, "--caller", CALLER, "--key", "before")
    # 100 after the last answer, 105 now: the call of 5 is in.
    assert earlier["GroupCounter"] == [{"Key": "like", "Value": 100}]
    assert shown["upstream"] == {"missing": None, "receipt": 777, "counters": {"like": 105}}
    verdict = ("release", "--group", GROUP, "--verdict", f"{shown['to_be_judged'][0]}=landed", "--receipt", "777")
    assert on_call.asked(*verdict, "--dry-run")["settled"] == shown["to_be_judged"]
    counted.set_clock_offset(shown["ready_in_s"] + 1)
    assert on_call.asked(*verdict)["done"]

    assert_over(on_call)
    assert over_http(ORDER, "k")[0] == 200
    assert counted.values(GROUP)["like"] == 105


def from_bus(detail: object, number: int, source: str = "shop") -> object:
    event = {"id": f"event {number}", "detail-type": "like", "source": source, "detail": detail}
    return lambda_handler(event, lambda_context(TIMEOUT_S))


def test_parked_records_are_replayed_under_a_new_key_or_sent_again_and_dropped(
    on_call: OnCall, counted: ChatServer
) -> None:
    """One came before its group was made, and one is malformed."""
    early, malformed = json.loads(order("new-room", 7)), {"GroupId": GROUP}
    assert [from_bus(early, 1), from_bus(malformed, 2)] == [{"accepted": 0, "parked": 1, "ignored": 0}] * 2
    said = [(line["record"], line["reason"]) for line in lines_of(on_call.log(), "record_parked")]
    reasons = [
        ("event 1", "the vendor refused it with code 10010: the group does not exist or was dismissed"),
        ("event 2", "GroupCounter: Field required"),
    ]
    assert said == reasons
    assert alarms(sweep(on_call)) == {"parked_records"}
    assert on_call.status()[0].startswith("NOT WELL: 2 parked records")

    records = on_call.asked("parked", "list")["records"]
    assert [(one["id"], one["reason"]) for one in records] == reasons
    counted.create_group("new-room")
    assert on_call.asked("parked", "replay", "--all") == {**REPLAY, "replayed": 0, "refused": 2, "left": 0}
    again = on_call.asked("parked", "replay", "--id", "event 1", "--key", "event-1-again")
    assert (again["outcome"], again["dropped"]) == ("applied", True)
    assert from_bus(json.loads(ORDER), 3) == {"accepted": 1, "parked": 0, "ignored": 0}
    assert on_call.asked("parked", "drop", "--id", "event 2")["dropped"]

    assert_over(on_call)
    assert (counted.values("new-room")["like"], counted.values(GROUP)["like"]) == (7, 105)


def test_records_that_end_soon_are_named_and_those_of_one_source_replayed_alone(
    on_call: OnCall, chat: ChatServer, tmp_path: Path
) -> None:
    """The notes also name those whom the secret sets no bounds."""
    with calling(chat.endpoint, tmp_path, PARKED_DAYS="5"):
        for number, source in enumerate(["shop", "club"]):
            from_bus({"GroupId": GROUP}, number, source)
        anyone, *ending = on_call.notes()
        assert anyone.startswith(f"Callers that may do everything: {CALLER}, ")
        assert [note.rpartition(": ")[2] for note in ending] == [
            "the parked record event 0 of shop",
            "the parked record event 1 of club",
        ]
        of_one = on_call.asked("parked", "replay", "--all", "--source", "shop")
        assert of_one == {**REPLAY, "replayed": 0, "refused": 1, "left": 0}


@pytest.mark.parametrize(
    ("subject", "health", "step"),
    [
        (("--group", GROUP), "NOT WELL: groups are paused. ", "`make resume GROUP=live-room`"),
        ((), "NOT WELL: PAUSED since ", "`make resume`"),
    ],
)
def test_a_pause_shows_with_its_reason_until_it_is_ended(
    on_call: OnCall, counted: ChatServer, subject: tuple[str, ...], health: str, step: str
) -> None:
    assert over_http(ORDER, "k", wait="respond-async")[0] == 202
    assert on_call.asked("pause", "--reason", "the vendor has asked for it", *subject)["changed"]
    said, [group] = on_call.status()
    assert said.startswith(health)
    assert "the vendor has asked for it" in group["STATE"]
    assert step in group["NEXT STEP"]
    assert on_call.asked("inspect", "--group", GROUP)["paused"]["reason"] == "the vendor has asked for it"
    assert on_call.asked("resume", *subject)["changed"]
    assert_over(on_call)
    assert counted.values(GROUP)["like"] == 105


def test_of_a_group_that_a_restored_ledger_cannot_explain_the_queue_is_judged_too(
    on_call: OnCall, chat: ChatServer, tmp_path: Path, server: RedisServer
) -> None:
    """It grows while the operator looks, because callers go on asking."""
    with calling(chat.endpoint, tmp_path, LEDGER_URL=server.url):
        assert over_http(order(GROUP, 100), "before")[0] == 200
        Caller(chat.endpoint, SDKAPPID, KEY).update(GROUP, "Increase", {"_receipt": 7})
        lambda_handler({"Type": "Operator", "task": "restored"}, lambda_context(TIMEOUT_S))
        assert over_http(ORDER, "k")[0] == 202
        waits_s = on_call.asked("inspect", "--group", GROUP)["ready_in_s"]
    chat.set_clock_offset(waits_s + 1)
    with calling(chat.endpoint, tmp_path, LEDGER_URL=server.url):
        wait_for(lambda: gauges(sweep(on_call))["frozen_groups"] == 1, "the sweep that freezes the group")
        shown = on_call.asked("inspect", "--group", GROUP)
        assert over_http(order(GROUP, 7), "later")[0] == 503
        [judged] = shown["to_be_judged"]
        seen = ("--receipt", str(shown["upstream"]["receipt"]))
        verdict = ("release", "--group", GROUP, "--verdict", f"{judged}=not-landed", *seen)
        with pytest.raises(Failed, match="lacks one for each of"):
            on_call.asked(*verdict)
        early = on_call.asked(*verdict, "--queued", "not-landed")
    chat.set_clock_offset(waits_s + early["retry_after_s"] + 2)
    with calling(chat.endpoint, tmp_path, LEDGER_URL=server.url):
        assert on_call.asked(*verdict, "--queued", "not-landed")["done"]
        assert_over(on_call)
    assert chat.values(GROUP)["like"] == 112


def test_restored_by_a_slip_only_slows_groups_down_and_says_for_how_long(
    on_call: OnCall, chat: ChatServer, tmp_path: Path, server: RedisServer
) -> None:
    """Redis tells every instance at once; other ledgers take up to five minutes more."""
    with calling(chat.endpoint, tmp_path, LEDGER_URL=server.url):
        assert over_http(order(GROUP, 100), "before")[0] == 200
        lambda_handler({"Type": "Operator", "task": "restored"}, lambda_context(TIMEOUT_S))
        assert [line["task"] for line in lines_of(on_call.log(), "operator_task")] == ["restored"]
        assert over_http(ORDER, "k")[0] == 202
        said, [group] = on_call.status()
        assert said.endswith("generation: 2)")
        assert "the end of what was signed before the ledger was restored" in group["STATE"]
        waits_s = on_call.asked("inspect", "--group", GROUP)["ready_in_s"]
    chat.set_clock_offset(waits_s + 1)
    with calling(chat.endpoint, tmp_path, LEDGER_URL=server.url):
        assert_over(on_call)
        assert over_http(ORDER, "k")[0] == 200
    assert chat.values(GROUP)["like"] == 105


def _unlink(path: Path) -> None:
    path.unlink()


def _garble(path: Path) -> None:
    path.write_text('{"sdkappid": 140000', "utf-8")


@pytest.mark.parametrize(("break_it", "words"), [(_garble, "is not JSON"), (_unlink, "No such file or directory")])
def test_a_secret_that_cannot_be_read_is_named_by_the_log_and_by_the_command_until_it_is_put_back(
    on_call: OnCall, chat: ChatServer, tmp_path: Path, break_it: Callable[[Path], None], words: str
) -> None:
    secret = tmp_path / "secret.json"
    with calling(chat.endpoint, tmp_path):
        break_it(secret)
        assert (over_http(ORDER, "k")[0], health()) == (503, 503)
        log = on_call.log()
        assert alarms(log) == {"secret_or_settings_failed"}
        assert all(words in str(line["message"]) for line in log if line.get("level") == "ERROR")
        with pytest.raises(Failed, match=words):
            on_call.run("status")
        secret.write_text(json.dumps(made_up_secret()), "utf-8")
        wait_for(lambda: health() == 200, "the instance that reads the secret again")
        assert over_http(ORDER, "k")[0] == 200
        assert_over(on_call)
    assert chat.values(GROUP)["like"] == 5


Outage: TypeAlias = tuple[str, str, Callable[[], object]]
"""The URL of a ledger that is out of reach, the words for it, and what brings it back."""


@contextmanager
def redis_killed(folder: Path) -> Iterator[Outage]:
    with started(folder) as server:
        server.kill()
        yield server.url, "no connection to Redis could be made", server.restart


@contextmanager
def table_missing(folder: Path) -> Iterator[Outage]:
    with MiniStack(folder, "dynamodb") as stack:

        def create() -> None:
            ledger = DynamoDbLedger("counters", SystemClock(), region="eu-west-1", endpoint=stack.endpoint, create=True)
            ledger.generation()

        yield f"dynamodb://counters?endpoint={stack.endpoint}", "the table counters does not exist", create


@contextmanager
def folder_missing(folder: Path) -> Iterator[Outage]:
    place = folder / "disk"
    yield f"sqlite:///{place}/ledger", "its folder does not exist", place.mkdir


@pytest.mark.parametrize("outage", [redis_killed, table_missing, folder_missing])
def test_a_ledger_out_of_reach_is_named_by_the_log_and_by_the_command_until_it_is_back(
    on_call: OnCall, chat: ChatServer, tmp_path: Path, outage: Callable[[Path], AbstractContextManager[Outage]]
) -> None:
    with (
        outage(tmp_path) as (url, words, mend),
        calling(chat.endpoint, tmp_path, LEDGER_URL=url, **MADE_UP_ACCOUNT),
    ):
        status, said = over_http(ORDER, "k")
        assert (status, said["accepted"], health()) == (503, False, 503)
        log = on_call.log()
        assert any(words in str(line["message"]) for line in log if line.get("level") == "ERROR"), log
        with pytest.raises(LedgerUnavailable, match=words):
            sweep(on_call)
        assert gauges(on_call.log()) == {}
        with pytest.raises(Failed, match=words):
            on_call.run("status")
        mend()
        wait_for(lambda: health() == 200, "the ledger")
        assert over_http(ORDER, "k")[0] == 200
        assert_over(on_call)
    assert chat.values(GROUP)["like"] == 5
