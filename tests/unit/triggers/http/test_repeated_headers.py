"""Headers that stand twice, in other cases or with line ends in them mislead no platform and no reader."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.dialects import DIALECTS, Dialect, event_of
from tests.unit.triggers.http.signing import NOW, OTHER_KEY, signature, signed_headers
from tests.unit.triggers.http.test_dialects import Door, answer
from tests.unit.triggers.stage import TOKEN, UPDATE, Seen, Stage, body, headers

JOINING = [dialect for dialect in DIALECTS if dialect not in {"alb", "scf"}]
"""The platforms that pass on all values of a header that stands twice; the others pass on the last one alone."""

GOOD = ("Authorization", f"Bearer {TOKEN}")


def sent(stage: Stage, dialect: Dialect, *pairs: tuple[str, str]) -> Seen:
    """The answer to an update with these headers, of which some may stand twice."""
    return answer(stage, dialect, event_of(dialect, "POST", UPDATE, pairs, body()))


@pytest.mark.parametrize("dialect", JOINING)
def test_preferences_and_signatures_in_repeated_headers_are_all_read(stage: Stage, dialect: Dialect) -> None:
    pairs = [*headers("k").items(), ("Prefer", "respond-async"), ("Prefer", "return=minimal")]
    assert sent(stage, dialect, *pairs).status == 202
    bad = ("webhook-signature", signature("k", NOW, body(), OTHER_KEY))
    assert sent(Door(dialect, "signature").stage, dialect, *signed_headers("k", body()).items(), bad).status == 200


@pytest.mark.parametrize("dialect", JOINING)
@pytest.mark.parametrize("other", ["Bearer other", "Basic Zm9v", f"Bearer {TOKEN}"])
@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_two_authorizations_are_none(dialect: Dialect, other: str, name: str) -> None:
    """In either order and any case: another reader may have believed the other one."""
    for pairs in ([GOOD, (name, other)], [(name, other), GOOD]):
        stage = Stage()
        assert sent(stage, dialect, *pairs, ("Idempotency-Key", "k")).status == 401
        assert stage.chat.calls == 0


@pytest.mark.parametrize("dialect", ["alb", "scf"])
def test_where_the_platform_passes_on_the_last_it_is_that_one(dialect: Dialect) -> None:
    assert sent(Stage(), dialect, ("Authorization", "Bearer other"), GOOD, ("Idempotency-Key", "k")).status == 200
    assert sent(Stage(), dialect, GOOD, ("Authorization", "Bearer other"), ("Idempotency-Key", "k")).status == 401


@pytest.mark.parametrize("dialect", JOINING)
@pytest.mark.parametrize("name", ["Idempotency-Key", "idempotency-key"])
def test_two_keys_are_none(stage: Stage, dialect: Dialect, name: str) -> None:
    """In every order of cases, and also where both are the same: one of two readers may have believed the other."""
    for other in ("a", "b", '"b"', ""):
        seen = sent(stage, dialect, GOOD, ("Idempotency-Key", "a"), (name, other))
        assert (seen.status, seen.body["field"]) == (400, "Idempotency-Key")
    assert [stage.ask(key).status for key in ("a", "b", "a,b")] == [404, 404, 404]


@pytest.mark.parametrize("single", [{}, {"authorization": "Bearer other"}])
def test_a_header_in_both_places_is_that_of_the_list(stage: Stage, single: dict[str, str]) -> None:
    """Format 1.0 writes each header twice, and the list has all its values, in whatever case."""
    event = event_of("rest", "POST", UPDATE, [GOOD, ("Idempotency-Key", "k")], body())
    event["headers"] = {"idempotency-key": "other", **single}
    assert answer(stage, "rest", event).status == 200
    assert [stage.ask(key).status for key in ("k", "other")] == [200, 404]


@settings(deadline=None, max_examples=60)
@given(
    key=st.text(max_size=20) | st.sampled_from(["k\r\nSet-Cookie: a=b", "k\nX: y", "k\x00", "k\u2028", '"k\r\n"']),
    group=st.text(min_size=1, max_size=20) | st.sampled_from(["g\r\nLocation: http://evil", "g\n", "\u2028", "//evil"]),
    dialect=st.sampled_from(DIALECTS),
)
def test_no_reply_has_a_line_end_in_a_header(key: str, group: str, dialect: Dialect) -> None:
    """Whatever key and group it names: `Location` is visible ASCII and stays beside the request."""
    event = event_of(dialect, "POST", UPDATE, headers("k", "respond-async").items(), body(GroupId=group))
    event["body"] = body(GroupId=group).decode()
    part = "multiValueHeaders" if "multiValueHeaders" in event else "headers"
    given_headers = event[part]
    assert isinstance(given_headers, dict)
    name = next(name for name in given_headers if name.lower() == "idempotency-key")
    given_headers[name] = [key] if part == "multiValueHeaders" else key
    seen = answer(Stage(), dialect, event)
    assert seen.status in {202, 400}
    for value in seen.headers.values():
        assert value.isascii()
        assert value.isprintable()
    if seen.status == 202:
        assert seen.headers["location"].startswith("operations?GroupId=")
