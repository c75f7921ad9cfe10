"""The contract over HTTP: the same on every platform that brings requests, and under every scheme of HTTP_AUTH."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, TypeAlias
from urllib.parse import urljoin

import pytest
from msgspec.structs import replace

from handler.core.errors import SettingsError
from handler.triggers.event_kind import detect
from handler.triggers.http import handler as http
from handler.triggers.http.auth import Platform
from handler.triggers.http.routes import HttpContext
from handler.triggers.http.webhook_signature import Signature
from handler.version import VERSION
from tests.sandbox.dialects import DIALECTS, Dialect, Event, event_of
from tests.sandbox.responses import response_of
from tests.unit.triggers.http.signing import KEY, secret_of, signed_headers, whsec
from tests.unit.triggers.stage import (
    CALLER,
    NEVER_ARRIVED,
    TOKEN,
    UPDATE,
    Seen,
    Stage,
    Told,
    body,
    headers,
    invocation,
)

Scheme: TypeAlias = Literal["bearer", "signature", "platform"]

IDENTIFYING: list[Dialect] = ["http-v2", "rest", "function-url"]
"""The platforms whose events may hold the identity that an authorizer found."""

CHALLENGES: dict[Scheme, str] = {"bearer": "Bearer", "signature": "StandardWebhooks", "platform": "Platform"}


@dataclass
class Door:
    """The function behind one platform and one scheme, and a caller whom it knows."""

    dialect: Dialect
    scheme: Scheme
    stage: Stage = field(default_factory=Stage)
    questions: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        vault = self.stage.vault
        if self.scheme == "signature":
            vault.secret = vault.fresh = secret_of((CALLER, whsec(KEY)))
            signed = Signature(self.stage.callers, self.stage.clock)
            self.stage.http = replace(self.stage.http, authenticator=signed)
        if self.scheme == "platform":
            self.stage.http = replace(self.stage.http, authenticator=Platform(self.stage.callers))

    def proof(self, key: str, sent: bytes) -> dict[str, str]:
        """The headers that say who calls, and name the operation."""
        if self.scheme == "signature":
            return signed_headers(key, sent)
        return {"Idempotency-Key": key} | ({"Authorization": f"Bearer {TOKEN}"} if self.scheme == "bearer" else {})

    def send(self, method: str, target: str, given: dict[str, str], sent: bytes = b"") -> Seen:
        """A request, with what an authorizer in front of the function adds."""
        event = event_of(self.dialect, method, target, given.items(), sent)
        if self.scheme == "platform":
            own = event["requestContext"]
            assert isinstance(own, dict)
            event["requestContext"] = {**own, "authorizer": {"principalId": CALLER}}
        return answer(self.stage, self.dialect, event)

    def post(self, key: str = "k", content_type: str = "application/json", **fields: object) -> Seen:
        sent = body(**fields)
        return self.send("POST", UPDATE, {**self.proof(key, sent), "Content-Type": content_type}, sent)

    def ask(self, query: str) -> Seen:
        return self.send("GET", f"/v1/operations?{query}", self.proof(f"question-{next(self.questions)}", b""))


def answer(stage: Stage, dialect: Dialect, event: Event) -> Seen:
    """The answer to an event, which has to go through JSON as the platforms take it."""
    return Seen(response_of(dialect, json.loads(json.dumps(stage.answer(event)))))


SCHEMES: list[tuple[Dialect, Scheme]] = [
    *((dialect, "bearer") for dialect in DIALECTS),
    *((dialect, "signature") for dialect in DIALECTS),
    *((dialect, "platform") for dialect in IDENTIFYING),
]


@pytest.fixture(params=SCHEMES, ids="-".join)
def door(request: pytest.FixtureRequest) -> Door:
    dialect, scheme = request.param
    return Door(dialect, scheme)


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


def test_an_update_counts_once_and_is_found_again(door: Door) -> None:
    """The reply's headers stand where the platform looks for them, and the query reaches its route decoded."""
    door.stage.chat.groups["@TGS#1"] = {}
    first, again = door.post("a/b", GroupId="@TGS#1"), door.post("a/b", GroupId="@TGS#1")
    assert (first.status, first.headers["content-type"]) == (200, "application/json")
    assert (again.status, again.headers["idempotency-replayed"]) == (200, "true")
    assert door.stage.chat.groups["@TGS#1"]["like"] == 5
    assert door.ask("GroupId=%40TGS%231&IdempotencyKey=a%2Fb").body["state"] == "applied"
    assert door.ask("GroupId=room&IdempotencyKey=a%2Fb").status == 404


@pytest.mark.parametrize("target", ["/v1/health", "/nowhere", UPDATE])
def test_what_ties_a_request_to_others_is_in_every_reply(dialect: Dialect, target: str) -> None:
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    given_headers = {"Host": "x", "X-Request-Id": "order-7", "Traceparent": traceparent}
    stage = Stage()
    seen = answer(stage, dialect, event_of(dialect, "GET", target, given_headers.items(), b""))
    assert (seen.headers["x-request-id"], seen.headers["traceparent"]) == ("order-7", traceparent)
    assert stage.told.bound == {"correlation_id": "order-7", "traceparent": traceparent}


