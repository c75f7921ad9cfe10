"""The vendor's group counters over HTTP: the core's `CounterApi`."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from handler.chat.redaction import guard_logs
from handler.chat.replies import reply_of
from handler.chat.transport import Answer, Query, Transport
from handler.chat.usersig import sign
from handler.core.credentials import Secret, Vault
from handler.core.errors import NotAccepted, SettingsError
from handler.core.ports import Call, Chance, Fault, Refused, Reply, Unsent
from handler.core.rows import Group

# A read changes nothing, so its signature need not die soon; this much lets a local clock be wrong before the first
# `Date` has been seen. An app whose API refuses short signatures needs more.
READ_LIFE_S = 60

# The vendor's code for a UserSig of another app, which is what its answer would be.
OTHER_APP = 70014


class ChatClient:
    """Calls the API at `base_url`; one session of kept-alive connections, for up to `connections` threads at once.

    A call takes `timeout_s` at most, from connecting to the end of the reply, apart from looking up the host's name.
    It is sent once or not at all, whatever happens. `chance` has to be a secure source. Nothing raised by the HTTP
    library gets out of here, and neither do secrets or signatures; from the first client on, that goes for the HTTP
    library's own log too.
    """

    def __init__(
        self,
        base_url: str,
        vault: Vault,
        chance: Chance,
        *,
        timeout_s: float = 4.0,
        connections: int = 10,
        read_life_s: int = READ_LIFE_S,
    ) -> None:
        guard_logs()
        self._transport = Transport(base_url, timeout_s, connections)
        self._vault = vault
        self._chance = chance
        self._read_life_s = read_life_s

    def update(self, call: Call) -> Reply:
        """Send one update, signed with the call's own time and life."""
        counters = [{"Key": key, "Value": value} for key, value in call.values.items()]
        content = {"GroupId": call.group.id, "GroupCounter": counters, "Mode": call.mode.value}
        return self._post("update_group_counter", call.group, content, call.time, call.life, shown=call.values)

    def read(self, group: Group, keys: Sequence[str], now: int) -> Reply:
        """Read these counters, or all of them; those that the group does not have are not in the reply."""
        content = {"GroupId": group.id, **({"GroupCounterKeys": list(keys)} if keys else {})}
        return self._post("get_group_counter", group, content, now, self._read_life_s, shown=())

    def renew_credentials(self) -> None:
        """Fetch the secret anew, because the vendor says that it is wrong."""
        self._vault.refresh()

    def close(self) -> None:
        """End the connections that are kept."""
        self._transport.close()

    def _post(
        self, command: str, group: Group, content: Mapping[str, object], time: int, life: int, shown: Collection[str]
    ) -> Reply:
        try:
            secret = self._vault.current()
        except (NotAccepted, SettingsError) as error:
            return Unsent(f"no secret: {type(error).__name__}")
        if secret.sdkappid != group.app:
            return Refused(OTHER_APP, "the secret belongs to another app", Fault.APP, date=None)
        usersig = sign(secret.sdkappid, secret.identifier, secret.key, time, life)
        query: Query = {
            "sdkappid": secret.sdkappid,
            "identifier": secret.identifier,
            "usersig": usersig,
            # Fresh each time, so that no cache on the way can take one call for another.
            "random": self._chance.getrandbits(32),
            "contenttype": "json",
        }
        answer = self._transport.post(f"/v4/group_open_http_svc/{command}", query, json.dumps(content).encode())
        return reply_of(answer, shown, _hidden(secret, usersig)) if isinstance(answer, Answer) else answer


def _hidden(secret: Secret, usersig: str) -> list[str]:
    return [usersig, secret.key, *(caller.token for caller in secret.callers if caller.token)]
