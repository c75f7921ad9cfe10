"""Every way in which a group freezes, and the operator events that bring it back: afterwards it counts exactly."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import pytest

from handler.core.errors import BadInput
from handler.core.model.operation import Mode, Operation
from handler.core.model.outcome import Applied, Frozen
from handler.core.operator import release as operating
from handler.core.operator.inspect import Inspection, inspect
from handler.core.operator.release import Later, Resolved
from handler.core.operator.verdicts import Decision, OperatorVerdict
from handler.core.ports.counter_api import Call, Fault, Refused, Reply
from handler.core.ports.system import Notice
from handler.core.protocol.visit import Visit
from handler.core.runtime.instance import TimeBudget
from handler.core.state.receipts import Landed, Unexplained
from tests.faults.simulator.stage import GROUP, LANDS_UNHEARD, NEVER, NORMAL, Stage
from tests.faults.world.network import Fate
from tests.faults.world.simulated import SimulatedApi
from tests.faults.world.world import START

LANDED, NOT_LANDED = OperatorVerdict.LANDED, OperatorVerdict.NOT_LANDED

Told: TypeAlias = Inspection | Resolved | Later | BadInput


class StrictApi(SimulatedApi):
    """An API that refuses every Decrease while it is `strict`: so no debt can be paid."""

    strict = False

    def update(self, call: Call) -> Reply:
        if not self.strict or call.mode is not Mode.DECREASE:
            return super().update(call)
        self._world.step("is refused")
        return Refused(10004, "invalid parameter", Fault.OPERATION, int(self._world.now))


class OperatedStage(Stage):
    """A stage with operators; `told` are what they were answered, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.api = self.strict_api = StrictApi(self.world, self.chat, self.rules.timeout_s)
        self.told: list[Told] = []

    def operate(self, order: Callable[[Visit], Told], *, at_s: float, wait_s: float = 60.0) -> None:
        """Let an operator give an order `at_s` seconds from the beginning, in an invocation of `wait_s` seconds."""

        def life() -> None:
            instance = self._instance("operator")
            now = instance.clock.monotonic()
            try:
                told = order(Visit(instance, GROUP, TimeBudget(until=now + wait_s, deadline=now + wait_s + 1)))
            except BadInput as error:
                told = error
            self.told.append(told)
            self.world.tell(f"the operator was told {told!r}")

        self.world.at(START + at_s, lambda: self.world.spawn("operator", life))

    def inspect(self, *, at_s: float) -> None:
        self.operate(inspect, at_s=at_s)

    def adopt(self, *, at_s: float, wait_s: float = 60.0) -> None:
        self.operate(lambda visit: operating.adopt(visit, Decision()), at_s=at_s, wait_s=wait_s)

    def release(
        self, verdict: OperatorVerdict, *, at_s: float, drops_debt: bool = False, **others: OperatorVerdict
    ) -> None:
        """Judge everything that an inspection asks for in one way; `others` are operations by their keys."""
        named = {self.operation(key, 0).id: other for key, other in others.items()}

        def order(visit: Visit) -> Told:
            inspection = inspect(visit)
            verdicts: Mapping[str, OperatorVerdict] = {**dict.fromkeys(inspection.to_be_judged, verdict), **named}
            receipt = inspection.values.get("_receipt", 0)
            return operating.release(visit, Decision(verdicts, drops_debt, receipt))

        self.operate(order, at_s=at_s)

    def informed(self, operations: Sequence[Operation], *, at_s: float) -> None:
        """Look, and release or adopt half a minute later, by what the vendor's own log says has landed."""

        def order(visit: Visit) -> Told:
            shown = inspect(visit)
            if not shown.to_be_judged:
                return operating.adopt(visit, Decision())
            digits = {operation.id: operation.counters[0][1] for operation in operations}
            verdicts = {
                named: LANDED if self.likes // digits[named] % 10 else NOT_LANDED for named in shown.to_be_judged
            }
            return operating.release(visit, Decision(verdicts, receipt=shown.values.get("_receipt", 0)))

        self.inspect(at_s=at_s)
        self.operate(order, at_s=at_s + 20)

    def tampered(self, receipt: int, *, at_s: float) -> None:
        self.world.at(START + at_s, lambda: self.chat.groups[GROUP].update({"_receipt": receipt}))


