"""`verify` through the function, against the Chat server: each violated assumption is found and named."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from threading import Lock
from typing import TypedDict

import pytest

from handler import bootstrap
from handler.core.errors import BadInput, LedgerUnavailable
from handler.ledgers.sqlite.parked import SqliteParked
from handler.main import lambda_handler
from layers.operate.__main__ import main
from tests.sandbox.chat import ChatApp, ChatServer, ManualClock
from tests.sandbox.cold_function import cold_function
from tests.sandbox.contexts import lambda_context
from tests.sandbox.environment import KEY, SDKAPPID, sandboxed_environment
from tests.sandbox.lambda_api import LambdaServer
from tests.sandbox.violations import Violation

ROOT = Path(__file__).parents[2]
FUNCTION = "update-group-counter-prod-timer"
REGION = "eu-west-1"
GROUP = "scratch"

HOLDS, VIOLATED, NOT_TESTED = "holds", "violated", "not tested"

QUICK: list[tuple[Violation, str, str, str]] = [
    ("short_signatures_refused", "short signature accepted", "A2", "SIGNATURE_LIFE_S"),
    ("expired_signatures_accepted", "signature refused 1 s after its end", "A2", "CLOCK_GUARD_S"),
    ("expired_signatures_accepted", "signature refused 5 s after its end", "A2", "ATTEMPT_BOUND_S"),
    ("tolerant_signatures", "signature refused 1 s after its end", "A2", "CLOCK_GUARD_S"),
    ("signature_cache", "used signature refused after its end", "A2", "ATTEMPT_BOUND_S"),
    ("wrong_date", "Date tells the time", "A2", "CLOCK_GUARD_S"),
    ("slow_effects", "updates show within the guard", "A2", "CLOCK_GUARD_S"),
    ("negative_deltas_refused", "Increase by -1 counts down", "", "callers"),
    ("negative_deltas_refused", "Decrease by -1 counts up", "", "callers"),
    ("below_zero_refused", "Decrease below zero is counted", "A10", "callers"),
    ("below_zero_cut_off", "Decrease below zero is counted", "A10", "callers"),
]
WHOLE: list[tuple[Violation, str, str, set[str]]] = [
    ("partial_updates", "A3", "callers", {"all keys of a call move together", "a refused call moves no key"}),
    ("stale_reads", "A4", "RECEIPT_KEY", {"reads show the last update"}),
]


USED = "used signature refused after its end"
BESIDE: dict[Violation, set[str]] = {
    "expired_signatures_accepted": {USED},
    "wrong_date": {USED, "signature refused 1 s after its end", "signature refused 5 s after its end"},
}
"""What a violation breaks beside the tests that are for it."""


class Found(TypedDict, total=False):
    """A finding as the function returns it."""

    test: str
    name: str
    verdict: str
    assumption: str
    evidence: dict[str, object]
    advice: str


class SharedClock:
    """The function's clock on that of the Chat server: whoever sleeps moves both."""

    def __init__(self, manual: ManualClock) -> None:
        self._manual = manual
        self._lock = Lock()
        self._lead_s = time.monotonic() - manual.now()

    def now(self) -> float:
        return self._manual.now()

    def monotonic(self) -> float:
        """The real monotonic clock's moment of the beginning, and what has been slept since."""
        return self._manual.now() + self._lead_s

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._manual.advance(seconds)


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[ChatServer]:
    """The Chat server with a scratch group, and the function set up for it, both on a clock that nobody waits for."""
    clock = ManualClock()
    app = ChatApp(sdkappid=SDKAPPID, keys=(KEY,))
    with ChatServer(app, clock=clock) as server, pytest.MonkeyPatch.context() as patch:
        server.create_group(GROUP)
        patch.setattr("handler.bootstrap.SystemClock", lambda: SharedClock(clock))
        with cold_function(sandboxed_environment(server.endpoint, tmp_path)):
            yield server


