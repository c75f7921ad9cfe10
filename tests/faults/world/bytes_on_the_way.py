"""The API as the real client meets it: requests taken apart and replies put together byte by byte.

Instead of a socket there is the simulated network; signatures, bodies and `Date` headers are the real ones.
"""

import json
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache

from handler.chat.client import READ_LIFE_S, ChatClient, SignedCalls
from handler.chat.transport import Answer, Query, Transport
from handler.core.model.operation import Mode
from handler.core.model.row import Group
from handler.core.ports.counter_api import Call, Unclear, Unsent
from handler.core.ports.system import Chance
from handler.core.ports.vault import Vault
from tests.faults.world.network import Network
from tests.faults.world.rules import APP
from tests.faults.world.simulated import REFUSALS
from tests.faults.world.vendor import DONE, Said
from tests.sandbox.signatures import Signature, decode

IDENTIFIER = "administrator"
CALLER, TOKEN = "caller", "simulated-token-of-the-caller"

# The app's key before and after its rotation.
KEYS: Mapping[int, str] = {1: "the-first-key-of-the-app", 2: "the-second-key-of-the-app"}


@lru_cache
def secret_text(version: int) -> str:
    callers = [{"name": CALLER, "token": TOKEN}]
    return json.dumps({"sdkappid": APP, "identifier": IDENTIFIER, "key": KEYS[version], "callers": callers})


class SimulatedTransport(Transport):
    def __init__(self, network: Network, timeout_s: float) -> None:
        self._network = network
        self._within_s = timeout_s
        self._kept = network.connect()

    def post(self, path: str, query: Query, content: bytes, *, fresh: bool = False) -> Answer | Unclear | Unsent:
        """Let the API read a request, and write its reply."""
        connection = self._network.connect() if fresh else self._kept
        signature, body = decode(str(query["usersig"])), json.loads(content)
        group = Group(APP, body["GroupId"])
        if path.endswith("/get_group_counter"):
            keys, secret = body.get("GroupCounterKeys", ()), _version(signature)
            return _written(self._network.read(group, keys, signature.time, secret, self._within_s), connection)
        values = {counter["Key"]: counter["Value"] for counter in body["GroupCounter"]}
        call = Call(
            group=group, mode=Mode(body["Mode"]), values=values, signed_at=signature.time, life_s=signature.expire
        )
        return _written(self._network.update(call, _version(signature), self._within_s), connection)


class SimulatedClient(ChatClient):
    """The real client over that transport."""

    def __init__(self, network: Network, vault: Vault, chance: Chance, timeout_s: float) -> None:
        self._vault = vault
        self._read_life_s = READ_LIFE_S
        self.host = "simulated"
        self.calls = SignedCalls(SimulatedTransport(network, timeout_s), vault, chance)


@lru_cache(maxsize=4096)
def _date(moment: int) -> str:
    return formatdate(moment, usegmt=True)


def _version(signature: Signature) -> int:
    """Which of the app's keys made it; 0 for none of them."""
    return next((version for version, key in KEYS.items() if signature.digest_by(key) == signature.digest), 0)


def _written(said: Said | bool | None, connection: int) -> Answer | Unclear | Unsent:
    if said is None:
        return Unclear("timeout")
    if not isinstance(said, Said):
        return Unsent("no connection")
    info, _ = REFUSALS.get(said.code, ("internal", None))
    body: dict[str, object] = {"ActionStatus": "OK" if said.code == DONE else "FAIL", "ErrorCode": said.code}
    if said.code == DONE:
        counters = [{"Key": key, "Value": value} for key, value in said.values.items()]
        body |= {"ErrorInfo": "", "GroupCounter": counters}
    else:
        body["ErrorInfo"] = info
    return Answer(json.dumps(body).encode(), None if said.date is None else _date(said.date), connection)
