"""Another backend of the same app: it signs its calls, sends each once, and tells what came back."""

import http.client
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.sandbox.clocks import Clock, RealClock
from tests.sandbox.commands import Mode, Name, path_of
from tests.sandbox.signatures import Signature, sign


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response, read whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def fields(self) -> dict[str, object]:
        """The fields of a JSON body; `ValueError` or `TypeError` for any other body."""
        fields: object = json.loads(self.body)
        if not isinstance(fields, dict):
            raise TypeError("the body is no JSON object")
        return fields


def ask(
    url: str, method: str, headers: Mapping[str, str] | None = None, body: bytes = b"", timeout_s: float = 10.0
) -> Answer:
    """Send one request on a connection of its own; `url` begins with `http://`."""
    host, _, target = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=timeout_s)
    try:
        connection.request(method, f"/{target}", body, dict(headers or {}))
        response = connection.getresponse()
        answered = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, answered, response.read())
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller with a key of the app. It signs at the moment of sending, for `life_s` whole seconds."""

    endpoint: str
    sdkappid: int
    key: str = field(repr=False)
    identifier: str = "administrator"
    life_s: int = 86_400
    timeout_s: float = 10.0
    clock: Clock = field(default_factory=RealClock)

    def update(self, group: str, mode: Mode, counters: Mapping[str, int]) -> Answer:
        items = [{"Key": key, "Value": value} for key, value in counters.items()]
        return self.send("update", {"GroupId": group, "Mode": mode, "GroupCounter": items})

    def get(self, group: str, *keys: str) -> Answer:
        """Read counters of a group; without keys all."""
        return self.send("get", _selection(group, keys))

    def delete(self, group: str, *keys: str) -> Answer:
        """Delete counters of a group; without keys all, the receipt too."""
        return self.send("delete", _selection(group, keys))

    def send(self, name: Name, fields: Mapping[str, object], **parameters: str) -> Answer:
        """Send one call; `parameters` replace those of the URL. Network errors are those of `http.client`."""
        url = self.endpoint + self.target(name, **parameters)
        return ask(url, "POST", body=json.dumps(fields).encode(), timeout_s=self.timeout_s)

    def target(self, name: Name, **parameters: str) -> str:
        """Path and query of one call, freshly signed."""
        signature = Signature(self.identifier, self.sdkappid, int(self.clock.now()), self.life_s)
        query = {
            "sdkappid": str(self.sdkappid),
            "identifier": self.identifier,
            "usersig": sign(signature, self.key),
            "random": str(secrets.randbelow(2**32)),
            "contenttype": "json",
        }
        return f"{path_of(name)}?{urlencode(query | parameters)}"


def _selection(group: str, keys: tuple[str, ...]) -> dict[str, object]:
    return {"GroupId": group, "GroupCounterKeys": list(keys)} if keys else {"GroupId": group}
