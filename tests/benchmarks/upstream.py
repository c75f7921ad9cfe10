"""The Chat server of a benchmark, in a process of its own, so that its work is not counted as the function's."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.sandbox.remote import Sandbox

ROOT: Final = Path(__file__).resolve().parents[2]


@contextmanager
def chat_server(*, lag_s: float = 0.0, rate_limit: int = 0) -> Iterator[Sandbox]:
    """A server that answers after `lag_s`; a `rate_limit` of 0 is none."""
    command = ["-m", "tests.sandbox.chat", "--rate-limit", str(rate_limit), "--apply-lag", str(lag_s)]
    with subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Sandbox.at(process.stdout.readline().strip())
        finally:
            process.terminate()
