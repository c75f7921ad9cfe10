"""When an operation becomes owed, and what its caller may be told if it does not (R1)."""

import pytest
from msgspec.structs import replace

from handler.core.errors import AnswerLost, AppRefused, OutcomeUnknown, RowFull, TooManyCalls
from handler.core.model.operation import INT64_MAX, KEYS_PER_GROUP, Operation, Position, Watermarks
from handler.core.model.outcome import Pending
from handler.core.model.placed import Placed
from handler.core.model.row import Entry, Row
from handler.core.model.row_size import FULL_RETRY_S
from handler.core.ports.counter_api import Fault, Refused
from handler.core.ports.system import Notice, naming
from handler.core.protocol.accept import SATURATED_RETRY_S, SWAPS_MAX, accept
from handler.core.protocol.backoff import FIRST_LOOK_S
from handler.core.protocol.engine import PENDING_RETRY_S
from handler.core.protocol.visit import CONTENTION_S
from handler.core.runtime.instance import TimeBudget
from handler.core.runtime.memory import CALL_GUESS_S
from handler.core.runtime.rate_limiter import Turn
from handler.core.state.folding import Asked
from tests.unit.core.samples import NOW, entry, row
from tests.unit.core.scene import GROUP, RULES, Scene, first, increase

# Nobody calls for it any more, and nothing more may be added to it.
FULL = row(queue=tuple(Entry.of(increase(f"old-{number}")) for number in range(400)))


def test_a_batch_that_the_slow_path_would_refuse_is_not_accepted_on_the_fast_one() -> None:
    """What is opened, remembered and owed on top needs its room."""
    scene = Scene(row())
    batch = [increase(f"key-{number}") for number in range(400)]
    with pytest.raises(TooManyCalls):
        scene.counters.apply(GROUP.id, batch, scene.budget(30))
    assert (scene.api.calls, scene.row) == ([], row())


def asked(*operations: Operation) -> Asked:
    return Asked.of([Entry.of(operation) for operation in operations], KEYS_PER_GROUP - 1)


def ordered(number: int) -> Operation:
    """An operation from a source that delivers those of a group in their order."""
    return replace(increase(f"key-{number}"), position=Position.of("stream/shard", str(number)))


def watermarks(scene: Scene) -> Watermarks:
    return scene.ledger.watermarks(GROUP, [Placed.of(ordered(7)).place.partition])


def slow(scene: Scene) -> None:
    """The ledger cannot append in one step, and somebody else changes the row just before the first swap."""
    scene.ledger.append = lambda *_: None  # type: ignore[method-assign]  # as in a store without that step


@pytest.mark.parametrize("path", ["fast", "slow", "slowest"])
def test_an_operation_whose_position_was_passed_is_not_taken_on_again(path: str) -> None:
    """Its source delivers it again after its answer was forgotten; its caller is told that it is on its way."""
    scene = Scene(row())
    if path != "fast":
        scene.store(row(queue=(entry("old"),)))
    if path == "slowest":
        slow(scene)
    assert scene.counters.apply(GROUP.id, [ordered(7)], scene.budget(5)) == [Pending(PENDING_RETRY_S)]
    before = scene.row
    assert watermarks(scene) == {ordered(7).position.partition: ordered(7).position.sequence}  # type: ignore[union-attr]
    for number in (7, 6):
        assert scene.counters.apply(GROUP.id, [ordered(number)], scene.budget(5)) == [Pending(PENDING_RETRY_S)]
    assert scene.row == before
    assert scene.notices.of(Notice.REPLAYED) == [{"group": "G", **naming([]), "records": 1}] * 2
    assert len(scene.api.calls) == 1


@pytest.mark.parametrize("path", ["in one step", "by swaps"])
def test_an_operation_that_is_owed_is_not_taken_for_one_that_was_passed(path: str) -> None:
    scene = Scene(row(queue=(entry("old"),)))
    if path == "by swaps":
        slow(scene)
    scene.counters.accept(GROUP.id, [ordered(7)])
    scene.counters.apply(GROUP.id, [ordered(7)], scene.budget(5))
    assert (scene.api.counters["like"], scene.row.is_settled) == (10, True)


