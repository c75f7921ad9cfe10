"""`make serve` as a program of its own."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.sandbox.remote import Sandbox

ROOT: Final = Path(__file__).resolve().parents[2]
LAST_LINE: Final = "Ctrl-C ends it.\n"


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

    @property
    def page(self) -> str:
        """The address of the page, with its token."""
        found = re.search(r"See it +(\S+)", self.welcome)
        assert found is not None
        return found[1]

    def address(self, name: str) -> str:
        found = re.search(rf"{name}\s+(http://127\.0\.0\.1:\d+) ", self.welcome)
        assert found is not None
        return found[1]

    @property
    def chat(self) -> Sandbox:
        """The controls of the Chat server, with the token of the page."""
        return Sandbox(self.address("The Chat API"), self.page.partition("/#")[2])

    def end(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Send a signal; exit code and standard error."""
        self._process.send_signal(number)
        errors = self._process.communicate(timeout=10)[1]
        return self._process.returncode, errors
