"""Waiting, asking and base paths: what leans on headers, queries and paths is the same on every platform."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.sandbox.dialects import DIALECTS, Dialect, event_of
from tests.unit.triggers.stage import NEVER_ARRIVED, UPDATE, Seen, Stage, body, headers


@pytest.fixture
def stage() -> Stage:
    """A group `room` without counters, and everything else in order."""
    return Stage()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("prefer", "waited_s"),
    [("respond-async", 0.0), ("wait=2", 2.0), ("wait=60", 5.0), ("return=minimal, Wait=1", 1.0), (None, 5.0)],
)
def test_a_preference_is_heard_on_every_platform(
    stage: Stage, dialect: Dialect, prefer: str | None, waited_s: float
) -> None:
    """A call was lost, and nothing may be sent again while the caller waits."""
    stage.post("first")
    stage.chat.fates = [NEVER_ARRIVED]
    before = stage.clock.monotonic()
    seen = stage.post("second", dialect=dialect, prefer=prefer)
    assert (seen.status, seen.body) == (202, {"state": "pending", "accepted": True})
    assert stage.clock.monotonic() - before == pytest.approx(waited_s)
    assert int(seen.headers["retry-after"]) >= 1


@pytest.mark.parametrize("dialect", ["http-v2", "function-url", "rest", "alb-multi-value"])
def test_preferences_in_repeated_headers_are_all_heard(stage: Stage, dialect: Dialect) -> None:
    """Where the platform has not dropped all but one of them."""
    given = [*headers("k").items(), ("Prefer", "respond-async"), ("Prefer", "return=minimal")]
    assert stage.answer(event_of(dialect, "POST", UPDATE, given, body()))["statusCode"] == 202
    assert stage.chat.calls == 0


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_state_of_an_operation_is_told_on_every_platform(stage: Stage, dialect: Dialect) -> None:
    """With the stored answer beside it, and when to ask again while there is none."""
    stage.post("done")
    stage.post("gone", GroupId="nowhere")
    stage.post("owed", prefer="respond-async")
    stage.chat.fates = [NEVER_ARRIVED]
    seen = {key: ask(stage, dialect, key) for key in ("done", "owed", "unknown")}
    assert (seen["done"].body["state"], seen["done"].body["ActionStatus"]) == ("applied", "OK")
    assert (seen["owed"].body["state"], int(seen["owed"].headers["retry-after"]) >= 1) == ("pending", True)
    assert (seen["unknown"].status, seen["unknown"].headers["content-type"]) == (404, "application/problem+json")
    rejected = ask(stage, dialect, "gone", "nowhere")
    assert (rejected.status, rejected.body["state"], rejected.body["ErrorCode"]) == (200, "rejected", 10010)
    stage.chat.groups["room"]["_receipt"] += 7
    stage.clock.moved_s += 13.0
    frozen = ask(stage, dialect, "owed")
    assert (frozen.status, frozen.body["state"], "retry-after" in frozen.headers) == (200, "frozen", False)


def ask(stage: Stage, dialect: Dialect, key: str, group: str = "room") -> Seen:
    """Ask after an operation by way of one of the platforms."""
    target = f"/v1/operations?GroupId={group}&IdempotencyKey={key}"
    return stage.send("GET", target, headers(), dialect=dialect)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("base", ["/chat", "/a/b.c"])
def test_every_route_works_behind_a_base_path(stage: Stage, dialect: Dialect, base: str) -> None:
    """And what none serves is told as without one."""
    stage.http = replace(stage.http, base_path=base)
    target = f"{base}/v1/operations?GroupId=room&IdempotencyKey=k"
    assert stage.send("POST", f"{base}{UPDATE}", headers("k"), body(), dialect).status == 200
    assert stage.send("GET", target, headers(), dialect=dialect).body["state"] == "applied"
    wrong = stage.send("GET", f"{base}{UPDATE}", headers(), dialect=dialect)
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_right_method_is_never_called_wrong(dialect: Dialect) -> None:
    """Some platforms' routes may not end in slashes: there it is the path that nobody serves."""
    seen = Stage().send("POST", f"{UPDATE}/", headers("k", "respond-async"), body(), dialect)
    assert (seen.status, "allow" in seen.headers) in {(202, False), (404, False)}
