"""Waiting for something that another process does."""

import time
from collections.abc import Callable

LONGEST_S = 10.0
PAUSE_S = 0.01


def wait_for(happened: Callable[[], bool], what: str) -> None:
    """Wait until `happened`; AssertionError, with `what`, if that takes too long."""
    until = time.monotonic() + LONGEST_S
    while not happened():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(PAUSE_S)
