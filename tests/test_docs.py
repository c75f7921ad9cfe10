"""The READMEs are tested: their commands, paths, links and names exist, tables are complete, and examples run."""

import ast
import importlib.util
import json
import re
import shlex
from base64 import b64encode
from collections.abc import Iterator, Mapping
from http.client import responses
from pathlib import Path

import pytest
import requests

from handler.config.settings import Settings
from handler.core.model.operation import KEYS_PER_GROUP
from handler.core.ports.system import Measure, Notice
from handler.main import lambda_handler
from handler.telemetry import SERVICE_VARIABLE, Reports
from handler.triggers.http import responses as problems
from tests.architecture import ROOMS
from tests.sandbox.chat import ChatApp, ChatServer
from tests.sandbox.cold_function import cold_function
from tests.sandbox.environment import KEY, SDKAPPID, TOKEN, made_up_secret, sandboxed_environment
from tests.sandbox.gateway import Gateway
from tests.sandbox.serve import FUNCTION_PORT

ROOT = Path(__file__).parents[1]
NAMES = (
    *("README.md", "events/README.md", "handler/README.md", "handler/config/README.md", "handler/core/README.md"),
    *("handler/ledgers/README.md", "handler/triggers/http/README.md", "layers/README.md"),
    *("layers/examples/README.md", "tests/README.md"),
)
READMES: Mapping[str, str] = {name: (ROOT / name).read_text("utf-8") for name in NAMES}
README = READMES["README.md"]
HTTP = READMES["handler/triggers/http/README.md"]
CONFIG = READMES["handler/config/README.md"]
EVERYTHING = "\n".join(READMES.values())
GROUP = "live-room"

README_LINES = 220

INDEFINITE = re.compile(
    r"\b(whoever|whatever|whomever|nobody|somebody|anew|so many|by itself|is told|are told)\b", re.IGNORECASE
)
"""Words that stand for a component which should be named, or for the field's own word."""
INDEFINITE_PER_1000_LINES = 1.5


def blocks(language: str, text: str = EVERYTHING) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [content for named, content in found if named == language]


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def example(name: str) -> object:
    """The function of that name in a README."""
    [source] = [block for block in blocks("python") if f"def {name}(" in block]
    names: dict[str, object] = {}
    exec(compile(source, "README.md", "exec"), names)  # noqa: S102  # the README's own example
    return names[name]


def anchors(text: str) -> set[str]:
    """What a link may name in a page: its headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    """The local Chat server with the README's group."""
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))) as server:
        server.create_group(GROUP)
        yield server


@pytest.fixture
def url(chat: ChatServer, tmp_path: Path) -> Iterator[str]:
    """The function at an address of its own."""
    with cold_function(sandboxed_environment(chat.endpoint, tmp_path)), Gateway(lambda_handler) as gateway:
        yield gateway.url


def test_every_readme_is_tested() -> None:
    parts = ("events", "handler", "layers", "tests")
    found = {
        path.relative_to(ROOT).as_posix()
        for part in parts
        for path in (ROOT / part).rglob("README.md")
        if "node_modules" not in path.parts and "build" not in path.parts
    }
    assert found | {"README.md"} == set(NAMES)


def test_the_readme_is_short() -> None:
    """What a newcomer reads first can be read in one go."""
    assert len(README.splitlines()) <= README_LINES


def test_every_make_command_exists() -> None:
    """A `make` command of a README is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make\s+([a-z0-9-]+)", EVERYTHING, re.MULTILINE))
    assert len(named) > 10
    assert named <= targets


def test_every_module_that_is_run_exists() -> None:
    """What `python -m` names is a module of this repository."""
    named = set(re.findall(r"python -m ((?:layers|tests|handler)[\w.]*)", EVERYTHING))
    assert named
    assert all(importlib.util.find_spec(name) for name in named)


def test_every_path_exists() -> None:
    """A path in backticks is there: from the repository's top, from `handler`, or from the README's own folder."""
    for name, text in READMES.items():
        bases = (ROOT, ROOT / "handler", (ROOT / name).parent)
        for path in re.findall(r"`(?:\S+ )*([\w.-]+(?:/[\w.*-]+)*(?:\.py|\.md|/))(?:::\w+)?`", prose(text)):
            built = path.startswith("layers/build")
            assert built or any([*base.glob(path.rstrip("/"))] for base in bases), f"{name} names {path}"


def test_every_link_leads_somewhere() -> None:
    """A link is to a file of the repository and, where it names one, to a heading of it."""
    for name, text in READMES.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
            if target.startswith(("http://", "https://")):
                continue
            path, _, anchor = target.partition("#")
            place = (ROOT / name).parent / path if path else ROOT / name
            assert place.exists(), f"{name} links to {target}"
            assert not anchor or anchor in anchors(place.read_text("utf-8")), f"{name} links to {target}"


def test_the_test_command_is_what_ci_runs() -> None:
    """CI runs the README's own test command."""
    assert "make test" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_every_variable_is_documented() -> None:
    """The table of the environment names exactly the variables that the settings and the reports read."""
    read = set(
        re.findall(
            r'variables\.(?:read|require)\(\s*"([A-Z_]+)"', (ROOT / "handler" / "config" / "settings.py").read_text()
        )
    )
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", CONFIG, re.MULTILINE))
    assert len(read) > 10
    assert documented == read | {SERVICE_VARIABLE}
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE)) <= documented


