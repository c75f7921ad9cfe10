"""The entry points by the environment: what is wrong with it is told to its operator, and nobody reads a secret."""

import json
import sqlite3
import time
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest

from handler import bootstrap
from handler.config.settings import Settings
from handler.core.errors import BadInput, OutcomeUnknown, SecretUnavailable, SettingsError
from handler.main import lambda_handler, main_handler
from handler.triggers.timer import handler as timer
from handler.version import VERSION
from tests.sandbox.chat import ChatApp, ChatServer
from tests.sandbox.cold_function import cold_function
from tests.sandbox.contexts import lambda_context, scf_context
from tests.sandbox.dialects import event_of
from tests.sandbox.environment import KEY, SDKAPPID, TOKEN, made_up_secret, sandboxed_environment

Event = dict[str, object]
TIMEOUT_S = 29.0
BODY = json.dumps({"GroupId": "room", "GroupCounter": [{"Key": "like", "Value": 5}], "Mode": "Increase"})
NOBODY = "http://127.0.0.1:9"
"""An endpoint where nobody listens: no event here needs the API."""


@pytest.fixture(autouse=True)
def environment(tmp_path: Path) -> Iterator[Path]:
    """The variables of a function in the sandbox, and a cold instance."""
    with cold_function(sandboxed_environment(NOBODY, tmp_path)):
        yield tmp_path


def post(key: str = "k", token: str = TOKEN, body: str = BODY) -> Event:
    """An update that is accepted without a call."""
    return event_of("http-v2", "POST", "/v1/update_group_counter", headers(key, token), body.encode())


def waiting(key: str) -> Event:
    """An update whose caller waits for its answer."""
    return event_of("http-v2", "POST", "/v1/update_group_counter", headers(key)[:-1], BODY.encode())


def headers(key: str = "k", token: str = TOKEN) -> list[tuple[str, str]]:
    return [("Authorization", f"Bearer {token}"), ("Idempotency-Key", key), ("Prefer", "respond-async")]


def health() -> Event:
    return event_of("http-v2", "GET", "/v1/health", [], b"")


def tick(message: object) -> Event:
    return {"Type": "Timer", "TriggerName": "t", "Time": "2099-01-01T00:00:00Z", "Message": message}


def logged(capsys: pytest.CaptureFixture[str]) -> str:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return "\n".join(str(line.get("message")) for line in lines if line.get("level") == "ERROR")


def problem(reply: Event) -> Event:
    read: Event = json.loads(str(reply["body"]))
    return read


def test_what_is_parked_is_kept_by_the_ledgers_own_store() -> None:
    message = {"topic": "counters", "partition": 1, "offset": 36, "msgBody": "Hello from Ckafka!"}
    counts = {"accepted": 0, "parked": 1, "ignored": 0}
    assert main_handler({"Records": [{"Ckafka": message}]}, scf_context(TIMEOUT_S)) == counts
    kept, app = bootstrap.app_context().parked, bootstrap.app_context().vault.current().sdkappid
    assert [(parked.id, parked.payload) for parked in kept.page(app, 10)] == [
        ("ckafka/counters/1/36", "Hello from Ckafka!")
    ]


def test_settings_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Mock(wraps=Settings.read)
    monkeypatch.setattr(Settings, "read", read)
    for _ in range(2):
        assert lambda_handler(health(), None)["statusCode"] == 200
        monkeypatch.setenv("_X_AMZN_TRACE_ID", "the platform sets it for each event")
    assert read.call_count == 1


