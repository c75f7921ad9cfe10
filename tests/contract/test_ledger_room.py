"""Operations on the longest keys there are, calls that are lost, and a full queue: each of them ends (R13)."""

import random
from collections.abc import Callable

import pytest

from handler.core.errors import TooManyCalls
from handler.core.model.operation import KEY_BYTES, Mode, Operation
from handler.core.model.outcome import Applied, Frozen, Outcome, Pending, Rejected
from handler.core.ports.counter_api import Fault, Refused, Reply, Unclear
from handler.core.protocol.engine import ExactlyOnce
from handler.core.runtime.instance import Instance, TimeBudget
from tests.contract.stores import OpenLedger
from tests.sandbox.memory_parked import MemoryParked
from tests.unit.core.samples import BASE, NOW, HandClock, Notices
from tests.unit.core.scene import APP, RULES, StagedApi

GROUP_ID = "@TGS#nasty"
WINDOW_S = 1_296_000.0
KEYS = 19
LOST = 8


class Nasty:
    """An instance on the ledger under contract, whose callers name keys that JSON writes much longer."""

    def __init__(self, ledger: OpenLedger, character: str) -> None:
        self.clock = HandClock()
        self.api = StagedApi(self.clock, {"_receipt": BASE})
        self.notices = Notices()
        self.instance = Instance.of(
            ledger=ledger,
            api=self.api,
            clock=self.clock,
            chance=random.Random(1),
            reporter=self.notices,
            parked=MemoryParked(),
            rules=RULES,
        )
        self.counters = ExactlyOnce(self.instance, APP)
        self.character = character
        self.asked: list[Operation] = []
        self.owed: list[Operation] = []

    def operation(self, kind: str) -> Operation:
        heads = (f"{kind}{number:02}" for number in range(KEYS))
        width = len(self.character.encode())
        counters = tuple((head + self.character * ((KEY_BYTES - len(head)) // width), 1) for head in heads)
        key = f"{kind}-{len(self.asked)}"
        return Operation(
            group_id=GROUP_ID, mode=Mode.INCREASE, counters=counters, caller="caller", key=key, window_s=WINDOW_S
        )

    def ask(self, operation: Operation, seconds: float = 3.0) -> Outcome:
        now = self.clock.moment
        [outcome] = self.counters.apply(GROUP_ID, [operation], TimeBudget(now + seconds, now + seconds + 60))
        self.asked.append(operation)
        self.owed.append(operation)
        return outcome

    def fill(self) -> None:
        """Let others wait with keys of their own until there is no more room."""
        for number in range(400):
            try:
                self.ask(self.operation(f"o{number % 4}"), seconds=0.0)
            except TooManyCalls:
                return
        raise AssertionError("there is always room")

    def sweep(self, until: Callable[[], bool]) -> None:
        for _ in range(120):
            if until():
                return
            self.counters.sweep(self.clock.moment + 12)
            self.clock.advance(10)
        raise AssertionError(f"it never is: {self.notices.failures}, {set(self.notices.told)}")

    def outcome(self, operation: Operation) -> Outcome | None:
        return self.counters.ask(
            GROUP_ID, "caller", operation.key, TimeBudget(self.clock.moment, self.clock.moment + 60)
        )

    def has_settled_all(self, *answers: type[Applied | Rejected]) -> bool:
        """Whether each operation has one of these answers; those that have one are asked about once."""
        while self.owed and isinstance(self.outcome(self.owed[-1]), answers):
            self.owed.pop()
        return not self.owed

    def has_no_errors(self) -> bool:
        return not self.notices.failures


@pytest.fixture(params=["\x01", "观"], ids=["control", "wide"])
def nasty(ledger: OpenLedger, request: pytest.FixtureRequest) -> Nasty:
    """A group that has had one landing, on keys that nobody names again."""
    made = Nasty(ledger, request.param)
    made.api.counters["_receipt"] = 2**40
    made.ask(made.operation("a"), seconds=30)
    return made


def lost(nasty: Nasty, *then: Reply) -> Operation:
    """An operation whose first calls are lost one after another, while others fill the queue behind it."""
    wanted = nasty.operation("n")
    nasty.api.updates = [*[Unclear("timeout")] * LOST, *then]
    assert isinstance(nasty.ask(wanted), Pending)
    nasty.fill()
    nasty.sweep(lambda: len(nasty.api.updates) <= len(then))
    return wanted


def test_a_lost_operation_on_long_keys_is_settled_at_last(nasty: Nasty) -> None:
    wanted = lost(nasty)
    nasty.sweep(lambda: nasty.has_settled_all(Applied))
    expected: dict[str, int] = {}
    for operation in nasty.asked:
        for key, value in operation.counters:
            expected[key] = expected.get(key, 0) + value
    assert {key: value for key, value in nasty.api.counters.items() if key != "_receipt"} == expected
    assert isinstance(nasty.outcome(wanted), Applied)
    assert nasty.has_no_errors()


def test_a_refusal_of_long_keys_is_written(nasty: Nasty) -> None:
    wanted = lost(nasty, Refused(10004, "invalid parameter", Fault.OPERATION, NOW))
    nasty.sweep(lambda: isinstance(nasty.outcome(wanted), Rejected))
    nasty.sweep(lambda: nasty.has_settled_all(Applied, Rejected))
    assert nasty.has_no_errors()


def test_a_receipt_that_nothing_explains_freezes_a_full_row(nasty: Nasty) -> None:
    wanted = lost(nasty)
    nasty.api.counters["_receipt"] += 12345
    nasty.sweep(lambda: isinstance(nasty.outcome(wanted), Frozen))
    assert nasty.has_no_errors()
