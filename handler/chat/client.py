"""The vendor's group counters over HTTP: the core's `CounterApi`."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from msgspec.structs import replace

from handler.chat.redaction import guard_logs
from handler.chat.signed import SignedCalls, update_content
from handler.chat.transport import Transport
from handler.core.model.row import Group
from handler.core.ports.counter_api import Call, Reply
from handler.core.ports.system import Chance
from handler.core.ports.vault import Vault

# A read changes nothing, so its signature need not die soon; this much lets a local clock be wrong before the first
# `Date` has been seen. An app whose API refuses short signatures needs more.
READ_LIFE_S = 60

# The time limit of an instance's first request, which reads a group that need not exist.
GREETING_S = 1.0
NO_GROUP = "_"


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
        self.host = urlsplit(base_url).hostname or ""
        self._transport = Transport(base_url, timeout_s, connections)
        self._vault = vault
        self._read_life_s = read_life_s
        self.calls = SignedCalls(self._transport, vault, chance)

    def update(self, call: Call) -> Reply:
        """Send one update, signed with the call's own time and life."""
        content = update_content(call.group, call.mode.value, call.values.items())
        return self.calls.post("update_group_counter", call.group, content, (call.time, call.life), shown=call.values)

    def read(self, group: Group, keys: Sequence[str], now: int, *, fresh: bool = False) -> Reply:
        """Read these counters, or all of them; those that the group does not have are not in the reply."""
        content = {"GroupId": group.id, **({"GroupCounterKeys": list(keys)} if keys else {})}
        return self.calls.post("get_group_counter", group, content, (now, self._read_life_s), shown=(), fresh=fresh)

    def greet(self, app: int, now: int) -> Reply:
        """Ask for anything, within `GREETING_S`: the reply tells the API's time, and its connection is kept (R12)."""
        quick = replace(self.calls, transport=self.calls.transport.within(GREETING_S))
        group, signed = Group(app, NO_GROUP), (now, self._read_life_s)
        return quick.post("get_group_counter", group, {"GroupId": NO_GROUP}, signed, shown=())

    def renew_credentials(self) -> None:
        """Fetch the secret anew, because the vendor says that it is wrong."""
        self._vault.refresh()

    def close(self) -> None:
        """End the connections that are kept."""
        self._transport.close()
