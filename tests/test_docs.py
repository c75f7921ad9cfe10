"""The README is tested: its commands exist, its tables are complete, and its examples run."""

from __future__ import annotations

import json
import re
import shlex
from base64 import b64encode
from collections.abc import Iterator
from http.client import responses
from pathlib import Path

import pytest
import requests

from handler import bootstrap
from handler.config.settings import Settings
from handler.core.model.operation import KEYS_PER_GROUP
from handler.main import lambda_handler
from handler.telemetry import SERVICE_VARIABLE
from tests.sandbox.chat import ChatApp, ChatServer, Fault
from tests.sandbox.environment import KEY, SDKAPPID, TOKEN, sandboxed_environment
from tests.sandbox.gateway import Gateway
from tests.sandbox.serve import FUNCTION_PORT

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
RULE_BOOK = (ROOT / "handler" / "core" / "README.md").read_text("utf-8")
GROUP = "live-room"


def example(name: str) -> object:
    """The function of that name in the README."""
    [source] = [block for block in blocks("python") if f"def {name}(" in block]
    names: dict[str, object] = {}
    exec(compile(source, "README.md", "exec"), names)  # noqa: S102  # the README's own example
    return names[name]


def blocks(language: str) -> list[str]:
    """The code blocks of the README in one language."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return [content for named, content in found if named == language]


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    """The local Chat server with the README's group."""
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))) as server:
        server.create_group(GROUP)
        yield server


@pytest.fixture
def url(chat: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The function at an address of its own."""
    for name, value in sandboxed_environment(chat.endpoint, tmp_path).items():
        monkeypatch.setenv(name, value)
    bootstrap.forget()
    with Gateway(lambda_handler) as gateway:
        yield gateway.url
    bootstrap.forget()


def test_every_make_command_exists() -> None:
    """A `make` command of the README is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z0-9-]+)", README, re.MULTILINE))
    assert named
    assert named <= targets


def test_the_test_command_is_what_ci_runs() -> None:
    """CI runs the README's own test command."""
    assert "make test" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_every_variable_is_documented() -> None:
    """The table of the environment names exactly the variables that the settings and the reports read."""
    read = set(
        re.findall(
            r'variables\.(?:read|require)\("([A-Z_]+)"', (ROOT / "handler" / "config" / "settings.py").read_text()
        )
    )
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))
    assert len(read) > 10
    assert documented == read | {SERVICE_VARIABLE}


def test_the_defaults_in_the_table_are_the_settings_own() -> None:
    """What the table calls a default is what an environment without the variable gets."""
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \|.*\| `?([^|`]*?)`? \|$", README, re.MULTILINE))
    settings = Settings.read({"CHAT_SECRET": "file:s", "CHAT_REGION": "china", "LEDGER_URL": "sqlite:///l"})
    defaults = {
        "RECEIPT_KEY": settings.receipt_key,
        "CHAT_TIMEOUT_S": settings.timeout_s,
        "SIGNATURE_LIFE_S": settings.life_s,
        "CLOCK_GUARD_S": settings.guard_s,
        "WAIT_S": settings.wait_s,
        "CHAT_CALLS_PER_SECOND": settings.calls_per_second,
        "DEDUPE_WINDOW_S": settings.window_s,
        "HTTP_AUTH": settings.http_auth,
    }
    for name, value in defaults.items():
        assert rows[name] == (value if isinstance(value, str) else f"{value:.0f}"), name


def test_the_folders_exist() -> None:
    """Every folder and file of the list is there."""
    [listing] = [block for block in blocks("") if "handler/core/" in block]
    paths = [line.split()[0] for line in listing.splitlines()]
    assert len(paths) == 11
    assert all((ROOT / path).exists() for path in paths)


def test_every_rule_that_is_cited_is_in_the_rule_book() -> None:
    """Each rule, assumption and check that code or a test names is a heading or a row there."""
    sources = [path for part in ("handler", "layers", "tests") for path in (ROOT / part).rglob("*.py")]
    cited = {name for path in sources for name in re.findall(r"\b[RAL]\d{1,2}\b", path.read_text("utf-8"))}
    defined = set(re.findall(r"^(?:## |\| )([RAL]\d{1,2})\b", RULE_BOOK, re.MULTILINE))
    assert cited - defined == set()


def test_the_receipt_takes_one_of_the_groups_keys() -> None:
    """The price that the README names is the one that the code takes."""
    assert f"One of the group's {KEYS_PER_GROUP} counters is the receipt, so {KEYS_PER_GROUP - 1} are left" in README


def test_every_status_of_the_table_is_one() -> None:
    """The HTTP table names statuses that exist."""
    cells = re.findall(r"^\| ([0-9, ]+) \|", README, re.MULTILINE)
    statuses = {int(status) for cell in cells for status in cell.split(",")}
    assert {200, 202, 400, 401, 413, 422, 403, 404, 409, 429, 503} == statuses
    assert statuses <= responses.keys()


def test_the_curl_line_counts(chat: ChatServer, url: str) -> None:
    """The request of the curl line, sent to the port that `make serve` takes, counts five."""
    [block] = [block for block in blocks("") if block.startswith("curl")]
    words = shlex.split(block.replace("\\\n", " "))
    assert words[2] == f"http://127.0.0.1:{FUNCTION_PORT}/v1/update_group_counter"
    headers = dict(words[index + 1].split(": ", 1) for index, word in enumerate(words) if word == "-H")
    body = words[words.index("-d") + 1]
    reply = requests.post(f"{url}/v1/update_group_counter", data=body, headers=headers, timeout=10)
    assert reply.status_code == 200, reply.text
    assert chat.values(GROUP)["like"] == 5


def test_the_retrying_caller_counts_once(chat: ChatServer, url: str) -> None:
    """The README's caller, whose first replies are lost, gets its answer and counts once."""
    count = example("count")
    assert callable(count)
    chat.plan([Fault("drop_after")])
    body = {"GroupId": GROUP, "GroupCounter": [{"Key": "like", "Value": 5}], "Mode": "Increase"}
    reply = count(f"{url}/v1/update_group_counter", TOKEN, body)
    assert reply.status_code == 200
    assert chat.values(GROUP)["like"] == 5


def test_the_signing_caller_is_believed_and_counts_once(
    chat: ChatServer, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The README's headers, sent twice; those for an empty body find the operation."""
    secret = "whsec_" + b64encode(b"twenty-four bytes, or so").decode()
    path = tmp_path / "secret.json"
    path.write_text(path.read_text().replace(TOKEN, secret))
    monkeypatch.setenv("HTTP_AUTH", "signature")
    signed = example("signed")
    assert callable(signed)
    body = json.dumps({"GroupId": GROUP, "GroupCounter": [{"Key": "like", "Value": 5}], "Mode": "Increase"}).encode()
    for _ in range(2):
        headers = signed(secret, "a", body)
        reply = requests.post(f"{url}/v1/update_group_counter", data=body, headers=headers, timeout=10)
        assert reply.status_code == 200, reply.text
    found = requests.get(
        f"{url}/v1/operations?GroupId={GROUP}&IdempotencyKey=a", headers=signed(secret, "b", b""), timeout=10
    )
    assert found.json()["state"] == "applied"
    assert chat.values(GROUP)["like"] == 5


def test_the_examples_are_json() -> None:
    """The secret and the timer's event are well-formed."""
    [secret] = blocks("json")
    assert json.loads(secret)["callers"]
    [timer] = re.findall(r"`(\{\"Type\": \"Timer\".*?\}\})`", README, re.DOTALL)
    assert json.loads(timer)["Message"]["operations"]
