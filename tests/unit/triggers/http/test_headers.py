"""A signed key rules a written one, and preferences only ever shorten the wait."""

from __future__ import annotations

import time

import pytest
from hypothesis import given

from handler.core.errors import BadInput
from handler.triggers.http.headers import agreed_key, read_wait_s
from tests.unit.triggers.test_idempotency_key import VISIBLE, quoted


@given(VISIBLE, VISIBLE)
def test_a_signed_key_is_the_key_and_a_written_one_may_only_repeat_it(key: str, other: str) -> None:
    assert agreed_key(None, quoted(key)) == agreed_key(quoted(key), quoted(key)) == key
    if other != key:
        with pytest.raises(BadInput, match=r"^Idempotency-Key: differs from the signed webhook-id"):
            agreed_key(quoted(other), quoted(key))


def test_a_signed_key_that_is_none_is_named_as_what_it_is() -> None:
    with pytest.raises(BadInput, match=r"^webhook-id: must be 1 to 255 visible ASCII characters$"):
        agreed_key("k", "k" * 256)
    with pytest.raises(BadInput, match=r"^Idempotency-Key: must be 1 to 255"):
        agreed_key("two words", "k")


@pytest.mark.parametrize(
    ("prefer", "wait_s"),
    [
        *(("", 5.0), ("wait=2", 2.0), ("wait=0", 0.0), ("Wait = 3", 3.0), ('wait="1"', 1.0), ("wait=5", 5.0)),
        *(("wait=6", 5.0), ("wait=999999999", 5.0), ("wait=99999999999999999999", 5.0)),
        *(("respond-async", 0.0), ("Respond-Async", 0.0), ("respond-async, wait=2", 2.0)),
        ("wait=2,respond-async", 2.0),
        *(("wait=1, wait=4", 1.0), ("return=minimal, wait=2; foo=bar", 2.0), ("wait=2; respond-async", 2.0)),
        *(("wait", 5.0), ("wait=", 5.0), ("wait=-1", 5.0), ("wait=1.5", 5.0), ("wait=soon", 5.0), ("wait=²", 5.0)),
        *((",;=,", 5.0), ('x="a, wait=1', 1.0), ("wait=2 3", 5.0)),
    ],
)
def test_a_preference_shortens_the_wait(prefer: str, wait_s: float) -> None:
    """RFC 7240; what cannot be read is passed over, and nothing makes the wait longer."""
    assert read_wait_s(prefer, 5.0) == wait_s


@pytest.mark.parametrize("prefer", ["a=%s!", "a%s!", "%s!", "a=b%s!", 'a="%s!', "a;%s!", "%s=", "wait=1%s, x"])
def test_a_long_preference_is_read_in_no_time(prefer: str) -> None:
    """Sixteen thousand spaces once took half a minute: every way to divide them was tried."""
    begun = time.process_time()
    assert 0 <= read_wait_s(prefer % (" " * 100_000), 5.0) <= 5.0
    assert time.process_time() - begun < 1
