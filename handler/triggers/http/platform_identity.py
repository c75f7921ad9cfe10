"""The identity that a platform's own authorizer put into the event: nothing that the caller itself wrote is read.

The places are those of API Gateway's formats 1.0 and 2.0 and of Lambda function URLs
(docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).
"""

from __future__ import annotations

import re

from handler.core.errors import Unauthorized
from handler.triggers.event_kind import Event, Kind, part_of
from handler.triggers.http.auth import Identity
from handler.triggers.http.request import Request

CHALLENGE = "Platform"

# Each session of a role has an ARN of its own, and the caller is the role.
_ROLE_SESSION = re.compile(r"(arn:[^:]*:sts:[^:]*:[^:]*:assumed-role/[^/]+)/.*", re.DOTALL)


class Platform:
    """A JWT's subject, else the ARN of an IAM identity, else the principal that a Lambda authorizer named."""

    scheme = "platform"
    kinds = frozenset({Kind.HTTP_V1, Kind.HTTP_V2, Kind.FUNCTION_URL})

    def identify(self, request: Request) -> Identity:
        """The first identity that the event holds, which has to be a text."""
        identity = next((found for found in _identities(request.context) if found is not None), None)
        if not isinstance(identity, str) or not identity:
            raise Unauthorized("the platform named no caller: has the route an authorizer?", CHALLENGE)
        # What cannot be printed is no name; the schedule's own begins like that.
        if not identity.isprintable():
            raise Unauthorized("the platform's name of the caller holds a character that cannot be printed", CHALLENGE)
        return Identity(identity)


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