def test_a_turn_is_given_back_where_the_group_turns_out_to_be_busy() -> None:
    scene = Scene(row(queue=(entry("old"),)))
    visit = scene.visit(5)
    accept(visit, asked(increase("a")))
    assert visit.turns.taken is None


def test_an_app_that_is_refused_takes_nothing_on() -> None:
    """On no path; the caller is told when to come again, and what the vendor says."""
    for before in (row(), row(queue=(entry("old"),)), None):
        scene = Scene(before)
        scene.instance.breaker.trip(Refused(60020, "arrears", Fault.APP, NOW))
        with pytest.raises(AppRefused) as caught:
            scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5))
        assert (caught.value.code, caught.value.info, caught.value.retry_after_s) == (60020, "arrears", 1.0)
        assert scene.ledger.load(GROUP) == before


def test_where_the_rate_is_used_up_a_caller_who_may_be_turned_away_is() -> None:
    for sheds in (True, False):
        scene = Scene(row(queue=(entry("old"),)))
        scene.instance.updates._blocked_until = scene.clock.moment + 60  # noqa: SLF001  # as after many calls
        now = scene.clock.moment
        budget = TimeBudget(until=now, deadline=now, sheds=sheds)
        if not sheds:
            scene.counters.apply(GROUP.id, [increase("a")], budget)
            continue
        with pytest.raises(TooManyCalls, match=r"^the app's calls per second are used up$") as caught:
            scene.counters.apply(GROUP.id, [increase("a")], budget)
        assert caught.value.retry_after_s == SATURATED_RETRY_S


def test_a_full_row_says_when_to_come_again() -> None:
    scene = Scene(row(queue=(entry("old"),)))
    slow(scene)
    batch = [increase(f"key-{number}") for number in range(600)]
    with pytest.raises(TooManyCalls, match=r"^too many operations of this group are waiting$") as caught:
        scene.counters.apply(GROUP.id, batch, scene.budget(30))
    assert caught.value.retry_after_s == FULL_RETRY_S
    full = Scene(FULL)
    with pytest.raises(RowFull):
        full.counters.apply(GROUP.id, batch[:2], full.budget(30))
    assert scene.clock.slept == full.clock.slept == []


def test_a_wait_for_room_does_not_make_the_ledger_look_slow() -> None:
    """Else whoever had to wait would wait as long once more, for each look. Somebody else settles the full row."""
    scene = Scene(FULL)

    def settle() -> None:
        if sum(scene.clock.slept) >= 1.2 and scene.row == FULL:
            scene.store(row(queue=(entry("old"),)))

    first(scene.clock, "sleep", settle)
    visit = scene.visit(30)
    newcomer = Entry.of(increase("a"))
    accepted = accept(visit, asked(increase("a"))).row
    assert accepted is not None
    assert accepted.queue[-1] == newcomer
    assert sum(scene.clock.slept) >= 1.2
    assert visit.backoff.before_first_look_s() <= 1.5 * FIRST_LOOK_S
    assert visit.backoff.poll_s() <= 1.5 * CALL_GUESS_S


def test_who_waits_for_room_holds_no_turn() -> None:
    scene = Scene(FULL, replace(RULES, calls_per_second=20))
    for _ in range(30):
        scene.instance.updates.turn(GROUP.app)
    visit = scene.visit(30)
    held: list[Turn | None] = []
    first(scene.clock, "sleep", lambda: held.append(visit.turns.taken))
    with pytest.raises(RowFull):
        accept(visit, asked(increase("a")))
    assert set(held) == {None}
    assert visit.turns.taken is None


@pytest.mark.parametrize(("seconds", "waited_s"), [(30.0, FULL_RETRY_S), (0.5, 0.5), (0.0, 0.0)])
def test_an_operation_waits_no_longer_for_room_than_it_would_be_told_to(seconds: float, waited_s: float) -> None:
    scene = Scene(FULL)
    slow(scene)
    began = scene.clock.moment
    with pytest.raises(RowFull, match=r"^too many operations of this group are waiting$"):
        scene.counters.apply(GROUP.id, [increase("a")], scene.budget(seconds))
    assert waited_s <= scene.clock.moment - began < waited_s + 0.6
    assert len(scene.clock.slept) <= 10
    assert scene.row == FULL


