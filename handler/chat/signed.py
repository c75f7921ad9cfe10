"""One signed call: the secret's identity, a UserSig, the query string that the vendor wants, and the reply judged."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

import msgspec

from handler.chat.response import reply_of
from handler.chat.transport import Answer, Query, Transport
from handler.chat.usersig import sign
from handler.core.errors import NotAccepted, SettingsError
from handler.core.model.row import Group
from handler.core.ports.counter_api import Fault, Refused, Reply, Unsent
from handler.core.ports.system import Chance
from handler.core.ports.vault import Secret, Vault

# The vendor's code for a UserSig of another app, which is what its answer would be.
OTHER_APP = 70014


class SignedCalls(msgspec.Struct, frozen=True):
    """Calls over one transport with the secret of one vault. `chance` has to be a secure source."""

    transport: Transport
    vault: Vault
    chance: Chance

    def post(
        self,
        command: str,
        group: Group,
        content: Mapping[str, object],
        signed: tuple[int, int],
        shown: Collection[str],
        random: int | None = None,
        *,
        fresh: bool = False,
    ) -> Reply:
        """Make one call, `signed` for a time and a life, after which all of `shown` must be in the reply.

        Without a `random` it has a new one, so that no cache on the way can take one call for another; `fresh` asks
        for a new connection.
        """
        try:
            secret = self.vault.current()
        except (NotAccepted, SettingsError) as error:
            return Unsent(f"no secret: {type(error).__name__}")
        if secret.sdkappid != group.app:
            return Refused(OTHER_APP, "the secret belongs to another app", Fault.APP, date=None)
        usersig = sign(secret.sdkappid, secret.identifier, secret.key, *signed)
        query: Query = {
            "sdkappid": secret.sdkappid,
            "identifier": secret.identifier,
            "usersig": usersig,
            "random": self.chance.getrandbits(32) if random is None else random,
            "contenttype": "json",
        }
        path = f"/v4/group_open_http_svc/{command}"
        answer = self.transport.post(path, query, json.dumps(content).encode(), fresh=fresh)
        return reply_of(answer, shown, _hidden(secret, usersig)) if isinstance(answer, Answer) else answer


def update_content(group: Group, mode: str, counters: Collection[tuple[str, int]]) -> dict[str, object]:
    """The body of an update."""
    listed = [{"Key": key, "Value": value} for key, value in counters]
    return {"GroupId": group.id, "GroupCounter": listed, "Mode": mode}


def _hidden(secret: Secret, usersig: str) -> list[str]:
    return [usersig, secret.key, *(caller.token for caller in secret.callers if caller.token)]
