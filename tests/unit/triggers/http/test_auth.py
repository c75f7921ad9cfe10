"""A bearer token names its caller, and an unknown one is looked for in a fresh secret before it is turned away."""

from __future__ import annotations

import hmac

import pytest

from handler.core.errors import SecretUnavailable, Unauthorized
from handler.core.ports.system import Notice
from handler.core.ports.vault import Secret
from handler.triggers.http import auth
from handler.triggers.http.auth import Bearer, Callers, Identity
from handler.triggers.http.request import Request
from tests.unit.triggers.stage import HandVault, Told, secret


@pytest.fixture
def vault() -> HandVault:
    vault = HandVault()
    vault.secret = vault.fresh = secret(first="token-1", second="token-2")
    return vault


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def bearer(vault: HandVault, told: Told) -> Bearer:
    return Bearer(Callers(vault, told))


def request(authorization: str | None) -> Request:
    return Request("POST", "/", {}, {} if authorization is None else {"authorization": authorization})


@pytest.mark.parametrize("written", ["Bearer token-2", "bearer token-2", "BEARER  token-2 "])
def test_a_known_token_names_its_caller(bearer: Bearer, vault: HandVault, written: str) -> None:
    """The scheme's name may be in any case."""
    assert bearer.identify(request(written)) == Identity("second")
    assert vault.refreshes == []


@pytest.mark.parametrize("written", [None, "", "Bearer", "Bearer ", "token-1", "Basic token-1", "Bearertoken-1"])
def test_a_request_without_a_bearer_token_is_unauthorized(
    bearer: Bearer, vault: HandVault, written: str | None
) -> None:
    with pytest.raises(Unauthorized, match="has no header Authorization: Bearer <token>"):
        bearer.identify(request(written))
    assert vault.refreshes == []


@pytest.mark.parametrize("token", ["token-3", "token-1 token-2", "token-1,token-1", "é", "\ud800", "token-"])
def test_an_unknown_token_is_unauthorized_after_one_refresh(
    bearer: Bearer, vault: HandVault, told: Told, token: str
) -> None:
    """The vault is told not to fetch a secret anew that is younger than 30 s; one that fetched nothing is not told."""
    with pytest.raises(Unauthorized, match="the token belongs to no caller") as refused:
        bearer.identify(request(f"Bearer {token}"))
    assert (vault.refreshes, told.notices) == ([30.0], [])
    assert "token-" not in str(refused.value)


def test_a_new_token_is_found_in_the_fresh_secret(bearer: Bearer, vault: HandVault, told: Told) -> None:
    """So a token can be added without a restart, and the refresh is told."""
    vault.fresh = secret(third="token-3")
    assert bearer.identify(request("Bearer token-3")) == Identity("third")
    assert told.notices == [Notice.SECRET_REFRESHED]


def test_a_secret_without_callers_knows_nobody(bearer: Bearer, vault: HandVault) -> None:
    """An empty list is not an open door."""
    vault.secret = vault.fresh = secret()
    with pytest.raises(Unauthorized):
        bearer.identify(request("Bearer token-1"))


def test_every_caller_is_compared_even_after_a_match(bearer: Bearer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time taken must not tell where in the list a token stands."""
    compared: list[bool] = []

    def counted(one: bytes, other: bytes) -> bool:
        compared.append(hmac.compare_digest(one, other))
        return compared[-1]

    monkeypatch.setattr(auth, "hmac", type("hmac", (), {"compare_digest": staticmethod(counted)}))
    assert bearer.identify(request("Bearer token-1")) == Identity("first")
    assert compared == [True, False]


class EmptyVault(HandVault):
    """A vault that has no secret."""

    def current(self) -> Secret:
        raise SecretUnavailable("the secret cannot be read")


def test_without_a_secret_nobody_is_turned_away_as_unknown() -> None:
    """The caller is to come back, not to change its token."""
    with pytest.raises(SecretUnavailable):
        Bearer(Callers(EmptyVault(), Told())).identify(request("Bearer token-1"))