def test_header_names_are_read_in_any_case(door: Door) -> None:
    spelled = {name.upper(): value for name, value in door.proof("k", body()).items()}
    assert door.send("POST", UPDATE, spelled, body()).status == 200


def test_a_body_that_the_platform_packs_is_read_as_it_was_sent(door: Door) -> None:
    """A content type that is no text arrives in base64 where the platform can do that."""
    assert door.post(content_type="application/octet-stream").status == 200


def test_a_caller_that_proves_nothing_is_refused(door: Door) -> None:
    """A proof of another scheme is none."""
    others = [Door(door.dialect, scheme).proof("k", body()) for scheme in CHALLENGES if scheme != door.scheme]
    for given_headers in ({"Idempotency-Key": "k", "Host": "x"}, *others):
        seen = answer(door.stage, door.dialect, event_of(door.dialect, "POST", UPDATE, given_headers.items(), body()))
        assert (seen.status, seen.headers["www-authenticate"]) == (401, CHALLENGES[door.scheme])
        assert seen.body["accepted"] is False
    assert (door.stage.chat.calls, door.stage.told.failures) == (0, [])


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("POST", "/v2/update_group_counter", 404, None),
        ("POST", "/v1/operations/", 405, "GET"),
        ("GET", UPDATE, 405, "POST"),
        ("DELETE", "/v1/health", 405, "GET"),
        ("HEAD", "/v1/health", 405, "GET"),
        ("OPTIONS", UPDATE, 405, "POST"),
    ],
)
@pytest.mark.parametrize("base", ["", "/a/b.c"])
def test_what_no_route_serves_is_refused(
    stage: Stage, dialect: Dialect, method: str, path: str, status: int, allow: str | None, base: str
) -> None:
    stage.http = replace(stage.http, base_path=base)
    seen = stage.send(method, base + path, headers(), dialect=dialect)
    assert (seen.status, seen.headers.get("allow"), seen.body["status"]) == (status, allow, status)
    assert seen.headers["content-type"] == "application/problem+json"


def test_a_base_path_is_no_part_of_the_route(stage: Stage, dialect: Dialect) -> None:
    """A custom domain adds it; the bare path goes on to work."""
    stage.http = replace(stage.http, base_path="/a/b.c")
    paths = ("/a/b.c/v1/health", "/v1/health", "/a/b.cc/v1/health", "/a/bxc/v1/health", "/a/b.c", "/a/b.c/")
    statuses = [stage.send("GET", path, dialect=dialect).status for path in paths]
    assert statuses == [200, 200, 404, 404, 404, 404]
    target = "/a/b.c/v1/operations?GroupId=room&IdempotencyKey=k"
    assert stage.send("POST", f"/a/b.c{UPDATE}", headers("k"), body(), dialect).status == 200
    assert stage.send("GET", target, headers(), dialect=dialect).body["state"] == "applied"


@pytest.mark.parametrize("path", ["/v1/v1/health", "/v1/health"])
def test_a_base_path_that_routes_begin_with_too_takes_nothing_from_them(
    stage: Stage, dialect: Dialect, path: str
) -> None:
    stage.http = replace(stage.http, base_path="/v1")
    assert stage.send("GET", path, dialect=dialect).status == 200


@pytest.mark.parametrize(
    ("path", "name", "status"),
    [
        *(("/prod/v1/health", "prod", 200), ("/v1/health", "prod", 200), ("/production/v1/health", "prod", 404)),
        *(("/v1/v1/health", "v1", 200), ("/v1/health", "v1", 200), ("/v1/health", None, 200)),
        ("/$default/v1/health", "$default", 404),
    ],
)
@pytest.mark.parametrize("dialect", ["http-v2", "rest"])
def test_a_named_stage_is_no_part_of_the_route(
    stage: Stage, dialect: Dialect, path: str, name: str | None, status: int
) -> None:
    """HTTP APIs put it there in either format, unless a custom domain took it away; REST APIs leave it out."""
    event = event_of(dialect, "GET", path, [("host", "x")], b"")
    context = event["requestContext"]
    assert isinstance(context, dict)
    event["requestContext"] = {**context, "stage": name}
    assert answer(stage, dialect, event).status == status


@pytest.mark.parametrize("base", ["", "/prod/chat"])
def test_the_location_works_as_given_behind_any_prefix(stage: Stage, dialect: Dialect, base: str) -> None:
    """It is resolved against the address that the caller used, which the function need not know."""
    location = stage.post(dialect=dialect, prefer="respond-async").headers["location"]
    resolved = urljoin(f"https://host{base}{UPDATE}", location)
    assert resolved == f"https://host{base}/v1/operations?GroupId=room&IdempotencyKey=k"


def test_a_path_may_end_in_slashes_where_its_platform_lets_it(stage: Stage, dialect: Dialect) -> None:
    """Elsewhere it is the path that is wrong, and never the method."""
    seen = stage.send("POST", f"{UPDATE}/", headers("k", "respond-async"), body(), dialect)
    if dialect in {"rest", "scf"}:
        resolved = urljoin(f"https://host{UPDATE}/", seen.headers["location"])
        assert (seen.status, resolved) == (202, "https://host/v1/operations?GroupId=room&IdempotencyKey=k")
    else:
        assert (seen.status, "allow" in seen.headers) == (404, False)


