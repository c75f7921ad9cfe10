"""One group under faults: what is needed for each of its rules."""

from dataclasses import replace

from handler.core.model.operation import Mode
from handler.core.state.receipts import WEIGHT_MIN
from tests.faults.model.aspect import Aspect, Mutant
from tests.faults.model.groups import group
from tests.faults.model.groups.group import Faults
from tests.faults.model.groups.worlds import GroupWorld

UP, DOWN, SET = Mode.INCREASE, Mode.DECREASE, Mode.SET


def aspects() -> list[Aspect]:
    return [
        _refusals(),
        _late(),
        _sets(),
        _first_use(),
        _copies(),
        _others(),
        _stream(),
        _lifts(),
        _losses(),
        _pauses(),
    ]


def _refusals() -> Aspect:
    """R6: runs are split, one operation alone is rejected, and refusals that lie are found out."""
    run = GroupWorld((0, 1, 2), (UP, UP, UP), Faults(0), bad=frozenset({1}))
    pair = GroupWorld((0, 1), (UP, UP), Faults(2, passing=True, unheard=True), bad=frozenset({1}))
    slow = GroupWorld((0, 0), (UP,), Faults(2, early=True), bad=frozenset({0}))
    lies = GroupWorld((0, 1), (UP, DOWN), Faults(2, lies=True, passing=True))
    mutants = [
        Mutant("runs_are_split", group.INNOCENT, run),
        Mutant("passing_is_not_final", group.INNOCENT, lies),
        Mutant("refusals_are_confirmed", group.FALSE_REJECTED, lies),
        Mutant("refused_are_remembered", group.FROZEN, lies),
        Mutant("rejection_with_the_row", group.FALSE_REJECTED, slow),
        Mutant("rejects_only_its_own", group.FALSE_REJECTED, slow),
        Mutant("weights_differ", group.FALSE_COMPLETED, run),
    ]
    large = [replace(run, faults=Faults(1, passing=True, unheard=True)), replace(lies, faults=Faults(3, lies=True))]
    return Aspect("refusals, splitting and lies", "R4 R6", [run, pair, slow, lies], large, mutants)


def _late() -> Aspect:
    """R7, R11: the bound is broken, and the receipt names what landed; a request that lands twice."""
    late = GroupWorld((0, 1), (UP, DOWN), Faults(2, late=True))
    twice = GroupWorld((0, 1), (UP, DOWN), Faults(2, copied=True))
    bound = GroupWorld((0, 0), (UP,), Faults(3, early=True, unheard=True))
    mutants = [
        Mutant("expired_are_remembered", group.FROZEN, late),
        Mutant("forgets_after_death", group.WRONG_VALUE, late),
        Mutant("excess_is_owed", group.WRONG_VALUE, late),
        Mutant("owed_are_settled_by_a_late_landing", group.WRONG_VALUE, late),
        Mutant("late_send_refused", group.DOUBLE, bound),
        Mutant("read_after_expiry", group.DOUBLE, bound),
    ]
    large = [replace(late, faults=Faults(4, late=True)), replace(late, deliveries=(0, 0, 1))]
    return Aspect("late landings, memory and debt", "R3 R4 R7 R11", [late, twice, bound], large, mutants)


def _sets() -> Aspect:
    """Set among deltas: in the order of acceptance while the bound holds, frozen where a late one overwrites."""
    mixed = GroupWorld((0, 1, 2), (UP, SET, DOWN), Faults(1, early=True))
    lies = GroupWorld((0, 1), (UP, SET), Faults(2, lies=True))
    late = GroupWorld((0, 1, 1), (UP, SET), Faults(2, late=True, crash=False, lost=False))
    apart = GroupWorld((0, 1), (UP, SET), Faults(2, late=True), apart=True)
    mutants = [
        Mutant("set_reads_first", group.WRONG_VALUE, apart),
        Mutant("set_clears_debt", group.WRONG_VALUE, late),
        Mutant("unexplained_freezes", group.WRONG_VALUE, late),
    ]
    large = [replace(mixed, faults=Faults(2, early=True)), replace(mixed, faults=Faults(2, lies=True))]
    return Aspect("Set among deltas", "R2 R7", [mixed, lies, late, apart], large, mutants)


def _first_use() -> Aspect:
    """R9: a group that the ledger does not know, with and without a receipt of an older ledger's."""
    new = GroupWorld((0, 1), (UP, UP), Faults(1), begun=False)
    old = GroupWorld((0, 1), (UP, UP), Faults(1), begun=False, history=True)
    mutants = [
        Mutant("first_use_reads", group.FROZEN, replace(old, history=True)),
        Mutant("adopts_after_the_wait", group.FROZEN, old),
    ]
    large = [replace(old, faults=Faults(2)), replace(new, deliveries=(0, 0, 1))]
    return Aspect("first use and adoption", "R9", [new, old], large, mutants)


def _copies() -> Aspect:
    """R10: the ledger is put back to a copy of any moment, with calls under way."""
    known = GroupWorld((0, 1), (UP, UP), Faults(0, restore=True))
    crash = GroupWorld((0,), (UP,), Faults(1, restore=True))
    unknown = GroupWorld((0,), (UP,), Faults(1, restore=True), begun=False)
    mutants = [
        Mutant("copies_are_verified", group.DOUBLE, crash),
        Mutant("verifies_after_the_wait", group.DOUBLE, crash),
        Mutant("unexplained_freezes", group.DOUBLE, crash),
        Mutant("new_rows_of_a_copy_wait", group.DOUBLE, unknown),
        Mutant("lost_beginnings_freeze", group.DOUBLE, unknown),
    ]
    large = [replace(known, faults=Faults(1, restore=True)), replace(known, begun=False)]
    return Aspect("a ledger that is put back", "R10", [known, crash, unknown], large, mutants)


