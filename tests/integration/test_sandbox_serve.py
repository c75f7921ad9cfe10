"""`make serve`: the sandbox and the function as one program, from its first line to Ctrl-C."""

import os
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
from tests.sandbox.caller import ask
from tests.sandbox.remote import Sandbox

ROOT = Path(__file__).resolve().parent.parent.parent
LAST_LINE = "Ctrl-C ends it.\n"


class Program:
    """A running `python -m tests.sandbox.serve` that keeps its ledger in `folder`."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [sys.executable, "-m", "tests.sandbox.serve", "--port", "0", "--chat-port", "0", *options]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.welcome = ""
        while not self.welcome.endswith(LAST_LINE):
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            assert line, self._process.communicate()[1]
            self.welcome += line

    def address(self, name: str) -> str:
        found = re.search(rf"{name}\s+(http://127\.0\.0\.1:\d+) ", self.welcome)
        assert found is not None
        return found[1]

    def end(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Send a signal; exit code and standard error."""
        self._process.send_signal(number)
        errors = self._process.communicate(timeout=10)[1]
        return self._process.returncode, errors


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """The program, with a sweep ten times a second."""
    running = Program(tmp_path, "--group", "demo", "--sweep-every", "0.1")
    yield running
    assert running.end() == (0, "")


def curl(program: Program, **changed: str) -> int:
    """The status where one does what the printed curl line does; `changed` headers replace its own."""
    line = next(line for line in program.welcome.splitlines() if line.lstrip().startswith("curl"))
    words = shlex.split(line)
    headers = dict(word.split(": ", 1) for flag, word in pairwise(words) if flag == "-H")
    return ask(words[2], "POST", headers | changed, words[words.index("-d") + 1].encode()).status


def test_the_printed_request_counts_once(program: Program) -> None:
    assert [curl(program) for _ in range(3)] == [200, 200, 200]
    assert Sandbox(program.address("The Chat API")).values("demo")["like"] == 5


def test_the_sweep_goes_round_by_itself(program: Program) -> None:
    """What nobody waits for is sent all the same."""
    assert curl(program, Prefer="respond-async") == 202
    chat = Sandbox(program.address("The Chat API"))
    wait_for(lambda: chat.values("demo").get("like") == 5, "the sweep")


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
