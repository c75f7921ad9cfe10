"""A bearer token, or the platform's own authorizer, names the caller; what names none is turned away.

An unknown token is looked for in a fresh secret before.
"""

import hmac
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from handler.core.errors import SecretUnavailable, Unauthorized
from handler.core.ports.system import Notice
from handler.core.ports.vault import Secret
from handler.triggers.event_kind import Event
from handler.triggers.http import auth
from handler.triggers.http.auth import Bearer, Callers, Identity, Platform
from handler.triggers.http.request import Request
from tests.sandbox.dialects import DIALECTS, Dialect, event_of
from tests.unit.triggers.stage import UPDATE, HandVault, ManualClock, Stage, Told, body, secret


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
    return Bearer(Callers(vault, told, ManualClock()))


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


@pytest.mark.parametrize(("old_s", "counts"), [(86_400.0, True), (86_401.0, False)])
def test_tokens_end_when_the_secret_could_not_be_read_for_a_day(
    bearer: Bearer, vault: HandVault, old_s: float, *, counts: bool
) -> None:
    """Who has dropped a caller, and the right to read the secret with it, has dropped that caller."""
    vault.ages = [old_s]
    if counts:
        assert bearer.identify(request("Bearer token-1")) == Identity("first")
    else:
        with pytest.raises(SecretUnavailable, match="no token counts"):
            bearer.identify(request("Bearer token-1"))
    assert vault.refreshes == [] if counts else [30.0]


def test_a_secret_that_can_be_read_again_counts_at_once(bearer: Bearer, vault: HandVault) -> None:
    """An instance that was frozen for a day asks for it before it refuses anyone."""
    vault.ages = [86_401.0, 0.0]
    assert bearer.identify(request("Bearer token-1")) == Identity("first")


class EmptyVault(HandVault):
    """A vault that has no secret."""

    def current(self) -> Secret:
        raise SecretUnavailable("the secret cannot be read")


def test_without_a_secret_nobody_is_turned_away_as_unknown() -> None:
    """The caller is to come back, not to change its token."""
    with pytest.raises(SecretUnavailable):
        Bearer(Callers(EmptyVault(), Told(), ManualClock())).identify(request("Bearer token-1"))


ROLE = "arn:aws:sts::123456789012:assumed-role/mobile-backend"
USER = "arn:aws:iam::123456789012:user/teams/mobile/backend"

CARRIERS: list[Dialect] = ["http-v2", "rest", "function-url"]

JWT: Event = {"authorizer": {"jwt": {"claims": {"sub": "jwt-sub", "iss": "x"}, "scopes": None}}}
CLAIMS: Event = {"authorizer": {"claims": {"sub": "claims-sub"}, "scopes": []}}
IAM_V2: Event = {"authorizer": {"iam": {"userArn": f"{ROLE}/session-1", "userId": "AIDA:session-1"}}}
IAM_V1: Event = {"identity": {"userArn": f"{ROLE}/session-1", "caller": "AIDA:session-1", "sourceIp": "192.0.2.1"}}
PRINCIPAL: Event = {"authorizer": {"principalId": "principal", "integrationLatency": 12}}


def identify(context: Event) -> Identity:
    """Who sent a request of which the platform says this."""
    return Platform(Callers(HandVault(), Told(), ManualClock())).identify(Request("POST", "/", {}, {}, context=context))


def refuses(context: Event) -> str:
    with pytest.raises(Unauthorized) as refused:
        identify(context)
    assert refused.value.challenge == "Platform"
    return str(refused.value)


@pytest.mark.parametrize(
    ("context", "caller"),
    [(JWT, "jwt-sub"), (CLAIMS, "claims-sub"), (IAM_V2, ROLE), (IAM_V1, ROLE), (PRINCIPAL, "principal")],
)
def test_each_authorizer_names_its_caller(context: Event, caller: str) -> None:
    assert identify(context) == Identity(caller, signed_key=None)


def test_the_places_have_a_rank() -> None:
    ranked: list[Event] = [
        {"jwt": {"claims": {"sub": "1"}}},
        {"claims": {"sub": "2"}},
        {"iam": {"userArn": "3"}},
        {"principalId": "5"},
    ]
    found = []
    while ranked:
        authorizer = {name: part for places in ranked for name, part in places.items()}
        found.append(identify({"authorizer": authorizer, "identity": {"userArn": "4"}}).caller)
        del ranked[0]
    assert found == ["1", "2", "3", "4"]
    assert identify({"authorizer": {"principalId": "5"}, "identity": {"userArn": None}}).caller == "5"


