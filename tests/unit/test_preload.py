"""The deployed entry builds what the environment names before the first event, and only if it is told to."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handler import bootstrap
from handler.main import lambda_handler
from tests.sandbox.cold_function import cold_function
from tests.sandbox.contexts import lambda_context
from tests.sandbox.dialects import event_of
from tests.sandbox.environment import TOKEN, sandboxed_environment

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "http://127.0.0.1:9"
"""An endpoint where nobody listens: no event here needs the API."""


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Path]:
    """The variables of a deployed function, and a cold instance; the folder of its secret and ledger."""
    with cold_function(sandboxed_environment(NOBODY, tmp_path, INIT_EARLY="on")):
        yield tmp_path


def status() -> object:
    """The status that a caller gets who does not wait."""
    body = b'{"GroupId": "room", "GroupCounter": [{"Key": "like", "Value": 5}], "Mode": "Increase"}'
    headers = [("Authorization", f"Bearer {TOKEN}"), ("Idempotency-Key", "k"), ("Prefer", "respond-async")]
    event = event_of("http-v2", "POST", "/v1/update_group_counter", headers, body)
    return lambda_handler(event, lambda_context(29.0))["statusCode"]


def imported() -> list[str]:
    """What a process that only imports the deployed entry writes."""
    code = (
        "import gc, handler.preload as early\n"
        "assert callable(early.lambda_handler) and callable(early.main_handler)\n"
        "assert gc.isenabled() and gc.get_freeze_count() > 10_000\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_secret_is_fetched_and_the_ledger_asked_before_the_first_event(environment: Path) -> None:
    """An instance that was warmed up goes on with what it has."""
    bootstrap.warm_up()
    assert (environment / "ledger.sqlite").exists()
    (environment / "secret.json").unlink()
    assert status() == 202


def test_without_the_switch_nothing_is_built(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INIT_EARLY", "off")
    bootstrap.warm_up()
    assert not (environment / "ledger.sqlite").exists()
    (environment / "secret.json").unlink()
    assert status() == 503


def test_what_cannot_be_had_is_logged_and_left_to_the_first_event(
    environment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A secret that comes a moment later is found."""
    kept = (environment / "secret.json").read_text()
    (environment / "secret.json").unlink()
    bootstrap.warm_up()
    [line] = [json.loads(text) for text in capsys.readouterr().out.splitlines() if '"ERROR"' in text]
    assert line["error"] == "SecretUnavailable"
    (environment / "secret.json").write_text(kept)
    bootstrap.reset()
    assert status() == 202


def test_importing_the_deployed_entry_builds_early(environment: Path) -> None:
    """The import alone makes the ledger's file; the garbage collector is at work again afterwards."""
    imported()
    assert (environment / "ledger.sqlite").exists()


def test_importing_the_deployed_entry_never_fails(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With settings that are wrong the entries are there, and the log says what is wrong."""
    monkeypatch.setenv("CHAT_TIMEOUT_S", "soon")
    [line] = imported()
    assert json.loads(line)["error"] == "SettingsError"
    assert "CHAT_TIMEOUT_S" in json.loads(line)["message"]
    assert not (environment / "ledger.sqlite").exists()
