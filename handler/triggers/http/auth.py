"""Who calls: what a scheme of HTTP_AUTH is, the callers of the secret, and the schemes `bearer` and `platform`."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Protocol

import msgspec

from handler.core.errors import SecretUnavailable, Unauthorized
from handler.core.model.rights import EVERYTHING, Rights
from handler.core.ports.system import Clock, Notice, Reporter
from handler.core.ports.vault import CALLERS_MAX_AGE_S, REFRESH_MIN_AGE_S, Caller, Secret, Vault
from handler.triggers.event_kind import Event, Kind, part_of
from handler.triggers.http.request import Request
from handler.triggers.rights import rights_of

# The challenge of a refusal.
_PLATFORM = "Platform"

# How long a subject, an ARN or a principal may be; all that AWS writes of its own are shorter.
SUBJECT_CHARACTERS = 255

# Each session of a role has an ARN of its own, and the caller is the role.
_ROLE_SESSION = re.compile(r"(arn:[^:]*:sts:[^:]*:[^:]*:assumed-role/[^/]+)/.*", re.DOTALL)


class Identity(msgspec.Struct, frozen=True):
    """A caller's name, to which its idempotency keys belong, and what it may do.

    The rights are those of the entry whose token it has shown. `signed_key` is the idempotency key, if the scheme signs
    it: the request may have no other one then.
    """

    caller: str
    signed_key: str | None = None
    rights: Rights = EVERYTHING


class Authenticator(Protocol):
    """A scheme of HTTP_AUTH."""

    @property
    def scheme(self) -> str:
        """The value of HTTP_AUTH."""
        ...

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of events that can carry what the scheme reads."""
        ...

    def identify(self, request: Request) -> Identity:
        """The caller who sent the request; raises Unauthorized if it proves none."""
        ...


class Callers:
    """The callers of the secret. Before a request is refused, they are read from a fresh secret."""

    def __init__(self, vault: Vault, reporter: Reporter, clock: Clock) -> None:
        self._vault = vault
        self._reporter = reporter
        self._clock = clock

    def where(self, matches: Callable[[Caller], bool], sought: str) -> Caller | None:
        """The first entry that matches and is not over. `sought`, such as "token", stands in the report of a refresh.

        An entry that is over is none, and reported. Raises SecretUnavailable for a secret that is too old to say so.
        """
        secret, now = self._trusted(), self._clock.now()
        found = _where(matches, secret)
        if all(caller.is_over(now) for caller in found):
            found = _where(matches, self._refreshed(secret, sought))
        valid = [caller for caller in found if not caller.is_over(now)]
        if found and not valid:
            self._reporter.report(Notice.CALLER_EXPIRED, caller=found[0].name)
        return valid[0] if valid else None

    def rights_of(self, name: str) -> Rights | None:
        """The rights of a caller that the platform names; None where its entries are over, which is reported."""
        secret, now = self._vault.current(), self._clock.now()
        rights = rights_of(name, secret, now) or rights_of(name, self._refreshed(secret, "name"), now)
        if rights is None:
            self._reporter.report(Notice.CALLER_EXPIRED, caller=name)
        return rights

    def _trusted(self) -> Secret:
        """The secret, of which no read has failed for so long that its callers count no more: they may be dropped."""
        secret = self._vault.current()
        if self._vault.age_s() > CALLERS_MAX_AGE_S:
            # Another thread may be about to read it, after an instance was frozen for a day.
            secret = self._vault.refresh(REFRESH_MIN_AGE_S)
        if self._vault.age_s() > CALLERS_MAX_AGE_S:
            hours = CALLERS_MAX_AGE_S / 3600
            raise SecretUnavailable(f"the secret could not be read for {hours:g} hours: no token counts until it can")
        return secret

    def _refreshed(self, secret: Secret, sought: str) -> Secret:
        fresh = self._vault.refresh(REFRESH_MIN_AGE_S)
        if fresh is not secret:
            self._reporter.report(Notice.SECRET_REFRESHED, reason=f"unknown {sought}")
        return fresh


class Bearer:
    """`Authorization: Bearer <token>`, compared with the SHA-256 of each caller's token in the secret."""

    scheme = "bearer"
    kinds = frozenset(Kind)

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    def identify(self, request: Request) -> Identity:
        """The caller whose token this is."""
        scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthorized("the request has no header Authorization: Bearer <token>")
        digest = hashlib.sha256(token.strip().encode(errors="surrogatepass")).digest()
        caller = self._callers.where(lambda caller: hmac.compare_digest(digest, caller.token_sha256), "token")
        if caller is None:
            raise Unauthorized("the token belongs to no caller")
        return Identity(caller.name, rights=caller.rights)


class Platform:
    """The identity that a platform's own authorizer put into the event: nothing that the caller itself wrote is read.

    It is a JWT's subject, else the ARN of an IAM identity, else the principal that a Lambda authorizer named. The
    places are those of API Gateway's formats 1.0 and 2.0 and of Lambda function URLs
    (docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html). Names that the
    secret lists have the rights that it gives them; other names may do everything.
    """

    scheme = "platform"
    kinds = frozenset({Kind.HTTP_V1, Kind.HTTP_V2, Kind.FUNCTION_URL})

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    def identify(self, request: Request) -> Identity:
        """The first identity that the event holds, which has to be a text."""
        identity = next((found for found in _identities(request.context) if found is not None), None)
        if not isinstance(identity, str) or not identity:
            raise Unauthorized("the platform named no caller: has the route an authorizer?", _PLATFORM)
        # What cannot be seen is no name; the schedule's own begins like that.
        if len(identity) > SUBJECT_CHARACTERS or not identity.isprintable() or " " in identity:
            problem = f"the platform's name of the caller has to be at most {SUBJECT_CHARACTERS} visible characters"
            raise Unauthorized(problem, _PLATFORM)
        rights = self._callers.rights_of(identity)
        if rights is None:
            raise Unauthorized("the platform's name of the caller belongs to no caller", _PLATFORM)
        return Identity(identity, rights=rights)


def _where(matches: Callable[[Caller], bool], secret: Secret) -> list[Caller]:
    """Try every caller, even after a match, so that the time taken shows nothing of the list."""
    found = [matches(caller) for caller in secret.callers]
    return [caller for caller, matched in zip(secret.callers, found, strict=True) if matched]


def _identities(context: Event) -> tuple[object, ...]:
    """What stands in each of the places, in the order of their rank."""
    authorizer = part_of(context, "authorizer")
    return (
        part_of(part_of(authorizer, "jwt"), "claims").get("sub"),
        part_of(authorizer, "claims").get("sub"),
        _without_session(part_of(authorizer, "iam").get("userArn")),
        _without_session(part_of(context, "identity").get("userArn")),
        authorizer.get("principalId"),
    )


def _without_session(arn: object) -> object:
    matched = _ROLE_SESSION.fullmatch(arn) if isinstance(arn, str) else None
    return matched[1] if matched else arn
