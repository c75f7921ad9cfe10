"""Instances as processes that share one ledger, and that may be killed at any moment."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Lock

ROOT = Path(__file__).parents[3]


class KilledError(Exception):
    """The instance died before it had answered."""


class Instance:
    """One process; it takes one event at a time, and is started anew by the first event after its death."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = dict(environment)
        self._log = log
        self._lock = Lock()
        self._process: subprocess.Popen[str] | None = None
        self.kills = 0

    def invoke(self, event: object, timeout_s: float) -> object:
        """The function's reply, or the representation of its error; KilledError where the process died."""
        with self._lock:
            process = self._running()
            stdin, stdout = process.stdin, process.stdout
            assert stdin is not None
            assert stdout is not None
            try:
                stdin.write(json.dumps({"event": event, "timeout_s": timeout_s}) + "\n")
                stdin.flush()
            except BrokenPipeError:
                raise KilledError from None
            line = stdout.readline()
            if not line.endswith("\n"):
                raise KilledError
            answer: dict[str, object] = json.loads(line)
            return answer.get("reply", answer.get("error"))

    def kill(self) -> None:
        """End the process with SIGKILL, whatever it is doing."""
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            self.kills += 1

    def close(self) -> None:
        self.kill()
        with self._lock:
            self._reap()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is not None:
            self._reap()
        if self._process is None:
            with self._log.open("a") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-W", "error", "-m", "tests.faults.storms.instance"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=self._environment,
                    cwd=ROOT,
                    text=True,
                )
        return self._process

    def _reap(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                _close(stream.close)


def _close(close: object) -> None:
    try:
        if callable(close):
            close()
    except BrokenPipeError:
        return
