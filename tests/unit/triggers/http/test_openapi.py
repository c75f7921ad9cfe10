"""The document is served only on request, on every platform, and as it was packed."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from handler.triggers.http import routes
from tests.sandbox.dialects import DIALECTS, Dialect
from tests.unit.triggers.stage import Stage

FILE = Path(routes.__file__).with_name("openapi.json")


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.http = replace(stage.http, docs=True, base_path="/chat")
    return stage


def test_without_the_switch_nothing_is_served() -> None:
    assert Stage().send("GET", "/openapi.json").status == 404


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("base", ["", "/chat"])
def test_the_document_is_served_by_every_platform_behind_any_base_path(
    stage: Stage, dialect: Dialect, base: str
) -> None:
    seen = stage.send("GET", f"{base}/openapi.json", dialect=dialect)
    assert (seen.status, seen.headers["content-type"]) == (200, "application/json")
    assert seen.body == json.loads(FILE.read_bytes())


def test_the_document_has_one_method_and_the_function_no_page_that_shows_it(stage: Stage) -> None:
    asked = [stage.send(method, "/openapi.json") for method in ("HEAD", "OPTIONS", "POST")]
    assert {(seen.status, seen.headers["allow"]) for seen in asked} == {(405, "GET")}
    assert stage.send("GET", "/swagger").status == 404