@pytest.fixture
def aws(chat: ChatServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[LambdaServer]:
    """The function as that of the stage `prod` on AWS, whose log is elsewhere."""

    def deployed(event: object, context: object) -> object:
        with redirect_stdout(StringIO()):
            return lambda_handler(event, context)

    with LambdaServer({FUNCTION: deployed}) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://{server.address}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
        yield server


def on_aws(*arguments: str) -> int:
    return main(["--stage", "prod", "--region", REGION, "verify", *arguments])


def verify(*, quick: bool = False, group: str = GROUP, timeout_s: float = 900.0) -> dict[str, object]:
    event = {"Type": "Operator", "task": "verify", "GroupId": group, "quick": quick}
    answer = lambda_handler(event, lambda_context(timeout_s))
    json.dumps(answer, allow_nan=False)
    return answer


def findings(answer: dict[str, object]) -> dict[str, Found]:
    found = answer["findings"]
    assert isinstance(found, list)
    return {finding["name"]: finding for finding in found}


def verdicts(answer: dict[str, object]) -> dict[str, str]:
    return {name: finding["verdict"] for name, finding in findings(answer).items()}


def test_a_faithful_api_holds_throughout(chat: ChatServer) -> None:
    """Every test of L1 to L6, with every call that a whole run makes, and within the limit of the API."""
    answer = verify()
    assert set(verdicts(answer).values()) == {HOLDS}
    assert (answer["violated"], answer["not_tested"], answer["set_back"], answer["stored"]) == (0, 0, True, True)
    assert answer["calls"] == len(chat.journal())
    assert 3300 < len(chat.journal()) <= 3500
    assert not [entry for entry in chat.journal() if entry.code == 60007]
    assert set(chat.values(GROUP).values()) == {0}
    assert answer["callers_without_rights"] == ["mobile-backend", "schedule"]
    assert answer["ledger_expires"] is True
    assert answer["settings"] == {"SIGNATURE_LIFE_S": 6, "CLOCK_GUARD_S": 5.0, "ATTEMPT_BOUND_S": 11.0}


def test_a_quick_run_takes_fewer_than_100_calls_and_shows_findings_without_empty_fields(chat: ChatServer) -> None:
    """A fact has no assumption, and what holds no advice."""
    found = findings(verify(quick=True))
    assert len(chat.journal()) < 100
    assert {finding["verdict"] for finding in found.values()} == {HOLDS}
    assert found["Increase by 0 is taken"] == {
        "test": "L5",
        "name": "Increase by 0 is taken",
        "verdict": "holds",
        "evidence": {"start": 10, "after": 10, "code": 0},
    }


@pytest.mark.parametrize(("violation", "name", "assumption", "setting"), QUICK)
def test_a_quick_run_names_the_violation(
    chat: ChatServer, violation: Violation, name: str, assumption: str, setting: str
) -> None:
    """Each test that fails and no other, the assumption that it bears on, and the setting to change."""
    chat.violate([violation])
    found = findings(verify(quick=True))
    violated = {each for each, finding in found.items() if finding["verdict"] == VIOLATED}
    assert violated == {each for other, each, *_ in QUICK if other == violation} | BESIDE.get(violation, set())
    finding = found[name]
    assert finding.get("assumption", "") == assumption
    assert finding["advice"].startswith(f"{setting}: ")
    assert finding["evidence"]


@pytest.mark.parametrize(("violation", "assumption", "setting", "names"), WHOLE)
def test_a_whole_run_names_the_violation_and_blames_nothing_else(
    chat: ChatServer, violation: Violation, assumption: str, setting: str, names: set[str]
) -> None:
    """The same, for what takes many calls to see."""
    chat.violate([violation])
    violated = {name: found for name, found in findings(verify()).items() if found["verdict"] == VIOLATED}
    assert violated.keys() == names
    for finding in violated.values():
        assert finding["assumption"] == assumption
        assert finding["advice"].startswith(f"{setting}: ")
        assert finding["evidence"]


def test_expired_signatures_are_tried_with_a_long_life_where_short_ones_are_refused(chat: ChatServer) -> None:
    """A short one is refused there anyway, which proves nothing about its end."""
    chat.violate(["short_signatures_refused", "expired_signatures_accepted"])
    found = verdicts(verify(quick=True))
    assert found["signature refused 1 s after its end"] == VIOLATED
    assert found["used signature refused after its end"] == NOT_TESTED


def test_a_group_that_the_ledger_knows_is_refused_untouched(chat: ChatServer) -> None:
    """Its receipts would be foreign writes to the tests, and the other way round."""
    operations = [{"GroupIds": [GROUP], "GroupCounter": [{"Key": "like", "Value": 1}], "Mode": "Increase"}]
    tick = {"Type": "Timer", "TriggerName": "t", "Time": "2099-01-01T00:00:00Z", "Message": {"operations": operations}}
    lambda_handler(tick, lambda_context(29.0))
    calls = len(chat.journal())
    with pytest.raises(BadInput, match="GroupId: is in use"):
        verify()
    assert len(chat.journal()) == calls


def test_a_group_with_counters_of_its_own_is_refused_untouched(chat: ChatServer) -> None:
    chat.create_group("room", counters={"like": 1})
    with pytest.raises(BadInput, match="GroupId: has 1 counters of its own"):
        verify(group="room")
    assert [entry.command for entry in chat.journal()] == ["get"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"GroupId": ""}, "GroupId"),
        ({"GroupId": 5}, "GroupId"),
        ({"GroupId": "\ud800"}, "event"),
        ({"quick": "yes"}, "quick"),
        ({"GroupID": "x"}, "GroupID"),
    ],
)
def test_a_wrong_event_names_its_field(chat: ChatServer, fields: dict[str, object], field: str) -> None:
    with pytest.raises(BadInput, match=f"^{field}: "):
        lambda_handler({"Type": "Operator", "task": "verify", "GroupId": GROUP, **fields}, None)
    assert chat.journal() == ()


