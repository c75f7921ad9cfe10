"""Every library logs all it can while things go wrong, and errors are shown with the values in each frame of ours."""

import json
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from handler.core.errors import CounterError
from handler.main import lambda_handler
from tests.e2e.leaks import leaks
from tests.integration.vaults import everything_logged
from tests.sandbox.chat import ChatApp, ChatServer, Fault
from tests.sandbox.cold_function import cold_function
from tests.sandbox.contexts import lambda_context
from tests.sandbox.dialects import event_of
from tests.sandbox.environment import KEY, SDKAPPID, TOKEN, sandboxed_environment
from tests.unit.triggers.sources.source_events import batch_of, text

SHORT = {"SIGNATURE_LIFE_S": "2", "CLOCK_GUARD_S": "0.5", "CHAT_TIMEOUT_S": "0.3", "WAIT_S": "0.3"}
LIMIT_S = 4.0


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))) as server:
        server.create_group("room")
        yield server


@pytest.fixture(autouse=True)
def environment(chat: ChatServer, tmp_path: Path) -> Iterator[Path]:
    """A function with lives so short that it gives up within the test."""
    with cold_function(sandboxed_environment(chat.endpoint, tmp_path, POWERTOOLS_LOG_LEVEL="DEBUG", **SHORT)):
        yield tmp_path


def shown_by(event: dict[str, object]) -> str:
    """What the function returns, or its error with the values in each of our frames and with all that led to it."""
    try:
        return json.dumps(lambda_handler(event, lambda_context(LIMIT_S)))
    except CounterError as raised:
        error: BaseException | None = raised
    shown = ""
    while error is not None:
        frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
        shown += "".join(f"{frame.name}{frame.locals}" for frame in frames if "handler/" in frame.filename)
        shown, error = f"{shown}{error}", error.__context__
    return shown


@pytest.mark.parametrize("fault", ["drop_after", "bad_gateway_after", "html_body", "cut_body"])
def test_nothing_secret_is_shown_or_logged_when_calls_fail(
    chat: ChatServer, fault: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither over HTTP nor from a source; urllib3 logs each request at this level."""
    sent = [("Authorization", f"Bearer {TOKEN}"), ("Idempotency-Key", "k"), ("Content-Type", "application/json")]
    with everything_logged() as written:
        chat.plan([Fault(fault)] * 2)  # type: ignore[arg-type]  # one of the sandbox's
        shown = shown_by(event_of("http-v2", "POST", "/v1/update_group_counter", sent, text().encode()))
        shown += shown_by(batch_of("aws:sqs", [text(IdempotencyKey="other")]))
    captured = capfd.readouterr()
    assert "urllib3" in written.getvalue() or "/v4/group_open_http_svc/" in written.getvalue()
    assert leaks(shown + written.getvalue() + captured.out + captured.err) == []


@pytest.mark.parametrize("secret", [f'{{"key": "{KEY}", "token": "{TOKEN}"}}', f'"{KEY}{TOKEN}', KEY * 3000])
def test_nothing_secret_is_shown_or_logged_when_the_secret_is_wrong(
    environment: Path, secret: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A batch fails by an error, which the platform writes down."""
    (environment / "secret.json").write_text(secret)
    with everything_logged() as written:
        shown = shown_by(batch_of("aws:sqs", [text()])) + shown_by(batch_of("aws:sns", [text()]))
    captured = capfd.readouterr()
    assert "secret" in shown
    assert leaks(shown + written.getvalue() + captured.out + captured.err) == []