def recreate(stage: OperatedStage, *, at_s: float) -> None:
    """The group is dismissed and made anew under its id."""

    def anew() -> None:
        stage.chat.dismiss(GROUP)
        stage.chat.create(GROUP)

    stage.world.at(START + at_s, anew)


def assert_counts_on(stage: OperatedStage, likes: int) -> None:
    """Once nothing more happens, the group counts as ever: a new operation, and duplicates of the old ones."""
    stage.play()
    assert stage.row.frozen is None, stage.story
    assert not stage.row.debt, stage.story
    assert not stage.row.owed, stage.story
    assert stage.likes == likes, stage.story


def test_a_recreated_group_whose_operation_landed_counts_on() -> None:
    """The operation of the frozen attempt is told as applied, and the next one counts on top of it."""
    stage = OperatedStage.started()
    a = stage.operation("a", 10)
    stage.expect(Fate(arrives_after_s=3.0, replies=False))
    recreate(stage, at_s=2.5)
    stage.call("A1", a, at_s=1)
    stage.call("A2", a, at_s=15)
    stage.inspect(at_s=20)
    stage.release(LANDED, at_s=40)
    stage.call("A3", a, at_s=50)
    stage.call("B", stage.operation("b", 100), at_s=60)
    assert_counts_on(stage, 110)
    assert isinstance(stage.answers["A2"][0], Frozen), stage.story
    assert isinstance(stage.told[0], Inspection), stage.story
    assert isinstance(stage.told[0].verdict, Unexplained), stage.story
    assert stage.told[0].to_be_judged == (a.id,), stage.story
    assert stage.answers["A3"] == [Applied((("like", 10),), observed_later=True, replayed=True)], stage.story
    assert stage.answers["B"] == [Applied((("like", 110),))], stage.story
    assert stage.notices.counts[Notice.GROUP_RELEASED] == 1, stage.story


def test_a_recreated_group_whose_operation_never_landed_counts_it_now() -> None:
    stage = OperatedStage.started()
    stage.expect(NEVER)
    recreate(stage, at_s=2.5)
    stage.call("A1", stage.operation("a", 10), at_s=1)
    stage.inspect(at_s=20)
    stage.release(NOT_LANDED, at_s=40)
    stage.sweep(at_s=50)
    assert_counts_on(stage, 10)


def test_a_foreign_write_on_the_receipt_is_judged_away() -> None:
    """The reply itself showed the foreign value: what it carried has landed."""
    stage = OperatedStage.started()
    stage.tampered(1, at_s=2)
    stage.call("A", stage.operation("a", 10), at_s=3)
    stage.call("C", stage.operation("c", 1000), at_s=5)
    stage.inspect(at_s=10)
    stage.release(LANDED, at_s=30)
    stage.sweep(at_s=40)
    stage.call("B", stage.operation("b", 100), at_s=60)
    assert_counts_on(stage, 1111)


def test_a_foreign_write_on_a_group_at_rest_is_adopted() -> None:
    """No attempt is open: one event waits, takes the value, and nothing of it is ever counted."""
    stage = OperatedStage.started()
    stage.tampered(7, at_s=2)
    stage.adopt(at_s=3)
    stage.call("B", stage.operation("b", 100), at_s=60)
    assert_counts_on(stage, 101)
    [told] = stage.told
    assert isinstance(told, Resolved), stage.story
    assert (told.changed, told.row.base) == (True, 7), stage.story
    assert stage.notices.counts[Notice.GROUP_ADOPTED] == 1, stage.story


def test_a_group_that_agrees_is_left_as_it_is() -> None:
    stage = OperatedStage.started()
    stage.adopt(at_s=3)
    stage.call("B", stage.operation("b", 100), at_s=10)
    assert_counts_on(stage, 101)
    [told] = stage.told
    assert isinstance(told, Resolved), stage.story
    assert not told.changed, stage.story
    assert Notice.GROUP_ADOPTED not in stage.notices.counts, stage.story