GIVEN = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


@pytest.mark.parametrize(
    ("dialect", "form"),
    [
        ("http-v2", {"headers": GIVEN, "cookies": []}),
        ("function-url", {"headers": GIVEN, "cookies": []}),
        ("rest", {"multiValueHeaders": {name: [value] for name, value in GIVEN.items()}}),
        ("alb", {"headers": GIVEN}),
        ("alb-multi-value", {"multiValueHeaders": {name: [value] for name, value in GIVEN.items()}}),
        ("scf", {"headers": GIVEN}),
    ],
)
def test_each_platform_is_answered_in_its_own_form(stage: Stage, dialect: Dialect, form: dict[str, object]) -> None:
    """A load balancer passes over the style that its request did not have; SCF knows no lists. No cache keeps it."""
    reply = stage.answer(event_of(dialect, "GET", "/v1/health", [("host", "x")], b""))
    body = f'{{"status":"ok","version":"{VERSION}"}}'
    assert reply == {"statusCode": 200, "body": body, "isBase64Encoded": False, **form}


@pytest.mark.parametrize(
    ("prefer", "waited_s"),
    [("respond-async", 0.0), ("wait=2", 2.0), ("wait=60", 5.0), ("return=minimal, Wait=1", 1.0), (None, 5.0)],
)
def test_a_preference_is_heard(stage: Stage, dialect: Dialect, prefer: str | None, waited_s: float) -> None:
    """A call was lost, and nothing may be sent again while the caller waits."""
    stage.post("first")
    stage.chat.fates = [NEVER_ARRIVED]
    before = stage.clock.monotonic()
    seen = stage.post("second", dialect=dialect, prefer=prefer)
    assert (seen.status, seen.body) == (202, {"state": "pending", "accepted": True})
    assert stage.clock.monotonic() - before == pytest.approx(waited_s)
    assert int(seen.headers["retry-after"]) >= 1


def test_every_state_of_an_operation_is_shown(stage: Stage, dialect: Dialect) -> None:

    def ask(key: str, group: str = "room") -> Seen:
        return stage.send("GET", f"/v1/operations?GroupId={group}&IdempotencyKey={key}", headers(), dialect=dialect)

    stage.post("done")
    stage.post("gone", GroupId="nowhere")
    stage.post("owed", prefer="respond-async")
    stage.chat.fates = [NEVER_ARRIVED]
    done, owed, unknown, rejected = ask("done"), ask("owed"), ask("unknown"), ask("gone", "nowhere")
    assert (done.body["state"], done.body["ActionStatus"]) == ("applied", "OK")
    assert (owed.body["state"], int(owed.headers["retry-after"]) >= 1) == ("pending", True)
    assert (unknown.status, unknown.headers["content-type"]) == (404, "application/problem+json")
    assert (rejected.status, rejected.body["state"], rejected.body["ErrorCode"]) == (200, "rejected", 10010)
    stage.chat.groups["room"]["_receipt"] += 7
    stage.clock.moved_s += 13.0
    frozen = ask("owed")
    assert (frozen.status, frozen.body["state"], "retry-after" in frozen.headers) == (200, "frozen", False)
    assert "receipt" in str(frozen.body["reason"])


def test_wrong_settings_are_answered_whatever_the_path(dialect: Dialect) -> None:
    """The variable's name is for the operator."""
    told = Told()
    error = SettingsError("WAIT_S", "must be a number")

    def context_of() -> HttpContext:
        raise error

    kind, event = detect(event_of(dialect, "GET", "/anything", [("host", "x")], b""))
    reply = http.answer(kind, event, invocation(), context_of, told)
    assert (reply["statusCode"], "WAIT_S" in str(reply), told.failures) == (503, False, [error])


def test_requests_in_several_threads_do_not_see_each_other(stage: Stage) -> None:
    """A local server calls the function so; each gets the reply to its own request, in its platform's form."""
    wrong: list[Seen] = []

    def caller(dialect: Dialect) -> None:
        for number in range(40):
            seen = stage.post(f"{number}", dialect=dialect, prefer="respond-async", GroupId=dialect)
            if seen.status != 202 or f"GroupId={dialect}&IdempotencyKey={number}" not in seen.headers["location"]:
                wrong.append(seen)

    threads = [threading.Thread(target=caller, args=(dialect,)) for dialect in DIALECTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_switches_for_development_print_no_credentials_and_no_bodies(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Powertools' event handler prints its event then; no request goes through it."""
    monkeypatch.setenv("POWERTOOLS_DEV", "true")
    monkeypatch.setenv("POWERTOOLS_DEBUG", "true")
    stage.post("k")
    stage.post("k", Mode="wrong")
    printed = capsys.readouterr()
    assert "sandbox-token" not in printed.out + printed.err
    assert "like" not in printed.out + printed.err
