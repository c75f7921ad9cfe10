"""The small clients, in Python and in TypeScript: each counts once when answers are lost, and stops where it should.

All operations of a client are under way at once, each on a group of its own, so that the losses do not add up.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final, TypeAlias

import pytest

from handler.main import lambda_handler
from layers.openapi import PLACE
from tests.e2e.clients.counters import Update, count
from tests.e2e.conftest import SHORT_LIVES
from tests.sandbox.caller import Caller
from tests.sandbox.chat import ChatApp, ChatServer, Fault, every_kind
from tests.sandbox.cold_function import cold_function
from tests.sandbox.environment import KEY, SDKAPPID, TOKEN, sandboxed_environment
from tests.sandbox.gateway import Gateway
from tests.sandbox.responses import Response, failure

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "tests" / "e2e" / "clients"
FAULTS: Final = every_kind(delay_s=1.0, key="_receipt")
CLOSED: Final = "http://127.0.0.1:9"
"""The port `discard`, on which nothing listens."""

PATIENCE_S: Final = 120.0
SHORT_PATIENCE_S: Final = 3.0


@dataclass(frozen=True)
class Job:
    """An operation that a client is to have counted. `nowhere`: at an address where nothing listens."""

    group: str
    value: int = 5
    token: str = TOKEN
    key: str = "k"
    patience_s: float = PATIENCE_S
    mode: Any = "Increase"
    nowhere: bool = False

    @property
    def body(self) -> Update:
        return {"GroupId": self.group, "GroupCounter": [{"Key": "like", "Value": self.value}], "Mode": self.mode}


@dataclass(frozen=True)
class Outcome:
    """The last answer that a client got, and how often it asked."""

    status: int
    body: Mapping[str, Any]
    tries: int

    @property
    def type(self) -> object:
        return self.body.get("type")


Client: TypeAlias = Callable[[Sequence[Job], str], list[tuple[int, Mapping[str, Any]]]]


class LosingGateway(Gateway):
    """A gateway that counts the requests for each group, and answers the first for some in its own words."""

    def __init__(self, losing: frozenset[str]) -> None:
        self.tries: dict[str, int] = {}
        self._losing = losing
        self._counting = Lock()
        super().__init__(lambda_handler)

    def respond(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Response:
        group = json.loads(body)["GroupId"]
        with self._counting:
            self.tries[group] = self.tries.get(group, 0) + 1
        reply = super().respond(method, target, headers, body)
        return failure("alb") if group in self._losing and self.tries[group] == 1 else reply


def in_python(jobs: Sequence[Job], url: str) -> list[tuple[int, Mapping[str, Any]]]:
    def played(job: Job) -> tuple[int, Mapping[str, Any]]:
        answer = count(CLOSED if job.nowhere else url, job.token, job.key, job.body, job.patience_s)
        return answer.status, answer.body

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(played, jobs))


def in_typescript(folder: Path) -> Client:
    """The client as it is built, with types from the document, after the checks of the compiler."""
    missing = [name for name in ("node", "npx") if shutil.which(name) is None]
    if missing or not (FOLDER / "node_modules" / ".bin" / "tsc").exists():
        pytest.skip(f"the TypeScript client is NOT TESTED: {'no Node' if missing else 'run `make clients` first'}")
    for path in (*FOLDER.glob("*.ts"), FOLDER / "package.json", FOLDER / "tsconfig.json"):
        shutil.copy(path, folder)
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    tool(folder, "openapi-typescript", str(PLACE), "--output", "schema.d.ts")
    tool(folder, "tsc")

    def play(jobs: Sequence[Job], url: str) -> list[tuple[int, Mapping[str, Any]]]:
        listed = [
            {
                "url": CLOSED if job.nowhere else url,
                "token": job.token,
                "key": job.key,
                "body": job.body,
                "patience_s": job.patience_s,
            }
            for job in jobs
        ]
        done = subprocess.run(
            ["node", "built/play.js"], cwd=folder, input=json.dumps(listed), capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return [(answer["status"], answer.get("body") or {}) for answer in json.loads(done.stdout)]

    return play


def tool(folder: Path, name: str, *arguments: str) -> None:
    """Run one of the pinned tools of Node; fails with what it wrote."""
    command = [str(FOLDER / "node_modules" / ".bin" / name), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def chat() -> Iterator[ChatServer]:
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))) as server:
        yield server


JOBS: Final[Mapping[str, Job]] = {
    **{f"fault-{number}": Job(f"fault-{number}") for number in range(len(FAULTS))},
    **{f"read-{number}": Job(f"read-{number}") for number in range(len(FAULTS))},
    "answer lost": Job("lost"),
    "no such group": Job("nowhere"),
    "unknown token": Job("plain", token=f"{TOKEN}x"),
    "other content": Job("used", 6),
    "bad input": Job("bad", mode="Multiply"),
    "frozen": Job("frozen"),
}
"""What a client is asked for at once, each with a group of its own."""

LATER: Final[Mapping[str, Job]] = {
    "app refused": Job("refused", patience_s=SHORT_PATIENCE_S),
    "no function": Job("unheard", patience_s=SHORT_PATIENCE_S, nowhere=True),
}
"""What comes after them: an app that is refused is refused for every group."""


@pytest.fixture(scope="module", params=["python", "typescript"])
def played(
    request: pytest.FixtureRequest, chat: ChatServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Outcome]:
    """What became of every job."""
    folder = tmp_path_factory.mktemp(request.param)
    client: Client = in_python if request.param == "python" else in_typescript(folder)
    chat.reset()
    prepare(chat)
    variables = sandboxed_environment(chat.endpoint, folder / "function", **SHORT_LIVES)
    with cold_function(variables), LosingGateway(frozenset({"lost"})) as gateway:
        for job in (Job("used"), Job("frozen", key="first")):
            assert count(gateway.url, job.token, job.key, job.body).status == 200
        assert Caller(chat.endpoint, SDKAPPID, KEY).update("frozen", "Increase", {"_receipt": 7}).status == 200
        gateway.tries.clear()
        answers = client(list(JOBS.values()), gateway.url)
        chat.always(Fault("code", code=60020, applied=False), "update", "refused")
        answers += client(list(LATER.values()), gateway.url)
    chat.drain()
    jobs = {**JOBS, **LATER}
    return {
        name: Outcome(status, body, gateway.tries.get(job.group, 0))
        for (name, job), (status, body) in zip(jobs.items(), answers, strict=True)
    }


def prepare(chat: ChatServer) -> None:
    """Make the groups, and plan each fault once for an update, and once for the read that follows a loss."""
    for job in [*JOBS.values(), *LATER.values()]:
        if job.group != "nowhere":
            chat.create_group(job.group)
    for number, fault in enumerate(FAULTS):
        chat.plan([fault], "update", f"fault-{number}")
        chat.plan([Fault("drop_after")], "update", f"read-{number}")
        chat.plan([fault], "get", f"read-{number}")


def test_every_operation_counts_once_whatever_the_vendor_loses(chat: ChatServer, played: dict[str, Outcome]) -> None:
    """Every fault that the sandbox can play, of the update and of the look at its receipt."""
    names = [f"{part}-{number}" for part in ("fault", "read") for number in range(len(FAULTS))]
    assert {name: played[name].status for name in names} == dict.fromkeys(names, 200)
    assert {name: chat.values(name)["like"] for name in names} == dict.fromkeys(names, 5)


def test_an_answer_that_the_gateway_lost_is_asked_for_again(chat: ChatServer, played: dict[str, Outcome]) -> None:
    assert (played["answer lost"].status, played["answer lost"].tries) == (200, 2)
    assert chat.values("lost")["like"] == 5


def test_what_is_refused_is_asked_for_once(played: dict[str, Outcome]) -> None:
    refused = {"no such group": 404, "unknown token": 401, "other content": 422, "bad input": 400}
    assert {name: (played[name].status, played[name].tries) for name in refused} == {
        name: (status, 1) for name, status in refused.items()
    }


def test_a_frozen_group_is_left_to_its_operator(played: dict[str, Outcome]) -> None:
    """The client that this one replaces asked for ever."""
    assert (played["frozen"].status, played["frozen"].type) == (503, "/problems/group-frozen")
    assert played["frozen"].tries <= 3


def test_no_client_asks_longer_than_its_patience(played: dict[str, Outcome]) -> None:
    """An app that is refused is asked ever more rarely; where nothing answers, that is said."""
    refused, unheard = played["app refused"], played["no function"]
    assert (refused.status, refused.type, 1 <= refused.tries <= 4) == (503, "/problems/app-refused", True)
    assert (unheard.status, unheard.body) == (0, {})


def test_the_pinned_packages_name_no_address() -> None:
    locks = [ROOT / "layers" / "package-lock.json", FOLDER / "package-lock.json"]
    assert [lock for lock in locks if "://" in lock.read_text("utf-8") or '"resolved"' in lock.read_text("utf-8")] == []
