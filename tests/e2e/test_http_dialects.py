"""Real HTTP requests through the events and replies of every platform, to the runtime that it stands before."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from urllib.parse import urljoin

import pytest

from tests.e2e.backend import UPDATE, headers, increase_body
from tests.e2e.clouds import Cloud, Platform, calling
from tests.e2e.instances import FunctionInstance
from tests.sandbox.chat import ChatServer
from tests.sandbox.dialects import DIALECTS, Dialect


@pytest.fixture(params=DIALECTS)
def door(
    request: pytest.FixtureRequest,
    shared_chat: ChatServer,
    warm_instances: Mapping[Platform, FunctionInstance],
    group_numbers: Iterator[int],
) -> Iterator[Cloud]:
    """A warm instance behind a gateway of each dialect in turn, and a group whose name needs quoting."""
    dialect: Dialect = request.param
    instance = warm_instances["scf" if dialect == "scf" else "lambda"]
    group = f"room {next(group_numbers)} & =100%+/?"
    shared_chat.create_group(group)
    with calling(instance, dialect, group) as backend:
        yield Cloud(shared_chat, instance, backend, group)


def test_an_increase_counts_once_and_is_replayed(door: Cloud) -> None:
    """The stored answer is the first one, marked as a repetition."""
    first, again = door.backend.increase("a", 5), door.backend.increase("a", 5)
    assert (first.status, first.headers["content-type"]) == (200, "application/json")
    assert first.fields == {
        "ActionStatus": "OK",
        "ErrorCode": 0,
        "ErrorInfo": "",
        "GroupCounter": [{"Key": "like", "Value": 5}],
    }
    assert (again.status, again.headers["idempotency-replayed"], again.body) == (200, "true", first.body)
    assert (door.like, door.updates) == (5, 1)


def test_an_operation_is_found_by_its_group_and_key(door: Cloud) -> None:
    """The query reaches the route decoded, and only once."""
    door.backend.increase('"k%2B1"', 5)
    found, unknown = door.backend.state("k%2B1"), door.backend.state("k+1")
    assert (found.status, found.fields["state"]) == (200, "applied")
    assert (unknown.status, unknown.headers["content-type"]) == (404, "application/problem+json")


def test_the_location_of_a_202_leads_to_the_operation(door: Cloud) -> None:
    """It is relative, so that it holds behind any stage and base path."""
    accepted = door.backend.increase("later", 5, Prefer="respond-async")
    assert (accepted.status, int(accepted.headers["retry-after"]) >= 1) == (202, True)
    assert urljoin(f"/stage{UPDATE}", accepted.headers["location"]).startswith("/stage/v1/operations?")
    found = door.backend.follow(accepted)
    assert (found.status, found.fields["state"]) == (200, "applied")
    assert door.like == 5


@pytest.mark.parametrize("key", ["", "two words", '"half quoted'])
def test_a_bad_key_is_refused(door: Cloud, key: str) -> None:
    """The header is named, and nothing is accepted."""
    answer = door.backend.increase(key)
    assert (answer.status, answer.fields["field"], answer.fields["accepted"]) == (400, "Idempotency-Key", False)
    assert door.updates == 0


def test_an_unknown_token_is_refused(door: Cloud) -> None:
    """The reply says how to say who is calling."""
    answer = door.backend.send("POST", UPDATE, headers("a", "wrong"), increase_body(door.group, 5))
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert (answer.fields["accepted"], door.updates) == (False, 0)


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [("GET", UPDATE, 405), ("DELETE", "/v1/operations", 405), ("POST", "/v2/update_group_counter", 404)],
)
def test_what_no_route_serves_is_refused(door: Cloud, method: str, target: str, status: int) -> None:
    answer = door.backend.send(method, target, headers("a"))
    assert (answer.status, answer.fields["status"]) == (status, status)


def test_a_body_over_the_limit_is_refused(door: Cloud) -> None:
    """One of 64 KiB and a byte is too much."""
    answer = door.backend.send("POST", UPDATE, headers("a"), b" " * (64 * 1024 + 1))
    assert (answer.status, answer.fields["accepted"]) == (413, False)


def test_a_body_of_another_content_type_is_read_as_well(door: Cloud) -> None:
    sent = headers("a") | {"Content-Type": "application/octet-stream"}
    answer = door.backend.send("POST", UPDATE, sent, increase_body(door.group, 5))
    assert (answer.status, door.like) == (200, 5)


def test_the_pages_can_be_read(door: Cloud) -> None:
    """The document and the page that shows it, the latter as a browser asks for it: compressed."""
    document = door.backend.send("GET", "/openapi.json", {})
    page = door.backend.send("GET", "/swagger", {"Accept-Encoding": "gzip"})
    assert UPDATE in json.dumps(document.fields["paths"])
    assert (page.status, page.headers["content-encoding"]) == (200, "gzip")
    assert b"swagger" in gzip.decompress(page.body)
