"""Whose signature it is: every caller's secret is tried, and a new one is looked for before anybody is turned away."""

from __future__ import annotations

import hmac

import pytest

from handler.core.ports.system import Notice
from handler.triggers.http import webhook_signature as module
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
from tests.unit.triggers.stage import CALLER

GOOD = signature("a", NOW, CONTENT)
WRONG = signature("a", NOW, CONTENT, OTHER_KEY)


@pytest.fixture
def door() -> Door:
    return Door()


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


def test_callers_are_told_apart_by_their_secrets(door: Door) -> None:
    door.know(("first", whsec(KEY)), ("second", whsec(OTHER_KEY)))
    assert door.identify(signed_headers("a", CONTENT, OTHER_KEY)).caller == "second"
    assert door.identify(signed_headers("a", CONTENT, KEY)).caller == "first"


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


def test_a_new_secret_is_found_by_one_refresh(door: Door) -> None:
    """At most every 30 s, which the vault is told, and the refresh is reported."""
    door.vault.fresh = secret_of((CALLER, whsec(OTHER_KEY)))
    assert door.identify(signed_headers("a", CONTENT, OTHER_KEY)).caller == CALLER
    assert (door.vault.refreshes, door.told.notices) == ([30.0], [Notice.SECRET_REFRESHED])
