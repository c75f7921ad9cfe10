"""What the tests of both secrets managers ask: how a secret is refused, and what is logged meanwhile."""

import http.client
import io
import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout

import pytest

from handler.core.errors import SecretUnavailable


def refusal_of(read: Callable[[], str], manager: str, secrets: Sequence[str]) -> str:
    """The code with which a secret cannot be read; none of the secrets is in the error's traceback."""
    with pytest.raises(SecretUnavailable, match=f"^CHAT_SECRET: the secret in {manager} cannot be read: ") as refusal:
        read()
    shown = "".join(traceback.format_exception(refusal.value))
    assert [secret for secret in secrets if secret in shown] == []
    return refusal.value.problem.rpartition(": ")[2]


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """What is logged at any level, and what http.client prints when it is asked to print all that it sends."""
    written = io.StringIO()
    handler, root = logging.StreamHandler(written), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    http.client.HTTPConnection.debuglevel = 1
    try:
        with redirect_stdout(written):
            yield written
    finally:
        http.client.HTTPConnection.debuglevel = 0
        root.setLevel(level)
        root.removeHandler(handler)
