"""A client that cannot count twice: one key, repeated ever more rarely until its answer is final, and no longer.

Make the key, such as `str(uuid.uuid4())`, and store it beside your own data before the first try. A process that died
then goes on with the same key, and so does a later one after an answer that was not final.
"""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import requests

UPDATE = "/v1/update_group_counter"
# To connect, and to answer: longer than any function waits.
TIMEOUTS_S = (5, 35)
BACKOFF_MAX_S = 60.0


class Counter(TypedDict):
    Key: str
    Value: int


class Update(TypedDict):
    GroupId: str
    GroupCounter: list[Counter]
    Mode: Literal["Set", "Increase", "Decrease"]


@dataclass(frozen=True)
class Answer:
    """What came back. The status is 0 where nothing did, and the body is empty where it is no JSON object."""

    status: int
    body: Mapping[str, Any]
    retry_after_s: float = 0.0

    @property
    def is_final(self) -> bool:
        """Whether a repetition changes nothing: applied, refused, or held until an operator decides."""
        if self.status == 503:
            return self.body.get("accepted") is True and not self.retry_after_s
        return self.status == 200 or (400 <= self.status < 500 and self.status not in {408, 429})


def count(url: str, token: str, key: str, body: Update, patience_s: float = 900.0) -> Answer:
    """Have an operation counted once. An answer that is not final is the last one within the patience."""
    until, backoff_s = time.monotonic() + patience_s, 0.5
    while True:
        answer = send(url, token, key, body)
        wait_s = max(answer.retry_after_s, backoff_s * random.uniform(0.5, 1.0))
        if answer.is_final or time.monotonic() + wait_s > until:
            return answer
        time.sleep(wait_s)
        backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)


def send(url: str, token: str, key: str, body: Update) -> Answer:
    """One try."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    try:
        reply = requests.post(url + UPDATE, json=body, headers=headers, timeout=TIMEOUTS_S)
    except requests.RequestException:
        return Answer(0, {})
    seconds = reply.headers.get("Retry-After", "")
    return Answer(reply.status_code, _fields(reply), float(seconds) if seconds.isdecimal() else 0.0)


def _fields(reply: requests.Response) -> Mapping[str, Any]:
    try:
        fields = reply.json()
    except requests.JSONDecodeError:
        return {}
    return fields if isinstance(fields, dict) else {}
