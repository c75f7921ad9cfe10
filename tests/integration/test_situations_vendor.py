"""The vendor fails at night: from the log line or the metric, by the runbook's commands, to health."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.integration.byte_server import ByteServer, Exchange, Script, answering, http
from tests.integration.counting import chat_with, order, over_http
from tests.integration.on_call import (
    OnCall,
    alarms,
    assert_over,
    calling,
    gauges,
    having_counted,
    lines_of,
    metric,
    sweep,
)
from tests.sandbox.chat import ChatServer
from tests.sandbox.commands import Name
from tests.sandbox.environment import made_up_secret
from tests.sandbox.faults import Fault

GROUP = "live-room"
ORDER = order(GROUP, 5)
NOT_FOUND = http(b"<html></html>", status="404 Not Found")
COMMANDS: Final[Sequence[Name]] = ("update", "get")


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with chat_with([GROUP]) as server:
        yield server


def _gibberish(exchange: Exchange) -> None:
    exchange.send(b"this is no TLS")


ELSEWHERE: Mapping[str, tuple[str, Script]] = {
    "NameResolutionError": ("https://chat.invalid", Exchange.wait),
    "ConnectionRefusedError": ("http://127.0.0.1:9", Exchange.wait),
    "SSLError": ("https://{address}", _gibberish),
    "HTTP status 404": ("http://{address}", answering(NOT_FOUND)),
    "ReadTimeout": ("http://{address}", Exchange.wait),
}
"""Where the vendor is not, and what stands there instead, by the failure that the log names."""

RESET = "ConnectionError"
"""The failure that the log names where the vendor resets connections."""


def last_error(on_call: OnCall) -> str:
    """What the table says went wrong with the one group that waits."""
    said, [group] = on_call.status()
    assert said.startswith("Well so far, but calls fail")
    return group["LAST ERROR"]


@contextmanager
def out_of_reach(chat: ChatServer, failure: str) -> Iterator[str]:
    """An endpoint at which calls fail in this way: somewhere else, or the vendor's own in an outage."""
    if failure in ELSEWHERE:
        endpoint, script = ELSEWHERE[failure]
        with ByteServer(script) as server:
            yield endpoint.format(address=server.address)
        return
    for command in COMMANDS:
        chat.always(Fault("reset_before"), command)
    yield chat.endpoint
    chat.clear_faults()


@pytest.mark.parametrize("failure", [*ELSEWHERE, RESET])
def test_a_vendor_out_of_reach_is_named_by_log_and_status_until_calls_reach_it(
    on_call: OnCall, chat: ChatServer, tmp_path: Path, failure: str
) -> None:
    with out_of_reach(chat, failure) as endpoint, calling(endpoint, tmp_path):
        assert over_http(ORDER, "k")[0] == 202
        log = on_call.log()
        assert alarms(log) == {"call_failed"}
        lines = lines_of(log, "call_failed")
        host = "chat.invalid" if "invalid" in endpoint else "127.0.0.1"
        assert {(line["level"], line["host"], line["failure"]) for line in lines} == {("WARNING", host, failure)}
        assert all(isinstance(line["seconds"], float) and line["seconds"] < 1 for line in lines)
        assert sum(metric(log, "call_failed")) == len(lines)
        assert "usersig" not in json.dumps(log).lower()
        assert gauges(sweep(on_call))["unfinished_groups"] == 1
        assert failure in last_error(on_call)
    with calling(chat.endpoint, tmp_path):
        assert_over(on_call)
        assert over_http(ORDER, "k")[0] == 200
    assert chat.values(GROUP)["like"] == 5


def test_an_inspection_shows_the_last_failure_instead_of_waiting_for_a_look(
    on_call: OnCall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator asks because nothing goes on, and has to be told why in time."""
    monkeypatch.setattr("handler.triggers.operator.handler.INSPECT_S", 0.5)
    with ByteServer(answering(NOT_FOUND)) as server, calling(f"http://{server.address}", tmp_path):
        over_http(ORDER, "k")
        failure = on_call.asked("inspect", "--group", GROUP)["last_failure"]
    assert (failure["host"], failure["failure"]) == ("127.0.0.1", "HTTP status 404")
    assert failure["at"].endswith("Z")


@pytest.fixture
def counted(on_call: OnCall, chat: ChatServer, tmp_path: Path) -> Iterator[ChatServer]:
    """The vendor, and a function that has counted 1 in the group and is warm."""
    with having_counted(on_call, chat, tmp_path, order(GROUP, 1)) as warm:
        yield warm


def assert_refused_in_words(on_call: OnCall, code: int, meaning: str) -> None:
    """The caller hears that its operation is safe; the alarm's line and the table say the code in words."""
    status, said = over_http(ORDER, "k")
    assert (status, said["type"], said["accepted"]) == (503, "/problems/app-refused", True)
    log = on_call.log()
    assert alarms(log) == {"app_refused"}
    assert {(line["code"], line["meaning"]) for line in lines_of(log, "app_refused")} == {(code, meaning)}
    assert f"{code}: {meaning}" in last_error(on_call)


def assert_goes_on(on_call: OnCall, chat: ChatServer) -> None:
    """What was owed is counted without another command, and once."""
    assert_over(on_call)
    assert over_http(ORDER, "k")[0] == 200
    assert chat.values(GROUP)["like"] == 6


def test_a_key_that_the_vendor_has_replaced_is_named_until_the_secret_has_the_new_one(
    on_call: OnCall, counted: ChatServer, tmp_path: Path
) -> None:
    counted.set_keys(["the-new-key"])
    assert_refused_in_words(on_call, 70009, "UserSig made with another key")
    (tmp_path / "secret.json").write_text(json.dumps(made_up_secret() | {"key": "the-new-key"}), "utf-8")
    assert_goes_on(on_call, counted)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (60021, "the source address is not allowed"),
        (10007, "not permitted for this group, group type or account"),
    ],
)
def test_what_the_vendors_console_lacks_is_named_until_it_is_put_right(
    on_call: OnCall, counted: ChatServer, code: int, meaning: str
) -> None:
    """The function's address on its list, or the account among its admins."""
    for command in COMMANDS:
        counted.always(Fault("code", code=code), command)
    assert_refused_in_words(on_call, code, meaning)
    counted.clear_faults()
    assert_goes_on(on_call, counted)


def test_calls_beyond_the_rate_are_named_until_the_vendor_takes_them_again(
    on_call: OnCall, counted: ChatServer
) -> None:
    counted.set_rate_limit(0)
    assert over_http(ORDER, "k")[0] == 202
    log = on_call.log()
    assert alarms(log) == set()
    meaning = "the API is called too often"
    assert {(line["code"], line["meaning"]) for line in lines_of(log, "rate_limited")} == {(60007, meaning)}
    assert f"60007: {meaning}" in last_error(on_call)
    counted.set_rate_limit(200)
    assert_goes_on(on_call, counted)
