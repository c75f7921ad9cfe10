"""The page's server lets its own page in alone, and asks before it sends what changes something."""

import json
from collections.abc import Iterator
from threading import Thread

import pytest

from layers.console.__main__ import ConsoleServer, main
from layers.console.site import HEADERS, Site
from layers.operate.arguments import Event
from layers.operate.functions import OperatorError
from tests.sandbox.caller import Answer, ask

TOKEN = "made-up"
STATUS: Event = {"task": "status", "paused": None, "generation": 1, "unfinished": 0, "frozen": 0, "parked": 0}


class Function:
    """A function that keeps what it is sent, and holds no group that is frozen."""

    name = "counter in eu-west-1"

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.receipt = 0

    def invoke(self, event: Event) -> object:
        self.events.append(event)
        if event.get("GroupId") == "absent":
            raise OperatorError("BadInput: GroupId: is not known")
        if event["task"] in {"inspect", "release"}:
            return {"receipts": [self.receipt]}
        return {**STATUS, "oldest_unfinished_s": 0, "attention": [], "after": None, "app": 1, "ledger": "sqlite:///l"}


@pytest.fixture
def function() -> Function:
    return Function()


@pytest.fixture
def url(function: Function) -> Iterator[str]:
    with ConsoleServer(Site(function, TOKEN), 0) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def post(url: str, body: object, **changed: str) -> Answer:
    headers = {"Content-Type": "application/json", "Console-Token": TOKEN}
    changes = {name.replace("_", "-"): value for name, value in changed.items()}
    return ask(f"{url}/console/event", "POST", headers | changes, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Console_Token": "guessed"}, 401),
        ({"Console_Token": "\xe9"}, 401),
        ({"Content_Type": "text/plain"}, 415),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Content_Length": "9" * 5000}, 413),
        ({"Content_Length": "-1"}, 411),
    ],
)
def test_what_is_not_the_pages_own_request_reaches_no_function(
    url: str, function: Function, changed: dict[str, str], status: int
) -> None:
    answer = post(url, {"event": {"task": "status"}}, **changed)
    assert (answer.status, function.events) == (status, [])
    assert TOKEN not in answer.body.decode()


def test_the_page_and_its_two_files_are_read_without_a_token_but_not_under_another_name(url: str) -> None:
    """No answer may be kept, framed, or run what is not the page's own file; none holds the token."""
    for path in ("/", "/console/page.js", "/console/page.css"):
        answer = ask(f"{url}{path}", "GET", {"Origin": url})
        assert answer.status == 200
        assert {name: answer.headers[name.lower()] for name in HEADERS} == dict(HEADERS)
        assert TOKEN not in answer.body.decode()
        assert ask(f"{url}{path}", "GET", {"Host": "evil.example"}).status == 421
    assert ask(f"{url}/console/site.py", "GET").status == 404


def test_a_look_is_sent_at_once_with_the_health_in_the_commands_words(url: str, function: Function) -> None:
    answer = post(url, {"event": {"task": "status", "Type": "Timer"}}, Origin=url)
    assert str(answer.fields["health"]).startswith("Well. ")
    assert function.events == [{"task": "status", "Type": "Operator"}]


def test_what_changes_something_is_asked_about_first_and_sent_once_it_is_agreed(url: str, function: Function) -> None:
    """The words are those of the command, with what the function says that it acts on."""
    pause = {"task": "pause", "reason": "the vendor asked"}
    asked = post(url, {"event": pause}).fields
    assert str(asked["asks"]).startswith("This pauses EVERY group")
    assert asked["facts"] == {"app": 1, "ledger": "sqlite:///l", "function": "counter in eu-west-1"}
    assert post(url, {"event": pause, "agreed": "yes"}).fields["asks"] == asked["asks"]
    assert post(url, {"event": pause, "agreed": True}).status == 200
    assert [event["task"] for event in function.events] == ["about", "about", "pause"]


def test_numbers_that_a_script_would_round_go_to_it_and_come_back_as_text(url: str, function: Function) -> None:
    """The operator judges by a receipt, and no other may be decided on."""
    function.receipt = 2**60 + 1
    assert post(url, {"event": {"task": "inspect", "GroupId": "g"}}).fields["answer"] == {"receipts": [str(2**60 + 1)]}
    release = {"task": "release", "GroupId": "g", "receipt": str(2**60 + 1), "dry_run": True}
    assert post(url, {"event": release}).status == 200
    assert function.events[-1]["receipt"] == 2**60 + 1


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"event": {"task": "inspect", "GroupId": "absent"}}, 502, "BadInput: GroupId: is not known"),
        ({"event": {"task": "forget", "GroupId": "g"}, "agreed": True}, 502, "its task must be one of"),
        ({"event": {"task": ["status"]}}, 502, "its task must be one of"),
        ({}, 502, "its task must be one of"),
        ([], 400, "no JSON object"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(url: str, body: object, status: int, words: str) -> None:
    answer = post(url, body)
    assert answer.status == status
    assert words in str(answer.fields["error"])


def test_a_taken_port_is_one_clear_error(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--local", "--port", url.rpartition(":")[2]]) == 1
    assert capsys.readouterr().err.startswith("Cannot serve: ")
