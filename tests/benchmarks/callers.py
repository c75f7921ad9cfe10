"""Many callers of one group at the same moment, each of them an instance of its own with connections of its own.

They are threads of one process, because so many processes on two cores would measure how these are shared.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Barrier
from typing import Final

from handler import bootstrap
from handler.triggers.event_kind import detect
from handler.triggers.http import handler as http
from handler.triggers.http.routes import HttpContext
from handler.triggers.invocation import Invocation
from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.function import TIMEOUT_S, crew, event_of
from tests.benchmarks.upstream import chat_server
from tests.faults.storms.ledgers import Kind
from tests.sandbox.contexts import lambda_context
from tests.sandbox.relay import Relay

CALLERS: Final = 50
MANY: Final = 500
ROUNDS: Final = 3
UPSTREAM_S: Final = 0.06
UPSTREAM_CALLS_MAX: Final = 15
UPSTREAM_CALLS_OF_MANY_MAX: Final = 40
STORE_CALLS_MAX: Final = 6


@dataclass
class Crowd:
    """The callers; `contexts` are their instances once they are warm. A `new` group is one that nobody has used."""

    group: str
    new: bool
    size: int = CALLERS
    contexts: list[HttpContext] = field(default_factory=list)

    def warm_up(self) -> None:
        """Make the instances and let each call for a group of its own."""
        for _ in range(self.size):
            bootstrap.reset()
            self.contexts.append(bootstrap.http_context())
        for caller, context in enumerate(self.contexts):
            _answered(context, f"own-{caller}", self.group)
        if not self.new:
            _answered(self.contexts[0], self.group, "first")

    def work(self) -> object:
        """Let every caller ask once, all at the same moment; the status and the value of each answer, in order."""
        together = Barrier(self.size)

        def ask(caller: int) -> tuple[int, int]:
            together.wait()
            return _answered(self.contexts[caller], self.group, f"key-{caller}")

        with ThreadPoolExecutor(self.size) as threads:
            return sorted(threads.map(ask, range(self.size)))


def measured(kind: Kind, variables: Mapping[str, str], relay: Relay) -> list[Figure]:
    """What the worst of some rounds took, upstream and at the store's socket."""
    figures: list[Figure] = []
    for new in (False, True):
        calls, trips, right = [], [], []
        with chat_server(lag_s=UPSTREAM_S) as chat:
            for caller in range(CALLERS):
                chat.create_group(f"own-{caller}")
            for number in range(ROUNDS):
                group = f"crowded-{kind}-{new}-{number}"
                chat.create_group(group)
                with crew({**variables, "CHAT_ENDPOINT": chat.endpoint}, [Crowd(group, new)]) as start:
                    before, asked = relay.round_trips, len(chat.journal())
                    [answers] = start()
                    trips.append((relay.round_trips - before) / CALLERS)
                right.append(_is_right(answers, CALLERS, new=new))
                calls.append(len(chat.journal()) - asked)
        what = f"{CALLERS} callers of {'a new' if new else 'one'} group on {kind}"
        figures += [
            Figure(what, "all answered right" if all(right) else "not right", "all answered right", all(right)),
            at_most(f"{what}: upstream calls", max(calls), UPSTREAM_CALLS_MAX),
            # A group is new once, and its row is made by swaps: what that takes is shown, and nothing asked of it.
            Figure(f"{what}: store calls per operation", f"{max(trips):.4g}")
            if new
            else at_most(f"{what}: store calls per operation", max(trips), STORE_CALLS_MAX),
        ]
    return figures


def of_many(variables: Mapping[str, str]) -> list[Figure]:
    with chat_server(lag_s=UPSTREAM_S) as chat:
        group = "crowded"
        for name in (group, *(f"own-{caller}" for caller in range(MANY))):
            chat.create_group(name)
        with crew({**variables, "CHAT_ENDPOINT": chat.endpoint}, [Crowd(group, new=False, size=MANY)]) as start:
            asked = len(chat.journal())
            [answers] = start()
        calls = len(chat.journal()) - asked
    assert isinstance(answers, list)
    # Some may be answered that their operation is owed, or be turned away: no two of the others have the same value.
    values = [value for status, value in answers if status == HTTPStatus.OK]
    is_right = len(set(values)) == len(values) and set(values) <= set(range(2, MANY + 2))
    statuses = Counter(status for status, _ in answers)
    what = f"{MANY} callers of one group"
    return [
        Figure(what, "each its own right value" if is_right else "not right", "each its own right value", is_right),
        Figure(f"{what}: answers", ", ".join(f"{number} of {status}" for status, number in sorted(statuses.items()))),
        at_most(f"{what}: upstream calls", calls, UPSTREAM_CALLS_OF_MANY_MAX),
    ]


def _is_right(answers: object, size: int, *, new: bool) -> bool:
    """Each adds one: the answers are all the numbers, after that of the one operation before where there was one."""
    before = 0 if new else 1
    return answers == [(HTTPStatus.OK, value) for value in range(before + 1, before + size + 1)]


def _answered(context: HttpContext, group: str, key: str) -> tuple[int, int]:
    """The status and the counter's value in the answer to one operation over HTTP; 0 where there is no value."""
    invocation = Invocation.of(lambda_context(TIMEOUT_S), time.monotonic)
    kind, content = detect(event_of(group, key))
    reply = http.answer(kind, content, invocation, lambda: context, bootstrap.reports())
    status = int(str(reply["statusCode"]))
    if status != HTTPStatus.OK:
        return status, 0
    [counter] = json.loads(str(reply["body"]))["GroupCounter"]
    return status, counter["Value"]