def test_a_short_timeout_leaves_the_long_tests_undone(chat: ChatServer) -> None:
    """The quick part fits into half a minute; the rest says how it can be run."""
    answer = verify(timeout_s=29.0)
    found = findings(answer)
    assert found["short signature accepted"]["verdict"] == HOLDS
    assert found["reads show the last update"]["verdict"] == NOT_TESTED
    assert "timeout of 15 minutes" in found["reads show the last update"]["advice"]
    assert answer["violated"] == 0


def test_the_result_is_kept_with_its_date(chat: ChatServer) -> None:
    answer = verify(quick=True)
    noted = bootstrap.app_context().notes.noted(SDKAPPID, "verified")
    assert noted is not None
    assert {**json.loads(noted), "stored": True} == answer
    assert str(answer["date"]).startswith("2023-11-14T22:13:")


def test_a_ledger_that_does_not_take_the_result_does_not_lose_it(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator gets the findings, and is told that nobody else will."""

    def refuse(self: SqliteParked, app: int, name: str, text: str) -> None:
        raise LedgerUnavailable("the disk is full")

    monkeypatch.setattr(SqliteParked, "note", refuse)
    answer = verify(quick=True)
    assert (answer["stored"], answer["violated"]) == (False, 0)


def test_the_command_prints_every_finding_of_the_deployed_function(
    aws: LambdaServer, chat: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says first what it acts on, ends well where nothing is violated, and else names the setting to change."""
    assert on_aws("--group", GROUP, "--quick") == 0
    told = capsys.readouterr()
    assert told.err.splitlines()[0] == f"Acting on {FUNCTION} in {REGION}"
    lines = told.out.splitlines()
    assert sum(f"  {HOLDS} " in line for line in lines) == 15
    assert " calls; 0 violated, 0 not tested" in told.out
    assert aws.invoked == [(FUNCTION, {"Type": "Operator", "task": "verify", "GroupId": GROUP, "quick": True})]
    chat.violate(["short_signatures_refused"])
    assert on_aws("--group", GROUP, "--quick") == 1
    assert "SIGNATURE_LIFE_S: give a long one" in capsys.readouterr().out


def test_the_command_says_why_nothing_could_be_tried(aws: LambdaServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert on_aws("--group", "nowhere", "--quick") == 1
    assert capsys.readouterr().err.splitlines() == [
        f"Acting on {FUNCTION} in {REGION}",
        "BadInput: GroupId: the vendor refuses this group with code 10010",
    ]


def test_the_local_chat_server_is_verified_by_a_command_of_its_own() -> None:
    """In a process of its own, as it sets up the environment of its function."""
    command = [sys.executable, "-m", "tests.sandbox.verify", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Acting on the local Chat server, which is not your app; ")
    assert " calls; 0 violated, 0 not tested" in done.stdout


def test_an_instance_says_once_that_nothing_is_verified(chat: ChatServer, capfd: pytest.CaptureFixture[str]) -> None:
    """At its first event; every other instance does too, until there is a result."""
    sweep = {"Type": "Timer", "TriggerName": "t", "Time": "2099-01-01T00:00:00Z", "Message": {"task": "sweep"}}

    def reminders() -> int:
        lines = capfd.readouterr().out.splitlines()
        return sum(json.loads(line).get("message") == "assumptions_unverified" for line in lines)

    for _ in range(2):
        lambda_handler(sweep, lambda_context(29.0))
    assert reminders() == 1
    bootstrap.reset()
    verify(quick=True)
    assert reminders() == 1
    bootstrap.reset()
    lambda_handler(sweep, lambda_context(29.0))
    assert reminders() == 0


def test_a_ledger_out_of_reach_fails_no_reminder(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEDGER_URL", "sqlite:////nowhere/ledger.sqlite")
    bootstrap.reset()
    bootstrap.app_context()
    [line] = capfd.readouterr().out.splitlines()
    assert json.loads(line)["because"] == "LedgerUnavailable"


def test_no_signature_and_no_key_reaches_the_answer(chat: ChatServer, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither it nor the log holds what calls are signed with."""
    chat.violate(["short_signatures_refused", "partial_updates"])
    text = json.dumps(verify(quick=True)) + capfd.readouterr().out
    assert KEY not in text
    assert "usersig" not in text.lower().replace("usersig expired", "")
