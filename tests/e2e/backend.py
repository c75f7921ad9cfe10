"""A mobile backend: it asks the function over HTTP, as callers do, and remembers all that it was told."""

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urljoin

from tests.sandbox.caller import Answer, ask
from tests.sandbox.environment import TOKEN

UPDATE: Final = "/v1/update_group_counter"


def increase_body(group: str, value: int) -> bytes:
    """The body of a request that increases `like`."""
    fields = {"GroupId": group, "Mode": "Increase", "GroupCounter": [{"Key": "like", "Value": value}]}
    return json.dumps(fields).encode()


def headers(key: str, token: str = TOKEN) -> dict[str, str]:
    """What a request to update a counter carries."""
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": key}


class Backend:
    """A caller at the address of a gateway, concerned with one group."""

    def __init__(self, url: str, group: str) -> None:
        self._url = url
        self._group = group
        self.heard: list[Answer] = []

    def increase(self, key: str, value: int = 1, **more: str) -> Answer:
        return self.send("POST", UPDATE, headers(key) | more, increase_body(self._group, value))

    def state(self, key: str) -> Answer:
        query = f"GroupId={quote(self._group, safe='')}&IdempotencyKey={quote(key, safe='')}"
        return self.send("GET", f"/v1/operations?{query}", headers(key))

    def follow(self, answer: Answer) -> Answer:
        """Ask after an operation where its 202 says."""
        return self.send("GET", urljoin(UPDATE, answer.headers["location"]), headers("unused"))

    def send(self, method: str, target: str, sent: Mapping[str, str], body: bytes = b"") -> Answer:
        """Send one request on a connection of its own."""
        self.heard.append(ask(self._url + target, method, sent, body, timeout_s=30))
        return self.heard[-1]