def test_the_defaults_in_the_table_are_the_settings_own() -> None:
    """What the table calls a default is what an environment without the variable gets."""
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \|.*\| `?([^|`]*?)`? \|$", CONFIG, re.MULTILINE))
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


def test_the_quick_start_is_enough(chat: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of the quick start are settings that the function takes, each with its first example."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)`", README, re.MULTILINE)
    assert len(rows) == 5
    settings = Settings.read(dict(rows))
    assert settings.init_early
    assert settings.calls_per_second < 200


def test_the_folders_exist() -> None:
    """Every folder and file of the map is there, and every folder of the top level and of `handler` is on it."""
    [listing] = [block for block in blocks("", README) if "handler/core/" in block]
    paths = {line.split()[0].rstrip("/") for line in listing.splitlines()}
    assert all((ROOT / path).exists() for path in paths)
    assert {"handler", "layers", "events", "tests"} <= paths
    rooms = {room.split(".")[0] for room in ROOMS}
    folders = {f"handler/{room}" for room in rooms if (ROOT / "handler" / room).is_dir()}
    assert folders <= paths


def test_every_rule_that_is_cited_is_in_the_rule_book() -> None:
    """Each rule, assumption and check that code or a test names is a heading or a row there."""
    sources = [path for part in ("handler", "layers", "tests") for path in (ROOT / part).rglob("*.py")]
    cited = {name for path in sources for name in re.findall(r"\b[RAL]\d{1,2}\b", path.read_text("utf-8"))}
    defined = set(re.findall(r"^(?:## |\| )([RAL]\d{1,2})\b", READMES["handler/core/README.md"], re.MULTILINE))
    assert cited - defined == set()


@pytest.mark.parametrize("part", ["handler", "README"])
def test_prose_names_the_component(part: str) -> None:
    """Comments, docstrings, errors and READMEs name who acts; of the indefinite words there are hardly any."""
    code = [path.read_text("utf-8") for path in (ROOT / "handler").rglob("*.py")]
    texts = code if part == "handler" else list(READMES.values())
    lines = sum(len(text.splitlines()) for text in texts)
    found = [word for text in texts for word in INDEFINITE.findall(text)]
    assert len(found) <= INDEFINITE_PER_1000_LINES * lines / 1000, found


def test_no_page_is_cited_that_is_not_here() -> None:
    """Code cites the rule book and the READMEs; their paths exist."""
    for path in [path for part in ("handler", "layers") for path in (ROOT / part).rglob("*.py")]:
        text = path.read_text("utf-8")
        assert not re.search(r"\b(PROTOCOL|DESIGN)\b", text), path
        for cited in re.findall(r"\b(?:handler|layers|tests|events)/[\w/.-]+\.(?:py|md|json|txt|in)\b", text):
            assert (ROOT / cited).exists(), f"{path} cites {cited}"


def test_every_room_is_drawn() -> None:
    """The handler's README names each folder of the architecture test."""
    rooms = [room for room in ROOMS if (ROOT / "handler" / room.replace(".", "/")).is_dir() and room != "core"]
    assert rooms
    assert [room for room in rooms if f"`{room}`" not in READMES["handler/README.md"]] == []


