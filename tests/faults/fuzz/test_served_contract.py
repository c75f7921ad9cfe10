"""The function as it is served, against its own OpenAPI document: what schemathesis makes of that is answered by it.

Good bodies and broken ones, without the right headers and with them, through real sockets, the real function and the
local Chat server.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Final

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from handler.main import lambda_handler, main_handler
from handler.triggers.http.routes import ROUTES, Route
from tests.sandbox.chat import ChatApp, ChatServer
from tests.sandbox.cold_function import cold_function
from tests.sandbox.dialects import Dialect
from tests.sandbox.environment import KEY, SDKAPPID, TOKEN, sandboxed_environment
from tests.sandbox.gateway import Gateway

if TYPE_CHECKING:
    from schemathesis import BaseSchema, Case
    from schemathesis.core.transport import Response

GROUP: Final = "room"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"})
TIMEOUT_S: Final = 10
UPDATE, OPERATIONS, HEALTH = (route.path for route in ROUTES)

REACHED: Final = {
    ("positive", UPDATE): {200, 401},
    ("positive", OPERATIONS): {401, 404},
    ("positive", HEALTH): {200},
    ("negative", UPDATE): {400, 401},
    ("negative", OPERATIONS): {400, 401, 404},
}
"""The cases do get where they should: a test of refusals alone would pass with every door shut.

Some get further. Which ones are drawn depends on the texts in all that the test run has imported.
"""


CASES: Final = [("positive", route) for route in ROUTES] + [("negative", route) for route in ROUTES[:2]]
"""A request without parameters, such as that for the health, cannot be broken."""

# Of what is broken little gets in.
EXAMPLES: Final = {"positive": 30, "negative": 100}

bounded = settings(
    derandomize=True, database=None, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module", params=["http-v2", "scf"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


@pytest.fixture(scope="module")
def chat(dialect: Dialect) -> Iterator[ChatServer]:
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))) as server:
        server.create_group(GROUP)
        yield server


@pytest.fixture(scope="module")
def url(dialect: Dialect, chat: ChatServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The function at an address of its own."""
    variables = sandboxed_environment(chat.endpoint, tmp_path_factory.mktemp("served"), DOCS="on")
    with cold_function(variables), Gateway(main_handler if dialect == "scf" else lambda_handler, dialect) as gateway:
        yield gateway.url


@pytest.fixture(scope="module")
def document(url: str) -> BaseSchema:
    # It takes a second to import, which the workers that run other tests need not pay.
    from schemathesis import openapi

    return openapi.from_url(f"{url}/openapi.json")


def updates(chat: ChatServer) -> int:
    """How many updates have reached the Chat server."""
    return sum(entry.command == "update" for entry in chat.journal())


@pytest.mark.parametrize(("mode", "route"), CASES, ids=lambda part: getattr(part, "path", part))
def test_whatever_is_sent_is_answered_as_the_document_says(
    document: BaseSchema, chat: ChatServer, mode: str, route: Route
) -> None:
    """Its statuses, content types, headers and bodies; never a 5xx, and nothing is sent on of what was refused."""
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi import checks

    conforms = [checks.status_code_conformance, checks.content_type_conformance]
    conforms += [checks.response_headers_conformance, checks.response_schema_conformance]
    # A body that the document forbids is refused, and one that it allows is not.
    conforms += [checks.negative_data_rejection, checks.positive_data_acceptance]
    keys = map(f"{mode}-{route.path}-{{}}".format, count())
    cases = document[route.path][route.method].as_strategy(generation_mode=GenerationMode(mode))

    @seed(7)
    @settings(bounded, max_examples=EXAMPLES[mode])
    @given(case=cases, token=st.sampled_from([TOKEN, TOKEN, TOKEN, f"{TOKEN}x", ""]))
    def answered(case: Case, token: str) -> None:  # type: ignore[type-arg]  # of schemathesis' own parts
        sent, before = {"Authorization": f"Bearer {token}"}, updates(chat)
        if mode == "positive":
            _mean(case.body)
            sent |= {"Idempotency-Key": next(keys)}
        response = case.call(headers=sent, timeout=TIMEOUT_S)
        case.validate_response(response, checks=conforms)
        told.add(response.status_code)
        if response.status_code in {400, 401, 405, 413, 422} and not response.json().get("ErrorCode"):
            assert updates(chat) == before
        # A broken case may come without the header that it was given.
        is_known = response.request.headers.get("Authorization") == sent["Authorization"] == f"Bearer {TOKEN}"
        assert (response.status_code == 401) is (not is_known and route.path != HEALTH)

    told: set[int] = set()
    answered()
    assert told >= REACHED[mode, route.path]
    assert max(told) < 500


def _mean(body: object) -> None:
    """Make a good body one for the group, without what the document cannot forbid: 1.0, and a key twice."""
    if isinstance(body, dict):
        values = [int(counter["Value"]) for counter in body["GroupCounter"]]
        body["GroupId"] = GROUP
        body["GroupCounter"] = [{"Key": f"key-{index}", "Value": value} for index, value in enumerate(values)]


def test_every_link_leads_from_an_update_to_what_became_of_it(url: str) -> None:
    """Every operation is found by the link, in a state that the document knows."""
    from schemathesis import GenerationMode, openapi
    from schemathesis.specs.openapi import checks

    document = openapi.from_url(f"{url}/openapi.json")
    document.config.generation.update(modes=[GenerationMode("positive")])

    conforms = [checks.status_code_conformance, checks.content_type_conformance, checks.response_headers_conformance]
    conforms += [checks.response_schema_conformance, checks.use_after_free, checks.ensure_resource_availability]
    keys = map("linked-{}".format, count())
    found: list[int] = []

    class Linked(document.as_state_machine()):  # type: ignore[misc]  # made of the document
        def before_call(self, case: Case) -> None:  # type: ignore[type-arg]  # of schemathesis' own parts
            _mean(case.body)
            case.headers["Authorization"] = f"Bearer {TOKEN}"
            if case.operation.path == UPDATE:
                case.headers["Idempotency-Key"] = next(keys)

        def validate_response(self, response: Response, case: Case, **_: object) -> None:  # type: ignore[type-arg]
            case.validate_response(response, checks=conforms)
            assert response.status_code < 500
            # A case may take one parameter from the link and draw the other: an example's key was never sent.
            asked = case.query or {}
            is_linked = asked.get("GroupId") == GROUP and str(asked.get("IdempotencyKey")).startswith("linked-")
            if case.operation.path == OPERATIONS and is_linked:
                found.append(response.status_code)

    Linked.run(settings=settings(bounded, max_examples=15, stateful_step_count=4))
    assert found
    assert set(found) == {200}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_every_other_method_is_refused_with_those_there_are(url: str, route: Route) -> None:
    for method in METHODS - {route.method}:
        response = requests.request(method, f"{url}{route.path}", timeout=TIMEOUT_S)
        assert (response.status_code, response.headers["Allow"]) == (405, route.method), method
        assert response.headers["Content-Type"] == "application/problem+json"