@pytest.mark.parametrize("reference", ["file:{folder}/url", "env:URL"])
def test_the_ledgers_url_may_be_a_reference(environment: Path, monkeypatch: pytest.MonkeyPatch, reference: str) -> None:
    url = f"sqlite:///{environment}/other.db?synchronous=normal"
    (environment / "url").write_text(f"{url}\n")
    monkeypatch.setenv("URL", url)
    monkeypatch.setenv("LEDGER_URL", reference.format(folder=environment))
    assert lambda_handler(post(), None)["statusCode"] == 202
    assert (environment / "other.db").exists()


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        ("redys://:hunter2@host", "LEDGER_URL: must be dynamodb://"),
        ("env:NOWHERE", "LEDGER_URL: the secret's environment variable NOWHERE is not set"),
        ("file:/no/such/file", "LEDGER_URL: the secret's file /no/such/file cannot be read"),
        ("aws:hunter2", "LEDGER_URL: "),
        ("dynamodb://counters", "the table counters of LEDGER_URL needs a region, by ?region= or in AWS_REGION"),
    ],
)
def test_a_ledger_url_that_leads_nowhere_is_named_in_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, detail: str
) -> None:
    """And not shown; a stranger is told neither a variable nor a path."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LEDGER_URL", url)
    reply = lambda_handler(health(), None)
    assert (reply["statusCode"], problem(reply)["accepted"]) == (503, False)
    told = logged(capsys)
    assert detail in told
    assert [word for word in ("LEDGER_URL", "NOWHERE", "/no/such") if word in str(reply)] == []
    assert "hunter2" not in f"{reply} {told}"


@pytest.mark.parametrize(
    ("secret", "detail"),
    [
        (None, "CHAT_SECRET: the secret's file "),
        ("hunter2", "CHAT_SECRET: content of the secret"),
        ('{"sdkappid": 1, "identifier": "a", "key": ""}', "CHAT_SECRET: key of the secret"),
    ],
)
def test_a_secret_that_is_wrong_is_named_in_the_log(
    environment: Path, capsys: pytest.CaptureFixture[str], secret: str | None, detail: str
) -> None:
    """And not shown; a stranger is told neither a variable nor a path, and a timer event fails by the same error."""
    path = environment / "secret.json"
    path.unlink() if secret is None else path.write_text(secret)
    for event in (post(), health()):
        reply = lambda_handler(event, None)
        assert (reply["statusCode"], problem(reply)["accepted"]) == (503, False)
        assert detail in logged(capsys)
        assert [word for word in ("CHAT_SECRET", str(path), "hunter2") if word in str(reply)] == []
    with pytest.raises((SecretUnavailable, SettingsError), match=detail):
        lambda_handler(tick({"task": "sweep"}), None)


def test_a_caller_whom_the_platform_names_needs_nothing_but_its_name_in_the_secret(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without rights everything is allowed. A token that is missing for `bearer` may be a slip, and is none here."""
    (environment / "secret.json").write_text(json.dumps({**made_up_secret(), "callers": [{"name": "shop"}]}))
    monkeypatch.setenv("HTTP_AUTH", "platform")
    event = post()
    context = event["requestContext"]
    assert isinstance(context, dict)
    event["requestContext"] = {**context, "authorizer": {"principalId": "shop"}}
    assert lambda_handler(event, None)["statusCode"] == 202


KINDS: dict[str, Event] = {
    "http": health(),
    "timer": tick({"task": "sweep"}),
    "sources": {"Records": []},
    "operator": {"Type": "Operator", "task": "status"},
}


@pytest.mark.parametrize("taken", KINDS)
@pytest.mark.parametrize("sent", KINDS)
def test_a_function_takes_its_own_kinds_of_events(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], taken: str, sent: str
) -> None:
    """One line tells of another's. A request is answered all the same, because its door waits for a reply."""
    monkeypatch.setenv("EVENTS", taken)
    told = f"EVENTS: {sent} is none of what this function takes ({taken})"
    if sent == "http":
        reply = lambda_handler(KINDS[sent], lambda_context(TIMEOUT_S))
        assert reply["statusCode"] == (200 if taken == sent else 503)
        assert "EVENTS" not in str(reply)
    elif taken == sent:
        assert isinstance(lambda_handler(KINDS[sent], lambda_context(TIMEOUT_S)), dict)
    else:
        with pytest.raises(SettingsError) as refused:
            lambda_handler(KINDS[sent], lambda_context(TIMEOUT_S))
        assert str(refused.value).startswith(told)
    errors = logged(capsys).splitlines()
    assert [line.partition(": ")[0] for line in errors] == ["EVENTS"] * (taken != sent)
    assert all(line.startswith(told) for line in errors)


def test_health_asks_the_ledger_and_not_its_own_memory(environment: Path) -> None:
    """A ledger that has gone since the instance was built is told."""
    assert lambda_handler(post(), None)["statusCode"] == 202
    bootstrap.app_context().instance.ledger.close()  # type: ignore[attr-defined]  # only tests let go of a ledger
    for path in environment.glob("ledger.sqlite*"):
        path.unlink()
    (environment / "ledger.sqlite").mkdir()
    reply = lambda_handler(health(), None)
    assert (reply["statusCode"], str(environment) in str(reply)) == (503, False)


def test_health_tells_the_release() -> None:
    assert json.loads(str(lambda_handler(health(), None)["body"])) == {"status": "ok", "version": VERSION}