def test_the_names_of_the_glossary_are_in_the_code() -> None:
    """A class that the handler's README names is defined in `handler`."""
    defined = {
        node.name
        for path in (ROOT / "handler").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }
    text = prose(READMES["handler/README.md"] + READMES["handler/ledgers/README.md"])
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`", text))
    assert named
    aws = {"GetItem", "BatchGetItem", "ConditionCheckItem", "PutItem", "UpdateItem", "DeleteItem", "DescribeTimeToLive"}
    assert named - defined - aws == set()


def test_every_notice_is_in_the_runbook_with_its_level_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing else is: the levels are those of the lines."""
    reports = Reports()
    for notice in Notice:
        reports.report(notice)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    rows = table_after("### Every notice", "| name |")
    assert {row[0]: row[1] for row in rows} == {f"`{line['message']}`": line["level"] for line in lines}
    assert {row[2] for row in rows} == {"yes", "now and then", "no"}
    assert all(len(row) == 5 and all(row) for row in rows)


def test_every_number_is_in_the_runbook() -> None:
    rows = table_after("### Every notice", "| number |")
    assert {row[0] for row in rows} == {f"`{measure.value}`" for measure in Measure}
    assert all(len(row) == 4 and all(row) for row in rows)


def table_after(heading: str, head: str) -> list[list[str]]:
    """The cells of the runbook's table that begins with `head`, below a heading."""
    _, _, text = READMES["layers/README.md"].partition(heading)[2].partition(f"\n{head}")
    table = text.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


def test_every_sample_event_is_named() -> None:
    named = re.findall(r"^- `([a-z0-9.-]+\.json)`: \S", READMES["events/README.md"], re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in (ROOT / "events").glob("*.json"))
    assert f"\n{len(named)} events and the scene: all as they should be\n" in README


def test_the_receipt_takes_one_of_the_groups_keys() -> None:
    """The price that the README names is the one that the code takes."""
    assert f"One of the group's {KEYS_PER_GROUP} counters is the receipt, so {KEYS_PER_GROUP - 1} are left" in README


def test_every_status_of_the_table_is_one() -> None:
    """The HTTP table names statuses that exist."""
    cells = re.findall(r"^\| ([0-9, ]+) \|", HTTP, re.MULTILINE)
    statuses = {int(status) for cell in cells for status in cell.split(",")}
    assert {200, 202, 400, 401, 405, 413, 422, 403, 404, 409, 429, 503} == statuses
    assert statuses <= responses.keys()


def test_every_problem_is_documented() -> None:
    """The table of problems names each type that an answer can have, with all that is fixed for it."""
    rows = re.findall(r"^\| `([a-z-]+)` \| ([0-9, ]+) \| (yes|no|yes or no) \| (.+) \| (.+) \|$", HTTP, re.MULTILINE)
    cases = [case for case in vars(problems).values() if isinstance(case, problems.Case)]
    assert {row[0] for row in rows} == {case.name for case in cases}
    for name, statuses, owed, title, then in rows:
        same = [case for case in cases if case.name == name]
        assert {(str(case.status) in statuses.split(", "), case.title, case.then) for case in same} == {
            (True, title, then)
        }
        assert {case.accepted for case in same} == {"yes": {True}, "no": {False}, "yes or no": {True, False}}[owed]


def test_the_curl_line_counts(chat: ChatServer, url: str) -> None:
    """The request of the curl line, sent to the port that `make serve` takes, counts five."""
    [block] = {block for block in blocks("") if block.startswith("curl")}
    words = shlex.split(block.replace("\\\n", " "))
    assert words[2] == f"http://127.0.0.1:{FUNCTION_PORT}/v1/update_group_counter"
    headers = dict(words[index + 1].split(": ", 1) for index, word in enumerate(words) if word == "-H")
    body = words[words.index("-d") + 1]
    reply = requests.post(f"{url}/v1/update_group_counter", data=body, headers=headers, timeout=10)
    assert reply.status_code == 200, reply.text
    assert reply.text in README
    assert chat.values(GROUP)["like"] == 5


def test_the_lost_reply_of_the_readme_counts_once(chat: ChatServer, url: str) -> None:
    """The fault that the README lets a reader plan is one, and the next request still counts once."""
    pattern = r"`curl http://127\.0\.0\.1:8081(/\S+) -H '([^:]+): …' --json '([^']+)'`"
    [(control, header, fault)] = re.findall(pattern, README)
    controlled = f"{chat.endpoint}{control}"
    planned = requests.post(controlled, json=json.loads(fault), headers={header: chat.token}, timeout=10)
    assert planned.status_code == 200, planned.text
    body = {"GroupId": GROUP, "GroupCounter": [{"Key": "like", "Value": 5}], "Mode": "Increase"}
    headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "lost"}
    reply = requests.post(f"{url}/v1/update_group_counter", json=body, headers=headers, timeout=10)
    assert reply.headers["Counter-Values"] == "observed-later"
    assert chat.values(GROUP)["like"] == 5


def test_the_loops_of_the_clients_are_their_own() -> None:
    """The README shows what the tested files hold."""
    clients = ROOT / "tests" / "e2e" / "clients"
    [python], [typescript] = blocks("python", README), blocks("typescript", README)
    assert python in (clients / "counters.py").read_text("utf-8")
    assert typescript in (clients / "counters.ts").read_text("utf-8")


def test_the_signing_caller_is_believed_and_counts_once(
    chat: ChatServer, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The README's headers, sent twice; those for an empty body find the operation."""
    secret = "whsec_" + b64encode(b"twenty-four bytes, or so").decode()
    callers = [{"name": "mobile-backend", "token": secret}]
    (tmp_path / "secret.json").write_text(json.dumps({**made_up_secret(), "callers": callers}))
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
    """The secret, the payload of a source and the timer's event are well-formed."""
    examples = [json.loads(block) for block in blocks("json")]
    assert [example["callers"] for example in examples if "sdkappid" in example]
    assert [example["Message"]["operations"] for example in examples if example.get("Type") == "Timer"]
    assert [example["GroupCounter"] for example in examples if "GroupId" in example]