def test_a_restored_store_is_released_with_a_verdict_on_what_waits() -> None:
    """What was counted before the restore is told as landed, what was asked for only after it goes out."""
    stage = OperatedStage.started()
    stage.play_until(2)
    snapshot = stage.memory.snapshot()
    b = stage.operation("b", 10)
    stage.call("B", b, at_s=3)
    stage.play_until(10)
    stage.put_back(snapshot)
    stage.call("B2", b, at_s=12, wait_s=120)
    stage.call("C", stage.operation("c", 100), at_s=100)
    stage.adopt(at_s=120)
    stage.inspect(at_s=130)
    stage.release(NOT_LANDED, at_s=150, b=LANDED)
    stage.sweep(at_s=160)
    stage.call("B3", b, at_s=200)
    stage.call("D", stage.operation("d", 1000), at_s=210)
    assert_counts_on(stage, 1111)
    assert isinstance(stage.answers["B2"][0], Frozen), stage.story
    assert isinstance(stage.told[0], BadInput), stage.story
    assert isinstance(stage.told[2], Resolved), stage.story
    assert (stage.told[2].settled, stage.told[2].row.generation) == (1, 2), stage.story


def test_a_paste_of_all_ids_on_the_screen_settles_nothing_that_was_never_sent() -> None:
    """The operation behind the frozen call has never left: it stays owed, and is counted after the release."""
    stage = OperatedStage.started()
    stage.expect(NEVER)
    a, b = stage.operation("a", 10), stage.operation("b", 100)
    stage.call("A", a, at_s=1, wait_s=2)
    stage.tampered(1, at_s=2)
    stage.call("B", b, at_s=2.5, wait_s=2)
    stage.sweep(at_s=20)
    stage.inspect(at_s=60)
    stage.release(NOT_LANDED, at_s=80, b=LANDED)
    stage.release(NOT_LANDED, at_s=81)
    stage.sweep(at_s=90)
    stage.call("B2", b, at_s=150)
    assert_counts_on(stage, 111)
    assert isinstance(stage.told[1], BadInput), stage.story
    assert b.id in str(stage.told[1]), stage.story
    assert isinstance(stage.told[2], Resolved), stage.story
    assert stage.told[2].settled == 0, stage.story
    assert stage.answers["B2"] == [Applied((("like", 111),), replayed=True)], stage.story


def in_debt() -> OperatedStage:
    """A group in which ten likes landed in excess, and whose corrections are refused until it freezes."""
    stage = OperatedStage.started()
    stage.expect(NEVER, NORMAL)
    stage.call("A", stage.operation("a", 10), at_s=1, wait_s=30)
    stage.land_again(at_s=30)
    stage.strict_api.strict = True
    stage.sweep(at_s=40)
    stage.inspect(at_s=100)
    return stage


def test_refused_corrections_are_paid_once_the_reason_is_gone() -> None:
    stage = in_debt()

    def relent() -> None:
        stage.strict_api.strict = False

    stage.world.at(START + 110, relent)
    stage.release(NOT_LANDED, at_s=120)
    stage.sweep(at_s=130)
    stage.call("B", stage.operation("b", 100), at_s=190)
    assert_counts_on(stage, 111)
    assert isinstance(stage.told[0], Inspection), stage.story
    assert stage.told[0].row.debt == (("like", 10),), stage.story


def test_a_debt_that_cannot_be_paid_is_given_up() -> None:
    """The excess stays, as the operator has decided, and nothing else is miscounted."""
    stage = in_debt()
    stage.release(NOT_LANDED, at_s=120, drops_debt=True)
    stage.sweep(at_s=130)
    stage.call("B", stage.operation("b", 100), at_s=190)
    assert_counts_on(stage, 121)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_to_a_tampered_group_an_informed_operator_brings_it_back(seed: int) -> None:
    """Requests are lost, late or unheard, the receipt is written by others: true verdicts make every end exact."""
    stage, chance = OperatedStage.started(), random.Random(seed)
    operations = [stage.operation(f"k{number}", 10 * 10**number) for number in range(4)]
    stage.expect(*chance.choices([NORMAL, NEVER, LANDS_UNHEARD, Fate(4.0, replies=False)], k=4))
    stage.tampered(chance.randrange(9), at_s=chance.uniform(2, 12))
    for number, operation in enumerate(operations):
        stage.call(f"A{number}", operation, at_s=chance.uniform(1, 12), wait_s=chance.uniform(1, 20))
    for round_s in (40, 100):
        stage.informed(operations, at_s=round_s)
        stage.sweep(at_s=round_s + 30)
    stage.call("B", stage.operation("b", 100_000), at_s=160, wait_s=40)
    assert_counts_on(stage, 111_111)


