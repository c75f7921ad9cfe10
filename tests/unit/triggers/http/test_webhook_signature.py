"""What a signed request has to look like, and whose it is: anything that is not so is 401 and nothing else."""

from __future__ import annotations

import base64
import hmac
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.errors import BodyTooLarge, SettingsError, Unauthorized
from handler.triggers.http import webhook_signature as module
from handler.triggers.http.auth import Identity
from handler.triggers.http.request import Request
from handler.triggers.http.webhook_signature import check_keys
from tests.unit.triggers.http.signing import (
    CONTENT,
    KEY,
    NOW,
    OTHER_KEY,
    Door,
    secret_of,
    signature,
    signed_headers,
    whsec,
)
from tests.unit.triggers.http.test_dialects import Door as Behind
from tests.unit.triggers.stage import CALLER, START, UPDATE, body


@pytest.fixture
def door() -> Door:
    return Door()


def test_the_standards_own_vector_is_accepted(door: Door) -> None:
    """The one that the standard's libraries are tested with; openssl gives the same bytes."""
    door.know(("sender", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    door.clock.moved_s = 1614265330 - START
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    identity = door.identify(headers, '{"test": 2432232314}')
    assert identity == Identity("sender", signed_key="msg_p5jXN8AQM9LWM0D4loKWxJek")


@given(st.binary(max_size=200), st.from_regex(r"[!-~]{1,255}", fullmatch=True), st.binary(min_size=1, max_size=64))
def test_any_body_id_and_key_can_be_signed(content: bytes, message_id: str, key: bytes) -> None:
    """Bytes that are no text included, which some platforms send in base64."""
    door = Door()
    door.know((CALLER, whsec(key)))
    headers = signed_headers(message_id, content, key)
    packed = base64.b64encode(content).decode()
    assert door.identify(headers, packed, is_base64=True) == Identity(CALLER, message_id)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("text", [None, "", " "])
def test_a_header_that_is_missing_is_named(door: Door, name: str, text: str | None) -> None:
    headers = {given: value for given, value in signed_headers("a", CONTENT).items() if given != name}
    assert door.refuses(headers | ({} if text is None else {name: text})) == f"the request has no header {name}"
    assert door.vault.refreshes == []


@pytest.mark.parametrize("away_s", [-86_400, -301, -300, 0, 300, 301, 10**9])
def test_a_time_more_than_five_minutes_away_is_refused(door: Door, away_s: int) -> None:
    """Either way, because the caller's clock may be fast or slow."""
    headers = signed_headers("a", CONTENT, timestamp=f"{START + away_s:.0f}")
    if abs(away_s) <= 300:
        assert door.identify(headers).caller == CALLER
    else:
        assert door.refuses(headers) == "webhook-timestamp is more than 300 s away from now"
        assert door.vault.refreshes == []


@pytest.mark.parametrize(
    "timestamp",
    ["now", f"{NOW}.0", f"+{NOW}", f"-{NOW}", "1_795_305_600", "1e9", "nan", "inf", "0x1", "\uff11", "9" * 5000],
)
def test_a_time_that_is_no_whole_number_is_refused(door: Door, timestamp: str) -> None:
    """Python would read some of these as numbers."""
    problem = door.refuses(signed_headers("a", CONTENT, timestamp=timestamp))
    assert problem == "webhook-timestamp is not a whole number of seconds since 1970"


@pytest.mark.parametrize("part", ["webhook-id", "webhook-timestamp", "body"])
def test_whatever_is_signed_cannot_be_changed(door: Door, part: str) -> None:
    headers, content = signed_headers("a", CONTENT), CONTENT.decode()
    changed = {"webhook-id": "b", "webhook-timestamp": f"{START + 1:.0f}"}
    if part == "body":
        content += " "
    else:
        headers[part] = changed[part]
    assert door.refuses(headers, content) == "the signature is no caller's"


GOOD = signature("a", NOW, CONTENT)
WRONG = signature("a", NOW, CONTENT, OTHER_KEY)


@pytest.mark.parametrize(
    "written",
    [
        *(f"{WRONG} {GOOD}", f"{GOOD} {WRONG}", f"v1a,{GOOD[3:]} {GOOD}", f"v2,x {GOOD}", f"garbage {GOOD}"),
        f" {GOOD} ",
        *(f"{WRONG},{GOOD}", f"{WRONG}, {GOOD}", f"{GOOD} v1,", f"v1,a,b {GOOD}"),
    ],
)
def test_one_good_signature_of_the_list_is_enough(door: Door, written: str) -> None:
    """Other versions and broken entries are passed over; repeated headers arrive joined by commas."""
    assert door.identify(signed_headers("a", CONTENT) | {"webhook-signature": written}).caller == CALLER


@pytest.mark.parametrize(
    "written",
    [
        *("garbage", "v1", "v1,", "v1,a", "v1,a,b", ",", "é", "\ud800", "v1,====", f"v1,{'A' * 43}", f"V1,{GOOD[3:]}"),
        *(f"v1a,{GOOD[3:]}", f"v2,{GOOD[3:]}", GOOD[3:], f"v1 {GOOD[3:]}", f"xv1,{GOOD[3:]}", f"{GOOD}=", f"{GOOD}x"),
        *(GOOD.rstrip("="), GOOD.replace(",", ", "), f"v1,\n{GOOD[3:]}"),
    ],
)
def test_a_list_without_a_signature_of_version_1_is_refused(door: Door, written: str) -> None:
    problem = door.refuses(signed_headers("a", CONTENT) | {"webhook-signature": written})
    assert problem == "webhook-signature holds no signature of version v1"
    assert door.vault.refreshes == []


@pytest.mark.parametrize(
    ("message_id", "content", "is_base64"),
    [
        *(("a", 7, False), ("a", {"a": 1}, False), ("a", [1], False), ("a", "\ud800", False)),
        *(("a", packed, True) for packed in ("e30", "{}", "é", "a b=")),
        ("\ud800", "", False),
    ],
)
def test_what_nobody_can_have_signed_is_refused(
    door: Door, message_id: str, content: object, *, is_base64: bool
) -> None:
    """Half of a surrogate pair has no bytes, nor has broken base64."""
    headers = signed_headers("a") | {"webhook-id": message_id}
    problem = door.refuses(headers, content, is_base64=is_base64)
    assert problem == "the request holds characters that cannot be signed"


def test_a_body_in_base64_is_signed_as_what_it_carries(door: Door) -> None:
    """The packing is the platform's, not the caller's."""
    packed = base64.b64encode(CONTENT).decode()
    door.refuses(signed_headers("a", packed.encode()))
    assert door.identify(signed_headers("a", packed.encode()), packed).caller == CALLER
    assert door.identify(signed_headers("a", CONTENT), packed, is_base64=True).caller == CALLER


HEADER = st.one_of(st.text(max_size=80), st.sampled_from([NOW, GOOD, WRONG, "a", "v1,", f"{GOOD} " * 50, "\ud800"]))
HOSTILE = st.fixed_dictionaries(
    {}, optional={"webhook-id": HEADER, "webhook-timestamp": HEADER, "webhook-signature": HEADER}
)
BODIES = st.one_of(st.text(), st.none(), st.integers(), st.lists(st.integers()), st.just("\udfff"))


@given(headers=HOSTILE, content=BODIES, is_base64=st.booleans())
def test_hostile_headers_and_bodies_are_unauthorized_and_nothing_else(
    headers: dict[str, str], content: object, *, is_base64: bool
) -> None:
    """None of them is signed, unless every part is that of the one that is."""
    sent = Request("POST", "/", {}, headers, content, _is_base64=is_base64)
    with suppress(Unauthorized):
        identity = Door().identify(headers, content, is_base64=is_base64)
        assert (identity, sent.content()) == (Identity(CALLER, "a"), CONTENT)


def test_no_refusal_shows_what_was_sent(door: Door) -> None:
    problems = [
        door.refuses(signed_headers("hunter2", CONTENT, OTHER_KEY)),
        door.refuses(signed_headers("a", CONTENT) | {"webhook-signature": "hunter2"}),
        door.refuses(signed_headers("a", CONTENT) | {"webhook-timestamp": "hunter2"}),
    ]
    assert not [problem for problem in problems if "hunter2" in problem or "whsec" in problem or "v1," in problem]


@pytest.mark.parametrize(
    ("token", "key"),
    [
        *((None, b"x"), (None, b""), ("whsec_", b""), ("whsec_====", b""), ("whsec_!!!", b"")),
        *(("whsec_e3!0=", b"{}"), ("whsec_e30", b"{}")),
        *(("plain-token", b"plain-token"), ("plain-token", b""), (whsec(KEY)[6:], KEY), ("WHSEC_e30=", b"{}")),
    ],
)
def test_a_caller_without_a_secret_of_the_scheme_cannot_sign(door: Door, token: str | None, key: bytes) -> None:
    """Least of all with an empty key, which everybody has."""
    door.know(("first", token), (CALLER, whsec(OTHER_KEY)))
    assert door.refuses(signed_headers("a", CONTENT, key)) == "the signature is no caller's"
    assert door.identify(signed_headers("a", CONTENT, OTHER_KEY)).caller == CALLER


@pytest.mark.parametrize("token", [None, "plain-token-that-is-long", "whsec_QQ==", whsec(b"k" * 23), whsec(KEY)[6:]])
def test_a_caller_who_could_never_sign_is_a_settings_error(token: str | None) -> None:
    """Known by a digest only, with a token of another scheme, or with a key that could be guessed."""
    with pytest.raises(SettingsError, match=r"^CHAT_SECRET: callers\[1\] of the secret: .* second needs") as refused:
        check_keys(secret_of(("first", whsec(b"k" * 24)), ("second", token)))
    assert str(refused.value).endswith("whsec_ and the base64 of 24 bytes or more, which no digest replaces")
    check_keys(secret_of(("first", whsec(b"k" * 24))))


@pytest.mark.parametrize("is_base64", [False, True])
def test_a_body_over_the_limit_is_refused_before_it_is_hashed(
    door: Door, monkeypatch: pytest.MonkeyPatch, *, is_base64: bool
) -> None:
    """A stranger's megabytes would be hashed once for every caller."""
    content = b"x" * (64 * 1024 + 1)
    packed = base64.b64encode(content).decode() if is_base64 else content.decode()
    headers = signed_headers("a", content)
    monkeypatch.setattr(module, "hmac", None)
    with pytest.raises(BodyTooLarge):
        door.identify(headers, packed, is_base64=is_base64)


def test_a_secret_rotates_under_one_name(door: Door) -> None:
    """Both are good for a while, and a caller may sign with both."""
    door.know((CALLER, whsec(KEY)), (CALLER, whsec(OTHER_KEY)))
    both = f"{WRONG} {GOOD}"
    for headers in (signed_headers("a", CONTENT, KEY), signed_headers("a", CONTENT, OTHER_KEY)):
        assert door.identify(headers).caller == CALLER
        assert door.identify(headers | {"webhook-signature": both}).caller == CALLER


def test_every_caller_and_every_signature_is_compared(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time taken must not tell which of them matched."""
    compared: list[bool] = []

    def counted(one: bytes, other: bytes) -> bool:
        compared.append(hmac.compare_digest(one, other))
        return compared[-1]

    double = type("hmac", (), {"compare_digest": staticmethod(counted), "digest": staticmethod(hmac.digest)})
    monkeypatch.setattr(module, "hmac", double)
    door.know(("first", whsec(KEY)), ("second", None), ("third", "plain-token"))
    assert door.identify(signed_headers("a", CONTENT) | {"webhook-signature": f"{GOOD} {WRONG}"}).caller == "first"
    assert compared == [True, False, False, False, False, False]


def test_the_signed_bytes_cannot_be_split_into_another_update() -> None:
    """A full stop in an id or a body lets them be split elsewhere, but what is then the body is no update."""
    stage = Behind("http-v2", "signature").stage
    inner = body(GroupId=f"x.{NOW}.{{")
    message_id = f"a.{NOW}"
    headers = signed_headers(message_id, inner)
    whole = f"{message_id}.{NOW}.{inner.decode()}"
    places = [place for place in range(len(whole)) if whole.startswith(f".{NOW}.", place)]
    assert len(places) == 3
    statuses = []
    for place in places:
        split = headers | {"webhook-id": whole[:place]}
        statuses.append(stage.send("POST", UPDATE, split, whole[place + len(NOW) + 2 :].encode()).status)
    assert sorted(statuses) == [400, 400, 404]
    assert stage.chat.groups == {"room": {}}


def test_an_operation_is_repeated_with_a_new_time_and_the_same_id() -> None:
    """As a caller does after a lost reply; hours later it is still one operation."""
    stage = Behind("http-v2", "signature").stage
    stage.send("POST", UPDATE, signed_headers("k", body()), body())
    stage.clock.moved_s = 7200.0
    later = signed_headers("k", body(), timestamp=f"{START + 7200:.0f}")
    assert stage.send("POST", UPDATE, later, body()).headers["idempotency-replayed"] == "true"
    assert stage.chat.groups["room"]["like"] == 5
