"""The sandbox's controls from another process: the HTTP interface, its Python client, and the command line."""

import inspect
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.caller import Caller, ask
from tests.sandbox.chat import DEMO_KEY, DEMO_SDKAPPID, ChatApp, ChatServer, Fault, ManualClock, every_kind
from tests.sandbox.controls import Controls
from tests.sandbox.remote import Sandbox
from tests.sandbox.wire import READS, WRITES

ROOT = Path(__file__).parent.parent.parent
KEY = "key-1"


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(ChatApp(sdkappid=1400000000, keys=(KEY,)), clock=ManualClock()) as running:
        yield running


@pytest.fixture
def sandbox(server: ChatServer) -> Sandbox:
    return Sandbox.at(server.address)


@pytest.fixture
def caller(server: ChatServer) -> Caller:
    """A backend with the right key, on the sandbox's clock."""
    return Caller(server.endpoint, 1400000000, KEY, clock=server)


def refusal(server: ChatServer, path: str, body: bytes | None) -> tuple[int, str]:
    """Status and message of a control request that is refused."""
    headers = {"Content-Type": "application/json", "Console-Token": server.token}
    sent = urllib.request.Request(f"{server.endpoint}{path}", body, headers)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(sent, timeout=5)
    with refused.value as response:
        return response.code, json.loads(response.read())["error"]


def test_every_control_is_served() -> None:
    """No control is there in process only."""
    public = {name for name, _ in inspect.getmembers(Controls, inspect.isfunction) if not name.startswith("_")}
    assert public == set(READS + WRITES)


def test_groups_are_made_shown_and_dismissed(sandbox: Sandbox, server: ChatServer) -> None:
    sandbox.control("create_group", group="G", kind="Work", counters={"big": 2**63 - 1})
    sandbox.create_group("H")
    assert json.loads(sandbox.control("groups")) == server.groups() == {"G": "Work", "H": "Public"}
    assert sandbox.values("G") == {"big": 2**63 - 1}
    sandbox.control("dismiss_group", group="H")
    assert server.groups() == {"G": "Work"}
    with pytest.raises(ValueError, match="no group 'H'"):
        sandbox.values("H")


def test_faults_are_planned_from_outside(sandbox: Sandbox, caller: Caller) -> None:
    sandbox.create_group("G")
    faults = every_kind(delay_s=1.5, key="_receipt", recheck=False)
    sandbox.control("plan", faults=[None, *faults], command="get", group="other-*")
    assert sandbox.control("planned") == f"{len(faults) + 1}".encode()
    sandbox.control("clear_faults")
    sandbox.control("always", fault=Fault("code", code=10002))
    assert caller.update("G", "Set", {"k": 1}).fields["ErrorCode"] == 10002
    sandbox.control("randomly", rate=1.0, faults=[Fault("code", code=60008)], seed=1, commands=["get"])
    assert caller.get("G").fields["ErrorCode"] == 60008


def test_the_journal_is_the_same_from_outside(sandbox: Sandbox, server: ChatServer, caller: Caller) -> None:
    """Every entry, faults and values included, and only the new ones for who asks for those."""
    sandbox.create_group("G")
    sandbox.control("plan", faults=[Fault("code", code=10002, applied=True)])
    caller.update("G", "Increase", {"like": 2**62})
    caller.get("G", "like")
    assert sandbox.journal() == server.journal()
    assert [entry.sequence for entry in sandbox.journal(after=1)] == [2]
    assert sandbox.control("dropped") == b"0"


def test_limits_clock_lag_keys_and_violations_are_set_from_outside(
    sandbox: Sandbox, server: ChatServer, caller: Caller
) -> None:
    sandbox.create_group("G")
    sandbox.control("set_rate_limit", calls_per_second=0)
    assert caller.get("G").fields["ErrorCode"] == 60007
    sandbox.control("set_rate_limit", calls_per_second=None)
    sandbox.control("set_clock_offset", offset_s=100.0)
    assert server.now() == 1_700_000_100
    sandbox.control("set_keys", keys=["key-2"])
    assert caller.get("G").fields["ErrorCode"] == 70009
    sandbox.control("set_apply_lag", lag_s=0.5)
    assert server.app.apply_lag_s == 0.5
    sandbox.control("violate", violations=["wrong_date"])
    assert server.date() > server.now()


