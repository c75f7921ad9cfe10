"""Pages of listed origins may call, and their browsers are told so without a token; those of no other origin are."""

import pytest
from msgspec.structs import replace

from handler.triggers.http.cors import SENT
from tests.sandbox.dialects import DIALECTS, Dialect
from tests.unit.triggers.stage import UPDATE, Seen, Stage, body, headers

ORIGIN = "https://app.example.com"
OTHER = "https://app.example.com.evil.example"
ASKING = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,idempotency-key"}


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.http = replace(stage.http, origins=frozenset({ORIGIN, "http://localhost:3000"}))
    return stage


def allowed(seen: Seen) -> dict[str, str]:
    """The headers by which a browser goes."""
    return {name: text for name, text in seen.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_browser_may_ask_for_a_listed_origin_without_a_token(stage: Stage, dialect: Dialect) -> None:
    seen = stage.send("OPTIONS", UPDATE, {"Origin": ORIGIN, **ASKING}, dialect=dialect)
    assert (seen.status, seen.response.body, seen.headers["vary"]) == (204, b"", "Origin")
    told = allowed(seen)
    assert (told["access-control-allow-origin"], told["access-control-allow-methods"]) == (ORIGIN, "POST")
    assert told["access-control-allow-headers"].split(", ") == list(SENT)
    assert "access-control-allow-credentials" not in told


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_page_of_a_listed_origin_reads_every_reply(stage: Stage, dialect: Dialect) -> None:
    """That of a refusal too, with the headers that a client goes by."""
    for sent, status in ((headers("k", "respond-async"), 202), ({"Idempotency-Key": "k"}, 401)):
        seen = stage.send("POST", UPDATE, {**sent, "Origin": ORIGIN}, body(), dialect)
        assert (seen.status, seen.headers["vary"]) == (status, "Origin")
        assert allowed(seen)["access-control-allow-origin"] == ORIGIN
        assert {"Location", "Retry-After"} <= set(allowed(seen)["access-control-expose-headers"].split(", "))


@pytest.mark.parametrize("origin", [OTHER, "null", "HTTPS://APP.EXAMPLE.COM", "", f"{ORIGIN},{OTHER}", "*"])
def test_no_other_origin_is_allowed(stage: Stage, origin: str) -> None:
    """A cache that keeps a reply all the same tells the two apart."""
    asked = stage.send("OPTIONS", UPDATE, {"Origin": origin, **ASKING})
    sent = stage.send("POST", UPDATE, {**headers("k"), "Origin": origin}, body())
    assert [asked.status, sent.status] == [405, 200]
    assert [(allowed(seen), seen.headers["vary"]) for seen in (asked, sent)] == [({}, "Origin")] * 2


def test_what_is_no_question_of_a_browser_or_leads_nowhere_is_answered_as_ever(stage: Stage) -> None:
    assert stage.send("OPTIONS", UPDATE, {"Origin": ORIGIN}).status == 405
    assert stage.send("OPTIONS", "/nowhere", {"Origin": ORIGIN, **ASKING}).status == 404


def test_without_a_list_no_reply_speaks_to_browsers() -> None:
    seen = Stage().send("OPTIONS", UPDATE, {"Origin": ORIGIN, **ASKING})
    assert (seen.status, allowed(seen), "vary" in seen.headers) == (405, {}, False)
