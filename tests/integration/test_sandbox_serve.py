"""`make serve`: the sandbox and the function as one program, from its first line to Ctrl-C."""

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.watching import wait_for
from tests.integration.served import ROOT, Program
from tests.sandbox.caller import ask
from tests.sandbox.comparison import THEIRS
from tests.sandbox.environment import TOKEN
from tests.sandbox.serve import GROUPS
from tests.sandbox.swagger import POLICY


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """The program, with a sweep ten times a second."""
    running = Program(tmp_path, "--group", "demo", "--sweep-every", "0.1")
    yield running
    assert running.end() == (0, "")


def curl_lines(program: Program) -> list[list[str]]:
    """The words of each curl line that is printed."""
    return [shlex.split(line) for line in program.welcome.splitlines() if line.lstrip().startswith("curl")]


def curl(program: Program, **changed: str) -> int:
    """The status where one does what the printed curl line does; `changed` headers replace its own."""
    words = next(line for line in curl_lines(program) if "-i" in line)
    headers = dict(word.split(": ", 1) for flag, word in pairwise(words) if flag == "-H")
    return ask(words[2], "POST", headers | changed, words[words.index("-d") + 1].encode()).status


def test_the_printed_request_counts_once(program: Program) -> None:
    assert [curl(program) for _ in range(3)] == [200, 200, 200]
    assert program.chat.values("demo")["like"] == 5


def test_the_printed_loss_loses_the_next_reply(program: Program) -> None:
    [words] = [line for line in curl_lines(program) if "--json" in line]
    token = dict([words[words.index("-H") + 1].split(": ", 1)])
    sent = {"Content-Type": "application/json", **token}
    assert ask(words[1], "POST", sent, words[words.index("--json") + 1].encode()).status == 200
    assert program.chat.control("planned") == b"1"
    assert curl(program) == 200
    assert (program.chat.control("planned"), program.chat.values("demo")["like"]) == (b"0", 5)


def test_the_sweep_goes_round_by_itself(program: Program) -> None:
    """What nobody waits for is sent all the same."""
    assert curl(program, Prefer="respond-async") == 202
    wait_for(lambda: program.chat.values("demo").get("like") == 5, "the sweep")


@pytest.mark.parametrize("dialect", ["http-v2", "scf"])
def test_it_serves_both_clouds_and_ends_without_a_trace(dialect: str, tmp_path: Path) -> None:
    """On SIGTERM as on Ctrl-C, nothing is left of the ledger and the secret."""
    running = Program(tmp_path, "--dialect", dialect)
    answered = curl(running)
    assert [path.name.startswith("update-group-counter-") for path in tmp_path.iterdir()] == [True]
    assert (answered, running.end(signal.SIGTERM)) == (200, (0, ""))
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_one_clear_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "tests.sandbox.serve", "--chat-port", "0", "--port", port]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(r"Cannot serve: .*in use\. Other ports: --port and --chat-port, .*\n", ended.stderr)


def test_swagger_ui_is_complete_runs_only_its_own_files_and_keeps_no_token(program: Program) -> None:
    """Each file that the page names is there, under a policy that allows no other, and no script stands in the page."""
    url = program.address("The function")
    page = ask(f"{url}/swagger", "GET")
    named = re.findall(rb'(?:src|href)="(swagger/[^"]+)"', page.body)
    files = [ask(f"{url}/{name.decode()}", "GET") for name in named]
    assert [answer.status for answer in (page, *files)] == [200] * 4
    assert b"<script>" not in page.body
    assert {answer.headers["content-security-policy"] for answer in (page, *files)} == {POLICY}
    assert b'url: "openapi.json"' in files[-1].body
    assert b"persistAuthorization: false" in files[-1].body
    assert ask(f"{url}/openapi.json", "GET").fields["openapi"] == "3.1.0"
    assert ask(f"{url}/swagger/serve.py", "GET").status == 404


def asked(program: Program, path: str, **fields: object) -> dict[str, object]:
    """What the page's script is answered, by the address that is printed first."""
    url, _, token = program.page.partition("/#")
    headers = {"Content-Type": "application/json", "Console-Token": token, "Origin": url}
    answer = ask(f"{url}/console/{path}", "POST", headers, json.dumps(fields).encode())
    assert answer.status == 200, answer.body
    return answer.fields


@pytest.mark.parametrize("fault", ["lost", "502"])
def test_the_page_shows_what_is_counted_once_here_and_twice_behind_a_record(program: Program, fault: str) -> None:
    """One fault, and the same key sent twice, on both sides."""
    asked(program, "scene", do="fault", name=fault)
    for side in ("theirs", "theirs", "ours", "ours"):
        asked(program, "scene", do="increase", side=side, key="k")
    assert (program.chat.values("demo")["like"], program.chat.values(THEIRS)["like"]) == (5, 10)
    scene = asked(program, "scene", do="look")
    assert "like = 10" in str(scene["counters"])
    assert "the caller sends k: increase by 5" in str(scene["events"])


def test_the_switches_of_the_page_last_until_they_are_pressed_again(program: Program) -> None:
    for lasting in (["clock", "unreachable"], []):
        asked(program, "scene", do="fault", name="unreachable")
        asked(program, "scene", do="fault", name="clock")
        assert asked(program, "scene", do="look")["lasting"] == lasting
    asked(program, "scene", do="increase", side="theirs", key="k")
    assert program.chat.values(THEIRS) == {"like": 5}


def test_the_page_operates_the_function_that_is_served(program: Program) -> None:
    pause: dict[str, object] = {"task": "pause", "reason": "a look"}
    assert "asks" in asked(program, "event", event=pause)
    asked(program, "event", event=pause, agreed=True)
    assert "PAUSED" in str(asked(program, "event", event={"task": "status"})["health"])


def test_the_example_of_the_document_counts(program: Program) -> None:
    """What Swagger UI offers works at the first click, in the groups that are there without an option."""
    document = ask(f"{program.address('The function')}/openapi.json", "GET").fields
    update = document["paths"]["/v1/update_group_counter"]["post"]  # type: ignore[index]  # of JSON
    example = update["requestBody"]["content"]["application/json"]["examples"]["increase"]["value"]
    assert example["GroupId"] in GROUPS
    program.chat.create_group(example["GroupId"])
    sent = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": update["parameters"][0]["example"]}
    answer = ask(
        f"{program.address('The function')}/v1/update_group_counter", "POST", sent, json.dumps(example).encode()
    )
    assert answer.fields == update["responses"]["200"]["content"]["application/json"]["examples"]["usual"]["value"]