@pytest.mark.parametrize(
    ("arn", "caller"),
    [
        *((f"{ROLE}/session-1", ROLE), (f"{ROLE}/a/b", ROLE), (f"{ROLE}/", ROLE), (ROLE, ROLE), (USER, USER)),
        ("arn:aws-cn:sts::1:assumed-role/r/s", "arn:aws-cn:sts::1:assumed-role/r"),
        ("arn:aws:iam::1:user/x:assumed-role/r/name", "arn:aws:iam::1:user/x:assumed-role/r/name"),
        ("arn:aws:sts::1:federated-user/assumed-role/r/s", "arn:aws:sts::1:federated-user/assumed-role/r/s"),
        ("arn:aws:iam::1:root", "arn:aws:iam::1:root"),
    ],
)
def test_the_sessions_of_a_role_are_one_caller(arn: str, caller: str) -> None:
    """A backend has a new session at each start, and its keys have to outlive it; nobody else is cut."""
    assert identify({"authorizer": {"iam": {"userArn": arn}}}).caller == caller
    assert identify({"identity": {"userArn": arn}}).caller == caller


@pytest.mark.parametrize(
    "context",
    [
        *({}, {"authorizer": None}, {"authorizer": {}}, {"authorizer": "principal"}, {"authorizer": [PRINCIPAL]}),
        *({"authorizer": {"jwt": {"claims": {}}}}, {"authorizer": {"jwt": {"claims": None}}}),
        *({"authorizer": {"jwt": "jwt-sub"}}, {"authorizer": {"claims": ["sub"]}}, {"authorizer": {"lambda": {}}}),
        *({"identity": {"userArn": None, "sourceIp": "192.0.2.1"}}, {"identity": "me"}, {"principalId": "me"}),
        *({"http": {"method": "POST"}, "accountId": "anonymous"}, {"jwt": {"claims": {"sub": "me"}}}),
    ],
)
def test_an_event_without_an_identity_is_unauthorized(context: Event) -> None:
    assert refuses(context) == "the platform named no caller: has the route an authorizer?"


@pytest.mark.parametrize("subject", ["s" * 256, "two words", "line\n", "\u200b", "\x00schedule"])
def test_a_subject_of_more_than_255_visible_characters_is_unauthorized(subject: str) -> None:
    """It is part of what is stored and logged, and an issuer may let its users choose it."""
    problem = refuses({"authorizer": {"jwt": {"claims": {"sub": subject}}}})
    assert problem == "the platform's name of the caller has to be at most 255 visible characters"
    assert identify({"authorizer": {"jwt": {"claims": {"sub": "ß" * 255}}}}).caller == "ß" * 255


@pytest.mark.parametrize("wrong", [{"sub": "me"}, ["me"], 7, 0, True, False, 1.5, "", {}, []])
@pytest.mark.parametrize("place", ["jwt", "claims", "iam", "identity", "principalId"])
def test_an_identity_that_is_no_text_is_unauthorized(place: str, wrong: object) -> None:
    """Even if another place holds one: the one of the higher rank is not passed over."""
    places: dict[str, Event] = {
        "jwt": {"authorizer": {"jwt": {"claims": {"sub": wrong}}, "principalId": "other"}},
        "claims": {"authorizer": {"claims": {"sub": wrong}, "principalId": "other"}},
        "iam": {"authorizer": {"iam": {"userArn": wrong}, "principalId": "other"}},
        "identity": {"identity": {"userArn": wrong}, "authorizer": {"principalId": "other"}},
        "principalId": {"authorizer": {"principalId": wrong}},
    }
    refuses(places[place])


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
NAMES = st.one_of(
    st.sampled_from(["authorizer", "jwt", "claims", "sub", "iam", "identity", "userArn", "principalId"]), st.text()
)
PARTS = st.recursive(LEAVES, lambda parts: st.lists(parts) | st.dictionaries(NAMES, parts), max_leaves=12)


@given(st.dictionaries(NAMES, PARTS))
def test_a_hostile_context_names_a_text_or_nobody(context: Event) -> None:
    with suppress(Unauthorized):
        identity = identify(context)
        assert isinstance(identity.caller, str)
        assert identity.caller
        assert identity.signed_key is None


@pytest.fixture
def stage() -> Stage:
    """The whole function behind the scheme, with a group `room`."""
    stage = Stage()
    stage.http = replace(stage.http, authenticator=Platform(stage.callers))
    return stage


def sent(stage: Stage, dialect: Dialect, context: Event, method: str = "POST", target: str = UPDATE) -> Event:
    """The function's reply to a request about which the platform says this as well."""
    headers = [("Idempotency-Key", "k"), ("Host", "x")]
    event = event_of(dialect, method, target, headers, body() if method == "POST" else b"")
    own = event.get("requestContext")
    assert isinstance(own, dict)
    return stage.answer({**event, "requestContext": {**own, **context}})


@pytest.mark.parametrize("dialect", sorted(set(DIALECTS) - set(CARRIERS)))
@pytest.mark.parametrize(("method", "target"), [("POST", UPDATE), ("GET", "/v1/operations"), ("GET", "/v1/health")])
def test_a_platform_that_identifies_nobody_is_a_settings_error(
    stage: Stage, dialect: Dialect, method: str, target: str
) -> None:
    seen = stage.send(method, target, {"Host": "x"}, dialect=dialect)
    assert (seen.status, seen.body["type"], seen.body["accepted"]) == (503, "/problems/settings", False)
    assert "HTTP_AUTH" not in str(seen.body)
    [failure] = stage.told.failures
    assert str(failure).startswith("HTTP_AUTH: platform finds no identity in events of ")
