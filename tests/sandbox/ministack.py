"""MiniStack, a local stand-in for AWS services, as a process of its own in a virtual environment of its own."""

import os
import re
import subprocess
import time
from pathlib import Path
from typing import Final

from typing_extensions import Self

PYTHON: Final = Path(__file__).resolve().parents[2] / ".venv-ministack" / "bin" / "python"

START_S: Final = 20.0
"""The longest that a start may take; 0.3 to 1 s is usual."""

_PAUSE_S: Final = 0.01


class MiniStack:
    """Services of AWS at `endpoint`, on 127.0.0.1 and a free port. Use it in a `with` block.

    `services` are the names of those that are wanted. What the process writes, its log too, lies in `folder`.
    """

    def __init__(self, folder: Path, *services: str) -> None:
        if not PYTHON.exists():
            raise FileNotFoundError(f"MiniStack is not installed at {PYTHON}; `make set-up` installs it")
        self._log = folder / "ministack.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [PYTHON, "-m", "ministack"],
                cwd=folder,
                env=_environment(folder, services),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.endpoint = ""

    def close(self) -> None:
        """End the process and wait for its end."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        try:
            self.endpoint = self._address()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _address(self) -> str:
        """Where it listens, by its own word: the system chooses the port, so nobody else can have taken it."""
        until = time.monotonic() + START_S
        while self._process.poll() is None and time.monotonic() < until:
            if named := re.search(r"Running on (http://127\.0\.0\.1:\d+)", self._log.read_text("utf-8")):
                return named[1]
            time.sleep(_PAUSE_S)
        raise RuntimeError(f"MiniStack did not start: {self._log.read_text('utf-8')}")


def _environment(folder: Path, services: tuple[str, ...]) -> dict[str, str]:
    """All that the process is told. Its own defaults are every interface, and folders that runs would share."""
    return {
        "PATH": os.defpath,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": "0",
        "SERVICES": ",".join(services),
    }
