"""The document describes the routes as they are, and is served only on request."""

import gzip
import json
import re

import pytest
from msgspec.structs import replace

from handler.triggers.http.auth import Authenticator, Bearer, Platform
from handler.triggers.http.routes import ROUTES
from handler.triggers.http.webhook_signature import Signature
from tests.sandbox.dialects import DIALECTS, Dialect
from tests.unit.triggers.stage import RULES, UPDATE, Stage, headers

SWAGGER_BYTES_MAX = 1024 * 1024
"""A load balancer passes on no more; others more than that."""


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.http = replace(stage.http, docs=True)
    return stage


def text_of(stage: Stage) -> str:
    return stage.send("GET", "/openapi.json").response.body.decode()


def part(stage: Stage, *path: str) -> object:
    """What stands in the document under these names, one inside the other."""
    found: object = json.loads(text_of(stage))
    for name in path:
        assert isinstance(found, dict)
        found = found[name]
    return found


def names(found: object) -> list[str]:
    """The names in a part of the document."""
    assert isinstance(found, dict)
    return sorted(found)


def test_without_the_switch_nothing_is_served() -> None:
    stage = Stage()
    assert [stage.send("GET", path).status for path in ("/openapi.json", "/swagger")] == [404, 404]


def test_the_document_holds_every_route_and_no_other(stage: Stage) -> None:
    """The two that serve the documentation are not part of the contract."""
    served = {
        (method.upper(), path) for path in names(part(stage, "paths")) for method in names(part(stage, "paths", path))
    }
    assert served == {(route.method, route.path) for route in ROUTES}


def test_the_update_tells_its_headers_and_statuses(stage: Stage) -> None:
    statuses = ["200", "202", "400", "401", "403", "404", "409", "413", "422", "429", "503"]
    assert names(part(stage, "paths", UPDATE, "post", "responses")) == statuses
    parameters = str(part(stage, "paths", UPDATE, "post", "parameters"))
    assert re.findall(r"'required': (\w+).*?'name': '([\w-]+)'", parameters) == [
        ("True", "Idempotency-Key"),
        ("False", "Prefer"),
    ]
    assert part(stage, "paths", UPDATE, "post", "security") == [{"bearer": []}]


SIGNED = ["webhook-id", "webhook-signature", "webhook-timestamp"]


@pytest.mark.parametrize(
    ("scheme", "named", "key_required"),
    [("bearer", ["bearer"], True), ("signature", SIGNED, False), ("platform", ["platform"], True)],
)
def test_the_security_scheme_follows_the_setting(
    stage: Stage, scheme: str, named: list[str], key_required: bool
) -> None:
    """Everything that a caller has to send is named; a signed request has its key already."""
    authenticators: list[Authenticator] = [
        Bearer(stage.callers),
        Signature(stage.callers, stage.clock),
        Platform(stage.callers),
    ]
    [authenticator] = [known for known in authenticators if known.scheme == scheme]
    stage.http = replace(stage.http, authenticator=authenticator)
    assert names(part(stage, "components", "securitySchemes")) == named
    for method, path in [("post", UPDATE), ("get", "/v1/operations")]:
        [needed] = json.loads(json.dumps(part(stage, "paths", path, method, "security")))
        assert needed == {name: [] for name in named}
    assert f"'required': {key_required}" in str(part(stage, "paths", UPDATE, "post", "parameters")).split("}")[0]
    assert "security" not in names(part(stage, "paths", "/v1/health", "get"))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("base", ["", "/chat"])
def test_the_document_is_served_by_every_platform_behind_any_base_path(
    stage: Stage, dialect: Dialect, base: str
) -> None:
    stage.http = replace(stage.http, base_path="/chat")
    seen = stage.send("GET", f"{base}/openapi.json", dialect=dialect)
    assert (seen.status, seen.headers["content-type"]) == (200, "application/json")
    assert names(seen.body["paths"]) == sorted(route.path for route in ROUTES)


@pytest.mark.parametrize(("receipt_key", "keys_max"), [("_receipt", 19), ("", 20)])
def test_the_body_tells_its_limits(receipt_key: str, keys_max: int) -> None:
    """The receipt takes one of the twenty keys."""
    stage = Stage(rules=replace(RULES, receipt_key=receipt_key))
    stage.http = replace(stage.http, docs=True)
    fields = ("components", "schemas", "Update", "properties")
    assert part(stage, *fields, "GroupCounter", "maxItems") == keys_max
    assert part(stage, *fields, "Mode", "enum") == ["Set", "Increase", "Decrease"]


def test_every_reference_leads_to_one_of_our_schemas(stage: Stage) -> None:
    """The event handler's own errors never occur, so they are not described."""
    referred = re.findall(r"#/components/schemas/(\w+)", text_of(stage))
    assert sorted(set(referred)) == names(part(stage, "components", "schemas"))


def test_addresses_are_relative_to_the_document(stage: Stage) -> None:
    """So that trying a route out works behind any stage and base path."""
    assert part(stage, "servers") == [{"url": "."}]


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # Powertools 3.37 leaves the page's files open.
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_page_is_complete_and_small_enough_for_every_platform(stage: Stage, dialect: Dialect) -> None:
    """It loads nothing from elsewhere, and is compressed for whoever can read that."""
    seen = stage.send("GET", "/swagger", headers() | {"Accept-Encoding": "gzip, br"}, dialect=dialect)
    page = gzip.decompress(seen.response.body).decode()
    assert (seen.status, seen.headers["content-type"]) == (200, "text/html")
    assert len(seen.response.body) * 4 / 3 < SWAGGER_BYTES_MAX
    assert UPDATE in page
    assert re.findall(r"<(?:script|link)[^>]*(?:src|href)", page) == []