def _others() -> Aspect:
    foreign = GroupWorld((0, 1), (UP, UP), Faults(2, foreign=True))
    mutants = [Mutant("unexplained_freezes", group.DOUBLE, replace(foreign, deliveries=(0,), modes=(UP,)))]
    return Aspect("a receipt that others write", "R7", [foreign], [replace(foreign, deliveries=(0, 0, 1))], mutants)


def _stream() -> Aspect:
    """R1 for records of a stream, known by their position: repeated deliveries, and a shard that follows another."""
    again = GroupWorld((0, 0, 1), (UP, UP), Faults(1), positions=(("parent", 1), ("parent", 2)))
    new = GroupWorld((0, 0), (UP,), Faults(1, unheard=True), begun=False, positions=(("parent", 1),))
    child = GroupWorld((0, 1), (UP, UP), Faults(1), positions=(("parent", 5), ("child", 1)))
    mutants = [
        Mutant("positions_are_marked", group.DOUBLE, again),
        Mutant("shards_are_told_apart", group.UNFINISHED, child),
    ]
    large = [replace(again, deliveries=(0, 0, 1, 1)), replace(child, deliveries=(0, 0, 1, 1), faults=Faults(2))]
    return Aspect("records of a stream", "R13", [again, new, child], large, mutants)


def _lifts() -> Aspect:
    """R2 where the API cuts a receipt off at zero: lost, late and refused lifts, and what waits behind them."""
    down = GroupWorld((0, 0), (DOWN,), Faults(2), base=0, floor=True)
    mixed = GroupWorld((0, 1), (UP, DOWN), Faults(1, early=True), base=1, floor=True)
    late = GroupWorld((0,), (DOWN,), Faults(3, late=True, crash=False), base=3 * WEIGHT_MIN, floor=True)
    twice = GroupWorld((0,), (DOWN,), Faults(2, copied=True), base=0, floor=True)
    refused = GroupWorld((0, 1), (DOWN, UP), Faults(1), bad=frozenset({0}), base=0, floor=True)
    below = GroupWorld((0, 1), (SET, DOWN), Faults(1), base=-5 * WEIGHT_MIN)
    mutants = [
        Mutant("lifts", group.DOUBLE, down),
        Mutant("begins_by_the_margin", group.DOUBLE, down),
        Mutant("lifts_by_the_margin", group.FROZEN, late),
        Mutant("refused_lifts_reject", group.ENDLESS, refused),
        Mutant("lifts_are_no_debt", group.WRONG_VALUE, down),
    ]
    large = [replace(mixed, deliveries=(0, 1, 2), modes=(DOWN, SET, UP)), replace(down, faults=Faults(3, early=True))]
    return Aspect(
        "a receipt that may not go below zero", "R2", [down, mixed, late, twice, refused, below], large, mutants
    )


def _losses() -> Aspect:
    """R11: call after call is lost, memory is small and full, and what it has given up may land all the same."""
    lost = GroupWorld((0,), (UP,), Faults(4, crash=False), memory=2, forget_ticks=16)
    set_last = GroupWorld((0, 1), (UP, SET), Faults(3, crash=False), memory=1, forget_ticks=4)
    set_first = replace(set_last, modes=(SET, UP))
    late = GroupWorld((0,), (UP,), Faults(4, late=True, crash=False), memory=1, forget_ticks=4)
    more = GroupWorld((0, 1), (UP, DOWN), Faults(3, late=True, crash=False), memory=2, forget_ticks=3)
    down = GroupWorld((0,), (DOWN,), Faults(3, late=True, crash=False), base=0, floor=True, memory=1, forget_ticks=3)
    mutants = [
        Mutant("losses_are_spaced", group.HURRIED, lost),
        Mutant("losses_never_freeze", group.FROZEN, lost),
        Mutant("memory_keeps_the_newest", group.FROZEN, late),
    ]
    large = [replace(late, faults=Faults(5, late=True)), replace(down, faults=Faults(4, late=True))]
    return Aspect(
        "losses in a row, and a full memory", "R11", [lost, set_last, set_first, late, more, down], large, mutants
    )


def _pauses() -> Aspect:
    """R15: an operator pauses and resumes between any two steps; everything is accepted, and nothing is opened."""
    two = GroupWorld((0, 1), (UP, SET), Faults(1, pause=True))
    same = GroupWorld((0, 0), (UP,), Faults(2, pause=True, unheard=True))
    down = GroupWorld((0,), (DOWN,), Faults(1, pause=True), base=0, floor=True)
    mutants = [
        Mutant("pauses_are_obeyed", group.IN_A_PAUSE, same),
        Mutant("beginnings_ask_for_the_pause", group.IN_A_PAUSE, same),
        Mutant("pauses_end", group.UNFINISHED, same),
    ]
    large = [
        replace(two, faults=Faults(2, pause=True, early=True)),
        replace(same, deliveries=(0, 0, 1), modes=(UP, DOWN)),
    ]
    return Aspect("a group that is paused", "R15", [two, same, down], large, mutants)
