"""What callers asked of instances and were answered, and whether just that became of the counters."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.e2e.leaks import leaks
from tests.sandbox.chat import ChatServer
from tests.sandbox.environment import TOKEN

RECEIPT: Final = "_receipt"

_SIGNS: Final = {"Increase": 1, "Decrease": -1, "Set": 1}


@dataclass
class Asked:
    """One operation: its body, and every final answer to it. Who sets a counter is the only one to touch it."""

    group: str
    key: str
    mode: str
    counter: str
    value: int
    answers: list[tuple[int, str]] = field(default_factory=list)

    @property
    def event(self) -> dict[str, object]:
        """The HTTP request, as API Gateway hands it over."""
        counters = [{"Key": self.counter, "Value": self.value}]
        return {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/v1/update_group_counter",
            "rawQueryString": "",
            "headers": {"authorization": f"Bearer {TOKEN}", "idempotency-key": self.key},
            "requestContext": {"http": {"method": "POST", "path": "/v1/update_group_counter"}, "stage": "$default"},
            "body": json.dumps({"GroupId": self.group, "GroupCounter": counters, "Mode": self.mode}),
            "isBase64Encoded": False,
        }

    def heard(self, status: int, body: str) -> bool:
        """Keep an answer if it is final; whether it is."""
        is_final = status == 200 or (400 <= status < 500 and status != 429)
        if is_final:
            self.answers.append((status, body))
        return is_final

    @property
    def change(self) -> int:
        """What it has added to its counter, by its first answer."""
        return _SIGNS[self.mode] * self.value if self.answers and self.answers[0][0] == 200 else 0


def audit(asked: Sequence[Asked], server: ChatServer, start: Mapping[str, int] | None = None) -> list[str]:
    """What is wrong with the answers and the counters, in words; `start` is what each group began with."""
    unlike = [f"{one.key} was answered in {len(set(one.answers))} ways" for one in asked if len(set(one.answers)) != 1]
    replies = {one.key: body for one in asked for _, body in one.answers}
    return [*unlike, *_inexact(asked, server, start or {}), *_leaks(replies)]


def _inexact(asked: Sequence[Asked], server: ChatServer, start: Mapping[str, int]) -> Iterator[str]:
    expected: dict[str, dict[str, int]] = {}
    for one in asked:
        counters = expected.setdefault(one.group, dict(start))
        counters[one.counter] = counters.get(one.counter, 0) + one.change
    for group, counters in sorted(expected.items()):
        truth = {key: value for key, value in server.values(group).items() if key != RECEIPT}
        for key in sorted(truth.keys() | counters.keys()):
            if truth.get(key, 0) != counters.get(key, 0):
                yield f"{group} {key} is {truth.get(key, 0)}, not {counters.get(key, 0)}"


def _leaks(replies: Mapping[str, str]) -> Iterator[str]:
    for key, body in replies.items():
        yield from (f"{key} says {what}" for what in leaks(body))
