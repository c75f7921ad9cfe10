"""Calls that are lost one after another: nothing freezes, all is counted once, and every answer has its counters."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from handler.core.errors import AppRefused
from handler.core.model.codec import encode_row
from handler.core.model.operation import Mode, Operation
from handler.core.model.outcome import Applied, Frozen, Pending
from handler.core.model.row import Group, Row
from handler.core.ports.counter_api import Call, Fault, Refused, Reply, Unclear
from handler.core.ports.system import Notice
from handler.core.protocol.engine import ExactlyOnce
from handler.core.runtime.instance import Instance, TimeBudget
from tests.faults.simulator.stage import GROUP, NEVER, NORMAL, Stage
from tests.faults.world.network import Fate, ReadFate
from tests.faults.world.rules import APP, RULES
from tests.faults.world.simulated import Notices, SimulatedApi, SimulatedClock
from tests.faults.world.unreliable import UnreliableLedger
from tests.faults.world.vendor import SimulatedChat
from tests.faults.world.world import START, World
from tests.sandbox.memory_ledger import MemoryLedger
from tests.sandbox.memory_parked import MemoryParked

A_DAY = replace(RULES, forget_s=86_400)
MINUTE_S = 60


class LosingApi(SimulatedApi):
    """An API of which some updates, named by their number and moment, are refused, answered in vain or not at all."""

    is_lost: Callable[[int, float], bool] = staticmethod(lambda _, __: False)
    replies = False
    refuses = False
    updates = 0

    def update(self, call: Call) -> Reply:
        self.updates += 1
        if not self.is_lost(self.updates, self._world.now - START):
            return super().update(call)
        self._world.step("is carried out by nobody")
        if self.refuses:
            return Refused(60020, "not from this address", Fault.APP, int(self._world.now))
        self._world.pause(0.05 if self.replies else self._timeout_s)
        return Unclear("code 10002", int(self._world.now)) if self.replies else Unclear("timeout")


class Groups:
    """Many groups, one instance, and a sweep each minute, with the settings that the function has by default."""

    def __init__(self, count: int) -> None:
        self.world = World(1, recording=False)
        self.chat = SimulatedChat(self.world)
        self.all = [Group(APP, f"group {number}") for number in range(count)]
        for group in self.all:
            self.chat.create(group)
        self.memory = MemoryLedger(SimulatedClock(self.world, 0.0))
        self.api = LosingApi(self.world, self.chat, A_DAY.timeout_s)
        self.notices = Notices(self.world)
        ledger, clock = UnreliableLedger(self.world, self.memory), SimulatedClock(self.world, 0.0)
        self._instance = Instance.of(
            ledger=ledger,
            api=self.api,
            clock=clock,
            chance=self.world.chance,
            reporter=self.notices,
            parked=MemoryParked(),
            rules=A_DAY,
        )
        self.told: list[object] = []

    def call(self, group: Group, key: str, *, at_s: float, wait_s: float = 5.0) -> None:
        operation = Operation(
            group_id=group.id,
            mode=Mode.INCREASE,
            counters=(("like", 1),),
            caller="caller",
            key=key,
            window_s=1_296_000.0,
        )

        def life() -> None:
            now = self._instance.clock.monotonic()
            budget = TimeBudget(until=now + wait_s, deadline=now + 600)
            try:
                self.told += ExactlyOnce(self._instance, APP).apply(group.id, [operation], budget)
            except AppRefused as error:
                self.told.append(error)

        self.world.at(START + at_s, lambda: self.world.spawn(key, life))

    def play(self, limit_s: int) -> None:
        """Let everything happen until that moment, with sweeps as the deployed function has them."""
        for at_s in range(MINUTE_S // 5, limit_s, MINUTE_S):
            self.world.at(START + at_s, lambda: self.world.spawn("sweep", self._sweep))
        self.world.run(lambda: False, limit_s)
        self.world.end()

    def _sweep(self) -> None:
        ExactlyOnce(self._instance, APP).sweep(self._instance.clock.monotonic() + MINUTE_S - 5)

    @property
    def rows(self) -> list[Row]:
        return [row for row in map(self.memory.load, self.all) if row is not None]

    def likes(self) -> list[int]:
        return [self.chat.groups[group].get("like", 0) for group in self.all]


@pytest.mark.parametrize("replies", [True, False])
@pytest.mark.parametrize("seconds", [150, 3600])
def test_an_outage_of_updates_freezes_no_group(seconds: int, replies: bool) -> None:
    """Reads go on meanwhile. It costs few calls, its callers are told 202, and all is counted once when it is over."""
    groups = Groups(20)
    groups.api.replies = replies
    groups.api.is_lost = lambda _, now: 10 <= now < 10 + seconds
    for number, group in enumerate(groups.all):
        groups.call(group, f"first {number}", at_s=0.1)
        groups.call(group, f"lost {number}", at_s=11)
        groups.call(group, f"late {number}", at_s=11 + seconds / 2)
    groups.play(seconds + 300)
    assert [row.frozen for row in groups.rows] == [None] * 20
    assert groups.likes() == [3] * 20
    assert all(row.is_settled for row in groups.rows)
    assert len([told for told in groups.told if isinstance(told, Pending)]) == 40
    # An attempt each minute, the first ones closer to each other.
    assert groups.api.updates < 20 * (seconds / MINUTE_S + 7)
    assert (Notice.CALLS_KEEP_FAILING in groups.notices.counts) == (seconds == 3600)


def test_a_vendor_that_hangs_is_not_called_again_and_again() -> None:
    """A caller that comes back every six seconds makes no more calls than the intervals allow, and no larger row."""
    groups = Groups(1)
    groups.api.is_lost = lambda number, _: number > 1
    groups.call(groups.all[0], "first", at_s=0.1)
    for number in range(50):
        groups.call(groups.all[0], "key", at_s=2 + 6 * number)
    groups.play(2 + 6 * 50)
    [row] = groups.rows
    assert [type(told) for told in groups.told] == [Applied] + [Pending] * 50
    assert 5 <= groups.api.updates <= 9
    assert (row.frozen, len(row.owed)) == (None, 1)
    assert len(encode_row(row)) < 2048


def test_an_app_that_is_refused_for_five_minutes_is_tried_seldom_and_counts_all_once() -> None:
    """As when its address is not allowed: a refusal is no loss, and nothing waits longer once it is over."""
    groups = Groups(10)
    groups.api.refuses = True
    groups.api.is_lost = lambda _, now: 10 <= now < 310
    for number, group in enumerate(groups.all):
        groups.call(group, f"first {number}", at_s=0.1)
        groups.call(group, f"owed {number}", at_s=9.97 + number / 20)
    groups.play(420)
    turned_away = sum(isinstance(told, AppRefused) for told in groups.told)
    assert 0 < turned_away < 10
    assert sum(groups.likes()) == 20 - turned_away
    assert [row.frozen for row in groups.rows] == [None] * 10
    assert groups.api.updates < 20 + 3 * 10
    assert Notice.ATTEMPT_EXPIRED not in groups.notices.counts


def test_a_busy_group_that_loses_a_call_now_and_then_never_freezes() -> None:
    """Of 540 calls every 60th has no effect: nine within the day for which lost ones are kept in mind."""
    groups = Groups(1)
    groups.api.is_lost = lambda number, _: number % 60 == 0
    for number in range(540):
        groups.call(groups.all[0], f"key {number}", at_s=number * 40, wait_s=30)
    groups.play(540 * 40 + 300)
    [row] = groups.rows
    assert (row.frozen, row.is_settled, len(row.remembered)) == (None, True, 8)
    assert groups.likes() == [540]
    assert all(isinstance(told, Applied) for told in groups.told)
    assert Notice.ATTEMPT_DROPPED in groups.notices.counts
    assert Notice.CALLS_KEEP_FAILING not in groups.notices.counts


def losing(times: int) -> Stage:
    """A group whose operation was lost so often in a row, and has landed then."""
    stage = Stage(rules=A_DAY)
    stage.expect(NORMAL, *[NEVER] * times)
    stage.call("start", stage.operation("start", 1))
    stage.call("A", stage.operation("a", 10), at_s=1, wait_s=500)
    return stage


def test_a_remembered_call_that_lands_after_all_is_owed_back() -> None:
    """Memory that is full still tells each of those that are in it."""
    stage = losing(9)
    stage.land_again(at_s=520)
    stage.sweep(at_s=600)
    stage.play(700)
    assert stage.answers["A"] == [Applied((("like", 11),))], stage.story
    assert stage.notices.counts[Notice.LATE_LANDING] == 1, stage.story
    assert (stage.likes, stage.row.debt, stage.row.frozen) == (11, (), None), stage.story


def test_a_call_that_was_dropped_and_lands_after_all_freezes() -> None:
    """Nothing explains it any more: it is not silent, and what it was stands in the log."""
    stage = losing(9)
    first: list[Call] = []
    update = stage.api.update

    def noting(call: Call) -> Reply:
        first.extend([call] if call.values["like"] == 10 and not first else [])
        return update(call)

    stage.api.update = noting  # type: ignore[method-assign]  # the first of the lost calls is wanted
    stage.world.at(START + 520, lambda: stage.chat.apply(first[0]))
    stage.call("B", stage.operation("b", 100), at_s=540)
    stage.play(600)
    assert isinstance(stage.answers["B"][0], Frozen), stage.story
    assert stage.notices.counts[Notice.ATTEMPT_DROPPED] == 1, stage.story
    assert f"'weight': {first[0].values['_receipt']}" in stage.story


def test_seed_176869_an_answer_has_the_counters_of_its_own_operation() -> None:
    """A merged call is refused by 10016 and carried out; the reply to the first of its halves settles both.

    The reply shows the counters of that half alone: the other's are read before it is answered.
    """
    stage = Stage()
    stage.expect(NORMAL, Fate(code=10016, lies=True), NORMAL)
    stage.call("start", stage.operation("start", 1))
    likes = stage.operation("a", 10)
    both = [likes, replace(likes, key="b", counters=(("gift", 5),))]
    stage.world.at(START + 4, lambda: stage.api.fates.reads.append(ReadFate(code=10016)))
    stage.call("AB", *both, at_s=5)
    stage.sweep(at_s=40)
    stage.play()
    told = [dict(one.counters).keys() for one in stage.answers["AB"] if isinstance(one, Applied)]
    assert told == [{"like"}, {"gift"}], stage.story
    assert (stage.likes, stage.chat.groups[GROUP]["gift"]) == (11, 5), stage.story


def test_a_counter_that_somebody_has_deleted_is_answered_as_0() -> None:
    """The vendor can delete a group's keys; an Increase of one that is not there counts from 0."""
    stage = Stage()
    stage.expect(NORMAL, Fate(reply_after_s=30.0))
    stage.call("start", stage.operation("start", 1))
    stage.world.at(START + 2, lambda: stage.chat.groups[GROUP].pop("like"))
    stage.call("A", stage.operation("a", 10), at_s=1, wait_s=20)
    stage.play()
    assert stage.answers["A"] == [Applied((("like", 0),), observed_later=True)], stage.story