def test_a_reset_from_outside_takes_everything_back(sandbox: Sandbox, server: ChatServer, caller: Caller) -> None:
    """What was to land is cancelled; the sandbox goes on."""
    sandbox.create_group("G")
    sandbox.control("set_clock_offset", offset_s=5.0)
    sandbox.control("plan", faults=[Fault("late", delay_s=60.0), Fault("drop_before")])
    with pytest.raises(ConnectionResetError):
        caller.update("G", "Set", {"k": 1})
    assert sandbox.control("drain", timeout_s=0.0) == b"false"
    sandbox.control("reset")
    assert sandbox.control("drain", timeout_s=0.0) == b"true"
    assert (server.groups(), server.journal(), server.planned(), server.connections()) == ({}, (), 0, 0)
    assert server.now() == 1_700_000_000
    sandbox.create_group("G")
    assert caller.update("G", "Set", {"k": 1}).fields["ErrorCode"] == 0


def test_reads_answer_a_browser(server: ChatServer) -> None:
    server.create_group("G", counters={"like": 1})
    with urllib.request.urlopen(f"{server.endpoint}/sandbox/values?group=G", timeout=5) as response:
        assert json.loads(response.read()) == {"like": 1}


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/sandbox/nothing", b"{}", 404, "no such control"),
        ("/sandbox/reset", None, 404, "no such control"),
        ("/sandbox/create_group", b"{", 400, "Invalid JSON"),
        ("/sandbox/create_group", b'{"group": "G", "kind": "Party"}', 400, "arguments.kind"),
        ("/sandbox/create_group", b'{"group": "G", "typ": "Work"}', 400, "typ"),
        ("/sandbox/plan", b'{"faults": [{"kind": "late", "code": 1}]}', 400, "code does not go with"),
        ("/sandbox/set_rate_limit", b'{"calls_per_second": -1}', 400, "calls_per_second"),
        ("/sandbox/set_clock_offset", b'{"offset_s": NaN}', 400, "offset_s"),
        ("/sandbox/set_keys", b'{"keys": ["key-9", 5]}', 400, "keys"),
        ("/sandbox/values?group=H", None, 400, "no group 'H'"),
    ],
)
def test_a_wrong_control_request_is_told_what_is_wrong(
    server: ChatServer, path: str, body: bytes | None, status: int, message: str
) -> None:
    """Unknown controls, unknown arguments and wrong values are named, but no key; nothing is done."""
    code, error = refusal(server, path, body)
    assert code == status
    assert message in error
    assert "key-9" not in error
    assert server.groups() == {}


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Console-Token": "guessed"}, 401),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Content-Length": "9" * 5000}, 413),
    ],
)
def test_no_page_of_another_origin_has_a_say(server: ChatServer, changed: dict[str, str], status: int) -> None:
    """Foreign forms change nothing, nor does a page whose name was pointed here, or a request without the token."""
    headers = {"Content-Type": "application/json", "Console-Token": server.token, **changed}
    assert ask(f"{server.endpoint}/sandbox/create_group", "POST", headers, b'{"group": "G"}').status == status
    if status in {403, 421}:
        assert ask(f"{server.endpoint}/sandbox/groups", "GET", changed).status == status
    assert server.groups() == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_line_serves_until_it_is_told_to_stop(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.sandbox.chat", "--group", "G", "--rate-limit", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        sandbox = Sandbox.at(process.stdout.readline().strip())
        answer = Caller(sandbox.endpoint, DEMO_SDKAPPID, DEMO_KEY).update("G", "Increase", {"like": 1})
        values = sandbox.values("G")
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (answer.fields["ErrorCode"], values) == (0, {"like": 1})
    assert (process.returncode, out, err) == (0, "", "")
