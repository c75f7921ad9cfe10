"""Which calls the sandbox lets in, with which code it refuses the others, and how it counts them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote, urlencode

import pytest

from tests.sandbox.admission import Call, Credentials, RateLimit, admit, read
from tests.sandbox.codes import RefusalError
from tests.sandbox.commands import Get
from tests.sandbox.signatures import Signature, sign

NOW = 1_700_000_000.0
CREDENTIALS = Credentials(1400000000, ("key-1",), ("administrator",))
SIGNATURE = Signature("administrator", 1400000000, 1_700_000_000, 60)
BODY = json.dumps({"GroupId": "G"}).encode()


def url(**changes: str | None) -> str:
    """The query string of a right call, with some parameters changed or, with None, left out."""
    parameters: Mapping[str, str | None] = {
        "sdkappid": "1400000000",
        "identifier": "administrator",
        "usersig": sign(SIGNATURE, "key-1"),
        "random": "4294967295",
        "contenttype": "json",
        **changes,
    }
    return urlencode({name: value for name, value in parameters.items() if value is not None})


def refusal(query: str, *, body: bytes = BODY, limit: int | None = None, now: float = NOW) -> int:
    """The code that a call is refused with; 0 if it is let in."""
    try:
        admit(read(Call("get", query, body)), CREDENTIALS, RateLimit(limit), now)
    except RefusalError as error:
        return error.code
    return 0


def test_a_right_call_is_let_in() -> None:
    signature, command = admit(read(Call("get", url(), BODY)), CREDENTIALS, RateLimit(None), NOW)
    assert (signature.time, signature.expire, command) == (1_700_000_000, 60, Get("G", ()))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        *(({"sdkappid": None}, 60012), ({"sdkappid": ""}, 60012), ({"sdkappid": "app"}, 60006)),
        *(({"sdkappid": "1400000001"}, 70020), ({"identifier": None}, 60004), ({"identifier": "somebody"}, 70013)),
        ({"identifier": "somebody", "usersig": sign(replace(SIGNATURE, identifier="somebody"), "key-1")}, 60010),
        *(({"usersig": None}, 70002), ({"usersig": ""}, 70002), ({"usersig": "nonsense"}, 70003)),
        *(({"usersig": sign(SIGNATURE, "key-2")}, 70009), ({"random": None}, 60002)),
        *(({"random": "4294967296"}, 60002), ({"random": "-1"}, 60002), ({"contenttype": None}, 60025)),
        ({"contenttype": "JSON"}, 60025),
    ],
    ids=str,
)
def test_a_wrong_parameter_is_refused(changes: dict[str, str | None], code: int) -> None:
    assert refusal(url(**changes)) == code


@pytest.mark.parametrize(
    "query", ["sdkappid", "&&", "sdkappid=%ff", url() + "&random=1"], ids=["no value", "empty", "no UTF-8", "twice"]
)
def test_a_query_that_cannot_be_read_is_refused(query: str) -> None:
    assert refusal(query) == 60002


def test_a_reading_keeps_what_can_be_read() -> None:
    """The journal wants the group and the random number of a refused call, too."""
    reading = read(Call("update", url(usersig="nonsense", random="7"), BODY))
    assert (reading.group, reading.random) == ("G", 7)
    assert (read(Call("update", "", b"")).group, read(Call("update", "", b"")).random) == (None, None)


def test_no_repr_shows_a_signature_or_a_key() -> None:
    call = Call("get", url(), BODY)
    shown = unquote(repr(call) + repr(read(call)) + repr(CREDENTIALS))
    assert sign(SIGNATURE, "key-1") not in shown
    assert "key-1" not in shown


def test_a_full_second_refuses_the_next_call() -> None:
    """After so many calls of one command the next is 60007, until a second after the first of them."""
    limit = RateLimit(3)
    for moment in (NOW, NOW, NOW + 0.5):
        limit.take("update", moment)
    limit.take("get", NOW + 0.5)
    with pytest.raises(RefusalError) as refused:
        limit.take("update", NOW + 0.999)
    assert refused.value.code == 60007
    limit.take("update", NOW + 1.0)


def test_a_refused_call_is_not_counted() -> None:
    """Somebody who calls too often still gets the full rate."""
    limit = RateLimit(1)
    let_in = 0
    for tenth in range(30):
        try:
            limit.take("update", NOW + tenth / 10)
        except RefusalError:
            continue
        let_in += 1
    assert let_in == 3


def test_setting_the_clock_back_does_not_block_calls() -> None:
    """Calls that lie in the future by then count no more."""
    limit = RateLimit(1)
    limit.take("update", NOW + 3_600)
    limit.take("update", NOW)


@pytest.mark.parametrize(
    ("usersig", "limit", "body", "code"),
    [("nonsense", 0, b"{", 70003), (None, 0, b"{", 60007), (None, None, b"{", 60003), (None, None, b"{}", 10004)],
    ids=["signature", "limit", "body", "fields"],
)
def test_what_is_checked_first(usersig: str | None, limit: int | None, body: bytes, code: int) -> None:
    """A caller without a right signature learns nothing about the limit or its body."""
    assert refusal(url(**({"usersig": usersig} if usersig else {})), body=body, limit=limit) == code