def test_a_ledger_that_stays_locked_is_answered_before_the_invocation_ends(environment: Path) -> None:
    """SQLite's queue is longer than many functions live; the platform's end would be a caller's 502."""
    limit_s = 4.0
    assert lambda_handler(health(), lambda_context(limit_s))["statusCode"] == 200
    with closing(sqlite3.connect(environment / "ledger.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        reply = lambda_handler(post(), lambda_context(limit_s))
        took_s = time.monotonic() - began
    assert (reply["statusCode"], problem(reply)["accepted"]) == (503, False)
    assert took_s < limit_s - 1


@pytest.mark.parametrize(
    "task",
    [
        {"task": "parked", "action": "list"},
        {"task": "restored"},
        {"task": "status"},
        {"task": "pause", "GroupId": "room", "reason": "why"},
        {"task": "resume"},
    ],
)
def test_every_operator_task_leaves_one_line(capsys: pytest.CaptureFixture[str], task: Event) -> None:
    context = lambda_context(TIMEOUT_S)
    lambda_handler({"Type": "Operator", **task}, context)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [line] = [line for line in lines if line.get("message") == "operator_task"]
    assert (line["level"], line["function_request_id"]) == ("INFO", context.aws_request_id)
    assert task.items() <= line.items()


def test_a_task_that_fails_has_left_its_line_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    """What an operator has tried is told too."""
    with pytest.raises(BadInput):
        lambda_handler({"Type": "Operator", "task": "release", "GroupId": "nowhere"}, lambda_context(TIMEOUT_S))
    [line] = [line for line in capsys.readouterr().out.splitlines() if '"operator_task"' in line and "level" in line]
    assert (json.loads(line)["task"], json.loads(line)["GroupId"]) == ("release", "nowhere")


def test_a_request_has_one_line_with_all_that_is_searched_for_and_its_latencies_are_metrics(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the key nor the group is a dimension, or in the line of the metrics at all."""
    context = lambda_context(TIMEOUT_S)
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))) as server:
        server.create_group("room")
        monkeypatch.setenv("CHAT_ENDPOINT", server.endpoint)
        lambda_handler(waiting("first"), lambda_context(TIMEOUT_S))
        capsys.readouterr()
        assert lambda_handler(waiting("another-key"), context)["statusCode"] == 200
    text = capsys.readouterr().out
    line, metrics = (json.loads(line) for line in text.splitlines())
    assert (line["message"], line["level"], line["cold_start"]) == ("applied", "INFO", False)
    assert line["function_name"] == context.function_name
    assert line["function_request_id"] == line["correlation_id"] == context.aws_request_id
    assert line.keys() >= {"group", "operation", "caller", "key_hash", "duration_s"}
    assert (len(metrics["update_latency_s"]), metrics["applied"]) == (1, [1.0])
    assert len(metrics["ledger_latency_s"]) >= 2
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert "room" not in json.dumps(metrics)
    assert "another-key" not in text


def test_each_stage_has_its_own_lines_and_metrics(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "update-group-counter-dev")
    lambda_handler(post(), lambda_context(TIMEOUT_S))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["service"] for line in lines} == {"update-group-counter-dev"}
    assert any("_aws" in line for line in lines)


def test_a_line_of_the_log_holds_the_request_id(capsys: pytest.CaptureFixture[str]) -> None:
    aws, scf = lambda_context(TIMEOUT_S), scf_context(TIMEOUT_S)
    lambda_handler(post(), aws)
    main_handler(post(), scf)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ids = [line["function_request_id"] for line in lines if line.get("message") == "pending"]
    assert ids == [aws.aws_request_id, scf["request_id"]]


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"RECEIPT_KEY": ""}, '"message":"weaker_promise"'),
        ({"CHAT_ENDPOINT": "", "CHAT_REGION": "singapore", "CHAT_TIMEOUT_S": "3"}, "CHAT_TIMEOUT_S: should be longer"),
    ],
    ids=["weaker promise", "timeout below the API's own"],
)
def test_what_a_setting_costs_is_told_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variables: dict[str, str], told: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    lambda_handler(health(), None)
    lambda_handler(health(), None)
    assert capsys.readouterr().out.count(told) == 1


def test_a_region_that_there_is_not_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CHAT_ENDPOINT")
    monkeypatch.setenv("CHAT_REGION", "atlantis")
    assert lambda_handler(health(), None)["statusCode"] == 503
    assert logged(capsys).startswith("CHAT_REGION: must be one of china, singapore, seoul")


def test_a_mistake_behind_a_timer_event_shows_only_its_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Platforms write the error, and the traceback with what led to it, into their logs."""

    def mistaken(*_: object) -> Event:
        raise ValueError(KEY)

    monkeypatch.setattr(timer, "run", mistaken)
    with pytest.raises(OutcomeUnknown, match=r"^an unexpected ValueError; the log says where$") as raised:
        lambda_handler(tick({"task": "sweep"}), None)
    assert KEY not in "".join(traceback.format_exception(raised.value))
    assert "test_main.py" in (printed := capsys.readouterr().out)
    assert KEY not in printed


def frames_of(error: BaseException) -> dict[str, str]:
    """The functions of ours that an error shows, each with the values in it."""
    trace = traceback.TracebackException.from_exception(error, capture_locals=True)
    return {frame.name: str(frame.locals) for frame in trace.stack if frame.filename.endswith("handler/main.py")}


def test_an_error_leaves_with_nothing_of_what_led_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some reporters of errors write down the values in each frame, and follow what an error came from."""

    def mistaken(*_: object) -> Event:
        try:
            return {"left": int(KEY)}
        except ValueError:
            raise SecretUnavailable("there is none") from None

    monkeypatch.setattr(timer, "run", mistaken)
    with pytest.raises(SecretUnavailable) as raised:
        lambda_handler(tick({"task": "sweep"}), None)
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    frames = frames_of(raised.value)
    assert frames.keys() == {"lambda_handler", "_handle"}
    assert KEY not in str(frames)
