"""What a function in the sandbox is given is what the function can read."""

import json
from pathlib import Path

from handler.config import ledger_url
from handler.config.ledger_url import SqliteUrl
from handler.config.settings import Settings
from handler.vault.secret import parse
from tests.sandbox.environment import (
    CALLER,
    SCHEDULE,
    SCHEDULE_TOKEN,
    SDKAPPID,
    TOKEN,
    made_up_secret,
    sandboxed_environment,
)

ENDPOINT = "http://127.0.0.1:1"


def secret_of(variables: dict[str, str]) -> Path:
    return Path(variables["CHAT_SECRET"].removeprefix("file:"))


def secret_with_tokens() -> str:
    """The same secret with both tokens in the clear."""
    callers = [{"name": CALLER, "token": TOKEN}, {"name": SCHEDULE, "token": SCHEDULE_TOKEN}]
    return json.dumps({**made_up_secret(), "callers": callers})


def test_the_variables_are_settings(tmp_path: Path) -> None:
    """Overrides replace and add, and the ledger lies in the folder, whatever its name."""
    variables = sandboxed_environment(ENDPOINT, tmp_path / "a folder?", WAIT_S="1", DOCS="on")
    settings = Settings.read(variables)
    assert (settings.chat_endpoint, settings.wait_s, settings.docs) == (ENDPOINT, 1.0, True)
    assert ledger_url.read(settings.ledger_url) == SqliteUrl(str(tmp_path / "a folder?" / "ledger.sqlite"), "full")


def test_the_secret_names_one_app_and_two_callers(tmp_path: Path) -> None:
    """One caller is known by its token, the other by the digest of it."""
    secret = parse(secret_of(sandboxed_environment(ENDPOINT, tmp_path)).read_text("utf-8"))
    assert (secret.sdkappid, secret.identifier) == (SDKAPPID, "administrator")
    digests = {caller.name: caller.token_sha256 for caller in secret.callers}
    same = parse(secret_with_tokens())
    assert digests == {caller.name: caller.token_sha256 for caller in same.callers}


def test_a_secret_that_is_there_stays(tmp_path: Path) -> None:
    """A second instance in the same folder does not undo a rotation; the file is for its owner only."""
    first = sandboxed_environment(ENDPOINT, tmp_path)
    secret_of(first).write_text("rotated", "utf-8")
    assert sandboxed_environment(ENDPOINT, tmp_path) == first
    assert secret_of(first).read_text("utf-8") == "rotated"
    assert secret_of(first).stat().st_mode & 0o077 == 0
