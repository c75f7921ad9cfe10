"""The vendor's group counters over HTTP: the core's `CounterApi` and `ProbeApi`, over calls that are signed one by one.

A call takes the vault's secret of the moment, makes a UserSig, sends once, and has the reply judged. Each region of
the vendor has a host of its own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from handler.chat.response import reply_of
from handler.chat.transport import Answer, Query, Transport
from handler.chat.usersig import Validity, sign
from handler.core.errors import NotAccepted, SettingsError
from handler.core.model.row import Group
from handler.core.ports.counter_api import Call, Fault, ProbeCall, Refused, Reply, Unsent
from handler.core.ports.system import Chance
from handler.core.ports.vault import Secret, Vault
from handler.redaction import guard_logs

UPDATE = "update_group_counter"
READ = "get_group_counter"

# The vendor's code for a UserSig of another app, which is what its answer would be.
OTHER_APP = 70014

# A read changes nothing, so its signature need not die soon; this much lets a local clock be wrong before the first
# `Date` has been seen. An app whose API refuses short signatures needs more.
READ_LIFE_S = 60

# The time limit of an instance's first request, which reads a group that need not exist.
GREETING_S = 1.0
NO_GROUP = "_"


class SignedCalls(msgspec.Struct, frozen=True):
    """Calls over one transport with the secret of one vault. `chance` has to be a secure source."""

    transport: Transport
    vault: Vault
    chance: Chance

    def update(
        self,
        group: Group,
        mode: str,
        counters: Collection[tuple[str, int]],
        validity: Validity,
        *,
        random: int | None = None,
    ) -> Reply:
        """Send one update, after which the reply must show all of its keys."""
        listed = [{"Key": key, "Value": value} for key, value in counters]
        content = {"GroupId": group.id, "GroupCounter": listed, "Mode": mode}
        return self._post(UPDATE, group, content, validity, shown={key for key, _ in counters}, random=random)

    def read(self, group: Group, keys: Sequence[str], validity: Validity, *, fresh: bool = False) -> Reply:
        """Read these counters, or all of them if `keys` is empty; a `fresh` read goes over a new connection."""
        content = {"GroupId": group.id, **({"GroupCounterKeys": list(keys)} if keys else {})}
        return self._post(READ, group, content, validity, fresh=fresh)

    def _post(
        self,
        command: str,
        group: Group,
        content: Mapping[str, object],
        validity: Validity,
        *,
        shown: Collection[str] = (),
        random: int | None = None,
        fresh: bool = False,
    ) -> Reply:
        """Make one call, after which all of `shown` must be in the reply.

        Without a `random` it has a new one, so that no cache on the way can take one call for another.
        """
        try:
            secret = self.vault.current()
        except (NotAccepted, SettingsError) as error:
            return Unsent(f"no secret: {type(error).__name__}")
        if secret.sdkappid != group.app:
            return Refused(OTHER_APP, "the secret belongs to another app", Fault.APP, date=None)
        usersig = sign(secret.sdkappid, secret.identifier, secret.key, validity)
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


class ChatClient:
    """Calls the API at `base_url` over kept-alive connections, for up to `connections` threads at once.

    A call takes `timeout_s` at most, from connecting to the end of the reply, apart from looking up the host's name. It
    is sent once or not at all. `chance` has to be a secure source. No error of the HTTP library gets out of here, and
    neither do secrets or signatures; from the first client on, that goes for the HTTP library's own log too.
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
        self.host = urlsplit(base_url).hostname or ""
        self._transport = Transport(base_url, timeout_s, connections)
        self._vault = vault
        self._read_life_s = read_life_s
        self.calls = SignedCalls(self._transport, vault, chance)

    def update(self, call: Call) -> Reply:
        """Send one update, signed with the call's own time and life."""
        return self.calls.update(
            call.group, call.mode.value, call.values.items(), Validity(call.signed_at, call.life_s)
        )

    def read(self, group: Group, keys: Sequence[str], now: int, *, fresh: bool = False) -> Reply:
        """Read these counters, or all of them; those that the group does not have are not in the reply."""
        return self.calls.read(group, keys, Validity(now, self._read_life_s), fresh=fresh)

    def greet(self, app: int, now: int) -> Reply:
        """Ask for anything, within `GREETING_S`: the reply tells the API's time, and its connection is kept (R12)."""
        quick = msgspec.structs.replace(self.calls, transport=self.calls.transport.within(GREETING_S))
        return quick.read(Group(app, NO_GROUP), (), Validity(now, self._read_life_s))

    def renew_credentials(self) -> bool:
        """Fetch the secret again, because the vendor says that it is wrong; whether it is another one now."""
        known = self._vault.current()
        return self._vault.refresh() is not known

    def close(self) -> None:
        """End the connections that are kept."""
        self._transport.close()


class ProbeClient(msgspec.Struct, frozen=True):
    """The core's `ProbeApi`, over the connections of a `ChatClient`."""

    calls: SignedCalls

    def update(self, trial: ProbeCall) -> Reply:
        """Send one update."""
        validity = Validity(trial.signed_at, trial.life_s)
        return self.calls.update(trial.group, trial.mode.value, trial.counters, validity, random=trial.random)

    def read(self, group: Group, time: int, life: int, *, fresh: bool = False) -> Reply:
        """Read all counters of the group; a `fresh` read goes over a new connection."""
        return self.calls.read(group, (), Validity(time, life), fresh=fresh)


def _hidden(secret: Secret, usersig: str) -> list[str]:
    return [usersig, secret.key, *(caller.token for caller in secret.callers if caller.token)]


# Hosts as on tencentcloud.com/document/product/1047/34620, Tokyo as on cloud.tencent.com/document/product/269/85952
# and Riyadh as on trtc.io/ko/document/53427. Mumbai stood on pages of early 2024 and has been gone since July 2024.
HOSTS: Mapping[str, str] = {
    "china": "console.tim.qq.com",
    "singapore": "adminapisgp.im.qcloud.com",
    "seoul": "adminapikr.im.qcloud.com",
    "tokyo": "adminapijpn.im.qcloud.com",
    "frankfurt": "adminapiger.im.qcloud.com",
    "silicon-valley": "adminapiusa.im.qcloud.com",
    "jakarta": "adminapiidn.im.qcloud.com",
    "riyadh": "adminapiksa.im.qcloud.com",
}


def base_url(region: str) -> str:
    """The address of the API in one of the eight regions."""
    return f"https://{HOSTS[region]}"
