"""The function with its ledger on DynamoDB: from the URL in its environment to a counter in a group."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handler import bootstrap
from tests.integration.counting import SHORT_LIVES, chat_with, order, over_http, sweep
from tests.integration.vaults import everything_logged
from tests.sandbox.chat import ChatServer
from tests.sandbox.cold_function import cold_function
from tests.sandbox.environment import sandboxed_environment
from tests.sandbox.ministack import MiniStack

ROOM = "room"
SESSION = "nobody-may-see-this-session"
KEY = "nobody-may-see-this-key"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with MiniStack(tmp_path_factory.mktemp("ministack"), "dynamodb") as stack:
        yield stack.endpoint


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with chat_with([ROOM]) as server:
        yield server


@pytest.fixture
def environment(chat: ChatServer, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """What the function finds, but for its ledger."""
    variables = sandboxed_environment(chat.endpoint, tmp_path, **SHORT_LIVES) | {
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_SESSION_TOKEN": SESSION,
        "AWS_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
    }
    with cold_function(variables), pytest.MonkeyPatch.context() as patch:
        yield patch


def increase(key: str = "a") -> tuple[int, dict[str, object]]:
    return over_http(order(ROOM, 5), key)


def test_an_increase_counts_once_on_a_table_that_is_made_for_it(
    endpoint: str, chat: ChatServer, environment: pytest.MonkeyPatch
) -> None:
    """Asked for twice, by two instances, and swept."""
    environment.setenv("LEDGER_URL", f"dynamodb://made-by-the-function?endpoint={endpoint}&create=true")
    first = increase()
    bootstrap.reset()
    assert first == increase()
    assert first[0] == 200
    sweep()
    assert chat.values(ROOM)["like"] == 5


def test_a_missing_table_accepts_nothing(endpoint: str, chat: ChatServer, environment: pytest.MonkeyPatch) -> None:
    """The caller may repeat without a thought, and the counter is untouched."""
    environment.setenv("LEDGER_URL", f"dynamodb://missing?endpoint={endpoint}")
    status, problem = increase()
    assert (status, problem["accepted"]) == (503, False)
    assert chat.values(ROOM) == {}


def test_nothing_secret_is_logged_even_at_debug_level(endpoint: str, environment: pytest.MonkeyPatch) -> None:
    """Of the SDK's loggers those that would show credentials, or whole requests, are hushed."""
    environment.setenv("LEDGER_URL", f"dynamodb://logged?endpoint={endpoint}&create=true")
    with everything_logged() as written:
        assert increase()[0] == 200
    assert "botocore" in written.getvalue()
    assert [secret for secret in (SESSION, KEY, "fingerprint") if secret in written.getvalue()] == []


@pytest.mark.parametrize(
    ("url", "loaded"),
    [("sqlite:///{folder}/ledger", "False"), ("dynamodb://counters?endpoint=http://127.0.0.1:1", "True")],
    ids=["sqlite", "dynamodb"],
)
def test_the_sdk_is_loaded_only_for_this_ledger(
    environment: pytest.MonkeyPatch, tmp_path: Path, url: str, loaded: str
) -> None:
    """It takes a tenth of a second, which no other cold start pays."""
    environment.setenv("LEDGER_URL", url.format(folder=tmp_path))
    code = (
        "import sys; from handler.bootstrap import app_context; app_context(); print('botocore.session' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == loaded