def test_a_hasty_operator_is_told_to_come_later() -> None:
    """While the attempt may still land, neither verdict is taken; it lands, and the next look shows it."""
    stage = OperatedStage.started()
    stage.expect(Fate(arrives_after_s=5.5, replies=False))
    stage.tampered(1, at_s=2)
    stage.call("A", stage.operation("a", 10), at_s=3, wait_s=30)
    stage.release(NOT_LANDED, at_s=8)
    stage.play_until(9.5)
    assert isinstance(stage.told[0], Later), stage.story
    assert (stage.row.frozen is not None, stage.likes) == (True, 11), stage.story
    stage.release(LANDED, at_s=25)
    stage.call("B", stage.operation("b", 100), at_s=40)
    assert_counts_on(stage, 111)


def test_a_verdict_on_an_older_look_is_refused() -> None:
    """What the operator saw before the attempt landed says nothing afterwards."""
    stage = OperatedStage.started()
    a = stage.operation("a", 10)
    stage.expect(Fate(arrives_after_s=5.5, replies=False))
    stage.tampered(1, at_s=2)
    stage.call("A", a, at_s=3, wait_s=30)
    stage.inspect(at_s=8)
    outdated = Decision({a.id: NOT_LANDED}, receipt=1)
    stage.operate(lambda visit: operating.release(visit, outdated), at_s=30)
    stage.release(LANDED, at_s=40)
    stage.call("B", stage.operation("b", 100), at_s=50)
    assert_counts_on(stage, 111)
    assert isinstance(stage.told[1], BadInput), stage.story
    assert stage.told[1].field == "receipt", stage.story


def test_a_verdict_against_the_receipt_is_refused() -> None:
    """Somebody put the receipt right again: it proves that the attempt landed, whatever the operator thinks."""
    stage = OperatedStage.started()
    a = stage.operation("a", 10)
    stage.tampered(1, at_s=2)
    stage.call("A", a, at_s=3)
    stage.play_until(10)
    attempt = stage.row.attempt
    assert attempt is not None, stage.story
    stage.tampered(attempt.base + attempt.weight, at_s=11)
    stage.inspect(at_s=12)
    stage.release(NOT_LANDED, at_s=30)
    stage.release(LANDED, at_s=40)
    stage.call("B", stage.operation("b", 100), at_s=50)
    assert_counts_on(stage, 111)
    assert isinstance(stage.told[0], Inspection), stage.story
    assert isinstance(stage.told[0].verdict, Landed), stage.story
    assert isinstance(stage.told[1], BadInput), stage.story


def test_an_operator_is_refused_while_operations_wait_for_a_verdict() -> None:
    stage = OperatedStage.started()
    stage.tampered(1, at_s=2)
    stage.call("A", stage.operation("a", 10), at_s=3)
    stage.adopt(at_s=30)
    stage.play()
    assert isinstance(stage.told[0], BadInput), stage.story
    assert stage.row.frozen, stage.story


def test_an_adoption_without_the_time_to_wait_changes_nothing() -> None:
    stage = OperatedStage.started()
    stage.tampered(7, at_s=2)
    stage.adopt(at_s=3, wait_s=8)
    stage.adopt(at_s=20, wait_s=8)
    stage.call("B", stage.operation("b", 100), at_s=30)
    assert_counts_on(stage, 101)
    assert isinstance(stage.told[0], Later), stage.story
    assert isinstance(stage.told[1], Resolved), stage.story