def test_a_row_that_never_stands_still_says_when_to_come_again() -> None:
    scene = Scene(row(queue=(entry("old"),)))
    scene.ledger.before_swap = [scene.grow] * (SWAPS_MAX + 1)
    began = scene.clock.moment
    with pytest.raises(TooManyCalls, match=r"^too many others change this group at once$") as caught:
        scene.counters.accept(GROUP.id, [increase("a")])
    assert caught.value.retry_after_s == FULL_RETRY_S
    assert scene.ledger.swaps == len(scene.clock.slept) == SWAPS_MAX
    assert scene.clock.moment - began == pytest.approx(SWAPS_MAX * CONTENTION_S, rel=0.3)


def lost() -> None:
    """The answer to a write is lost, and the write with it."""
    raise AnswerLost("lost")


def test_nobody_is_told_no_after_an_answer_was_lost() -> None:
    """What could not be found out is told as that (R1)."""
    scene = Scene(row(queue=(entry("old"),)))
    scene.ledger.before_swap = [lost] * (SWAPS_MAX + 1)
    with pytest.raises(OutcomeUnknown, match=r"^the ledger's answers to an acceptance were lost$"):
        scene.counters.accept(GROUP.id, [increase("a")])


def test_a_refusal_after_a_lost_answer_is_not_believed() -> None:
    """The lost write may have been the one that accepted (R1)."""
    scene = Scene(row(queue=(entry("old"),)))

    def out_of_reach() -> None:
        scene.ledger.out_of_reach = {"records"}
        raise AnswerLost("lost")

    scene.ledger.before_swap = [out_of_reach]
    with pytest.raises(OutcomeUnknown, match=r"^the ledger's answer to an acceptance was lost$") as caught:
        scene.counters.accept(GROUP.id, [increase("a")])
    assert not isinstance(caught.value, AnswerLost)


def test_a_lost_answer_of_a_quicker_path_is_remembered() -> None:
    """The fast path may have accepted, so its failure is not told as none."""
    scene = Scene(row())

    def lose(*arguments: object) -> Row | None:
        scene.ledger.out_of_reach = {"G"}
        raise AnswerLost("lost")

    scene.ledger.begin = lose  # type: ignore[assignment]  # not even a look tells what it did
    with pytest.raises(OutcomeUnknown):
        scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5))


def test_what_does_not_fit_into_one_call_is_not_opened_at_once() -> None:
    """Neither a sum that leaves 64 bits with what was seen last, nor more keys than the receipt leaves room for."""
    wide = [increase(name, **{f"{name}{number}": 1 for number in range(10)}) for name in ("a", "b")]
    for batch, known in (([increase("a"), increase("b")], {"like": INT64_MAX - 7}), (wide, {})):
        scene = Scene(row())
        scene.instance.values_cache.learn(GROUP, known)
        visit = scene.visit(5)
        acceptance = accept(visit, asked(*batch))
        assert acceptance.row is not None
        assert (acceptance.row.attempt, len(acceptance.row.queue)) == (None, 2)


def test_nothing_is_opened_before_its_turn() -> None:
    scene = Scene(row())
    visit = scene.visit(5)
    visit.turns.taken = Turn(scene.clock.moment + 0.5, scene.clock.moment + 1)
    acceptance = accept(visit, asked(increase("a")))
    assert acceptance.row is not None
    assert (acceptance.row.attempt, len(acceptance.row.queue)) == (None, 1)


def test_each_first_row_begins_with_a_version_of_its_own() -> None:
    """What was prepared for a row that has been deleted must not fit the next one."""
    scene, versions = Scene(), list[int]()
    for key in ("a", "b"):
        scene.counters.accept(GROUP.id, [increase(key)])
        versions.append(scene.row.version)
        assert scene.ledger.delete(GROUP, scene.row.version)
    assert min(versions) > 1000
    assert versions[0] != versions[1]
