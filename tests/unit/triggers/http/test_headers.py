"""A signed key rules a written one, and preferences only ever shorten the wait."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.errors import BadInput
from handler.triggers.http.headers import Correlation, agreed_key, read_wait_s
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


@pytest.mark.parametrize("written", ["a,b", "a, b", ",a", "a,", "k,k", 'a,"b"', '"a","b"', '"a", "b"', '"a",b', ","])
def test_two_keys_that_a_platform_has_joined_are_none(written: str) -> None:
    """Neither of them is taken, and the two are no third one; a single key with a comma is written in quotes."""
    for signed in (None, "c,d"):
        with pytest.raises(BadInput, match=r"^Idempotency-Key: (stands more than once|is not a quoted string)"):
            agreed_key(written, signed)
    assert agreed_key("a,b", "a,b") == "a,b", "the signature covers the comma"
    assert agreed_key('"a,b"', None) == agreed_key('"a,b"', "a,b") == agreed_key(None, "a,b") == "a,b"


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


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def test_what_ties_a_request_to_others_is_logged_and_handed_on_as_it_came() -> None:
    """The id that the caller gave the request ties its lines, else its trace does."""
    both = Correlation.of({"x-request-id": "order/7", "traceparent": TRACEPARENT})
    assert both.log_fields == {"correlation_id": "order/7", "traceparent": TRACEPARENT}
    assert both.headers == {"X-Request-Id": "order/7", "traceparent": TRACEPARENT}
    assert Correlation.of({"traceparent": TRACEPARENT}).log_fields["correlation_id"] == TRACE
    assert (Correlation.of({}).log_fields, Correlation.of({}).headers) == ({}, {})


@pytest.mark.parametrize("value", ["", "two words", "two\nlines", "größe", "\x7f", "i" * 129])
def test_an_id_of_a_request_that_is_long_or_cannot_be_printed_is_none(value: str) -> None:
    assert Correlation.of({"x-request-id": value}) == Correlation()


@pytest.mark.parametrize(
    "value",
    [
        TRACEPARENT.upper(),
        TRACEPARENT + "-more",
        TRACEPARENT[:-1],
        f"{TRACEPARENT},{TRACEPARENT}",
        TRACEPARENT.replace("00-", "ff-", 1),
        TRACEPARENT.replace(TRACE, "0" * 32),
        TRACEPARENT.replace("00f067aa0ba902b7", "0" * 16),
        f"{TRACEPARENT}\n",
    ],
)
def test_a_traceparent_that_the_standard_calls_invalid_is_none(value: str) -> None:
    assert Correlation.of({"traceparent": value}) == Correlation()


@given(st.text())
def test_nothing_but_visible_ascii_is_taken_on(value: str) -> None:
    taken = Correlation.of({"x-request-id": value, "traceparent": value})
    handed_on = "".join([*taken.headers.values(), *taken.log_fields.values()])
    assert handed_on.isascii()
    assert " " not in handed_on
    assert not handed_on or handed_on.isprintable()
