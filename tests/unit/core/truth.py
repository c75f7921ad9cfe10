"""The vendor's side of one group: what was sent, and what landed; a model that shares no arithmetic with the core."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

from handler.core.model.operation import Mode
from handler.core.model.row import Attempt, Entry
from tests.unit.core.samples import BASE

KEYS = ("like", "share")


@dataclass
class Request:
    """One call that may be on its way, with how often it has landed since the receipt was last explained."""

    attempt: Attempt
    landed: int = 0

    @property
    def is_set(self) -> bool:
        return self.attempt.mode is Mode.SET

    @property
    def shift(self) -> int:
        """What it adds to the receipt, unless it is a Set."""
        return self.attempt.weight if self.attempt.mode is Mode.INCREASE else -self.attempt.weight


@dataclass
class Truth:
    """The group's counters and its receipt, and the requests that may still land."""

    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KEYS, 0))
    receipt: int = BASE
    requests: dict[str, Request] = field(default_factory=dict)

    def send(self, attempt: Attempt) -> None:
        self.requests[attempt.id] = Request(attempt)

    def land(self, attempt_id: str) -> None:
        request = self.requests[attempt_id]
        request.landed += 1
        payments = [
            Entry(
                id="payment",
                fingerprint="",
                mode=request.attempt.mode,
                counters=request.attempt.correction,
                window_s=0.0,
            )
        ]
        for operation in [*request.attempt.entries, *payments]:
            count(self.counters, operation)
        self.receipt = request.attempt.base + request.attempt.weight if request.is_set else self.receipt + request.shift

    @property
    def unexplained(self) -> dict[str, int]:
        """What has landed since the receipt was last explained."""
        return {name: request.landed for name, request in self.requests.items() if request.landed}

    def explained(self) -> None:
        """Somebody has seen all that landed; it does not land again."""
        self.requests = {name: request for name, request in self.requests.items() if not request.landed}

    def may_land(self, open_id: str | None) -> list[str]:
        """The calls that the protocol has to cope with: a Set only while it is open, because a late one overwrites."""
        names = [name for name, request in self.requests.items() if not request.landed]
        return [name for name in names if name == open_id or not self.requests[name].is_set]

    def may_repeat(self, copies: int, open_id: str | None) -> list[str]:
        """The calls whose copies nothing else would explain."""
        names = [name for name in self.may_land(open_id) if not self.requests[name].is_set]
        shifts = [request.shift for request in self.requests.values() if not request.is_set]
        sums = {sum(some) for size in range(len(shifts) + 1) for some in combinations(shifts, size)}
        return [name for name in names if copies * self.requests[name].shift not in sums]


def count(counters: dict[str, int], operation: Entry) -> None:
    for key, value in operation.counters:
        if operation.mode is Mode.SET:
            counters[key] = value
        elif operation.mode is Mode.INCREASE:
            counters[key] += value
        else:
            counters[key] -= value


def one_by_one(before: Mapping[str, int], operations: tuple[Entry, ...]) -> dict[str, tuple[tuple[str, int], ...]]:
    """What each operation of a run would have been told, had it been sent in a call of its own."""
    counters, told = dict(before), {}
    for operation in operations:
        count(counters, operation)
        told[operation.id] = tuple((key, counters[key]) for key, _ in operation.counters)
    return told
