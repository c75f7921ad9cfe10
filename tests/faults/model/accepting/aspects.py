"""How operations become owed, and what is needed for that."""

from dataclasses import replace

from tests.faults.model.accepting import append_model, beginning, room, store
from tests.faults.model.accepting.acceptance import Acceptance
from tests.faults.model.accepting.append_model import Appending
from tests.faults.model.accepting.beginning import Beginning
from tests.faults.model.accepting.room import Room
from tests.faults.model.accepting.store import Way
from tests.faults.model.aspect import Aspect, Mutant


def aspects() -> list[Aspect]:
    return [_swapping(), _stepping(), _by_epoch(), _appending(), _beginnings(), _room()]


def _swapping() -> Aspect:
    """R1, R5 with a store that does no more than compare-and-swap; records one by one before the row."""
    same = Acceptance((0, 0), Way.SWAP, in_parts=True)
    two = Acceptance((0, 1), Way.SWAP, in_parts=True)
    mutants = [
        Mutant("record_after_row", store.DOUBLE, same),
        Mutant("append_checks_version", store.DOUBLE, same),
        Mutant("begin_checks_version", store.DOUBLE, same),
        Mutant("opening_checks_version", store.DOUBLE, same),
        Mutant("records_first", store.LOST, same),
        Mutant("settle_checks_attempt", store.FALSE_COMPLETED, two),
        Mutant("settle_leaves_queue", store.LOST, two),
        Mutant("sends_only_own", store.DOUBLE, same),
        Mutant("read_after_expiry", store.DOUBLE, same),
        Mutant("late_send_refused", store.DOUBLE, same),
        Mutant("doubt_is_remembered", store.FALSE_REFUSAL, same),
    ]
    large = [replace(two, deliveries=(0, 0, 1)), replace(two, deliveries=(0, 1, 2))]
    return Aspect("accept and settle by compare-and-swap", "R1 R3 R4 R5 R8", [same, two], large, mutants)


def _stepping() -> Aspect:
    """R1 where the store accepts in one step, and may begin in the same step."""
    same, two = Acceptance((0, 0), Way.STEP), Acceptance((0, 1), Way.STEP)
    mutants = [
        Mutant("begin_checks_record", store.DOUBLE, same),
        Mutant("begin_checks_attempt", store.LOST, two),
        Mutant("begin_checks_queue", store.DOUBLE, same),
        Mutant("append_checks_owed", store.DOUBLE, same),
    ]
    large = [replace(two, deliveries=(0, 0, 1)), replace(two, deliveries=(0, 1, 2))]
    return Aspect("accept and begin in one step", "R1", [same, two], large, mutants)


def _by_epoch() -> Aspect:
    """R1 where an append is conditional on no settlement or swap since the row was read, and on not being owed."""
    same = Acceptance((0, 0), Way.EPOCH, in_parts=True)
    two = Acceptance((0, 1), Way.EPOCH, in_parts=True)
    mutants = [
        Mutant("append_checks_epoch", store.DOUBLE, same),
        Mutant("append_checks_owed", store.DOUBLE, same),
        Mutant("settling_raises_epoch", store.DOUBLE, same),
        Mutant("record_after_row", store.DOUBLE, same),
    ]
    return Aspect("append by epoch", "R1 R5", [same, two], [replace(two, deliveries=(0, 0, 1))], mutants)


def _appending() -> Aspect:
    """R1 on a store without atomic checks of several items, with the call, its loss and its death step by step."""
    same, two = Appending((0, 0)), Appending((0, 0, 1))
    mutants = [
        Mutant("append_wants_no_settlement", append_model.DOUBLE, two),
        Mutant("append_wants_not_owed", append_model.DOUBLE, two),
        Mutant("beginning_wants_same_version", append_model.DOUBLE, same),
        Mutant("record_after_row", append_model.DOUBLE, same),
        Mutant("records_before_row", append_model.DOUBLE, same),
        Mutant("settlement_ends_the_epoch", append_model.DOUBLE, same),
    ]
    large = [Appending((0, 1, 2)), Appending((0, 0, 1, 1))]
    return Aspect("append beside calls and crashes", "R1 R5", [same, two], large, mutants)


def _beginnings() -> Aspect:
    """R14: a group without a row is looked at first, and one that is gone is refused without a row."""
    same, two = Beginning((0, 0)), Beginning((0, 1))
    there = Beginning((0, 0), exists=True, changes=0, lies=2)
    gone = Beginning((0, 1), exists=True)
    mutants = [
        Mutant("refusal_wants_no_row", beginning.FALSE_REJECTED, same),
        Mutant("creation_wants_no_record", beginning.FALSE_REJECTED, same),
        Mutant("looks_are_repeated", beginning.INNOCENT, there),
    ]
    large = [Beginning((0, 0, 1), changes=2), Beginning((0, 1), exists=True, changes=3, lies=2)]
    return Aspect("a group without a row", "R14", [same, two, there, gone], large, mutants)


def _room() -> Aspect:
    """R13: a row that is bounded, under operations with long keys and a memory of calls that failed."""
    keyed, added = Room(4), Room(2, parts=3)
    mutants = [
        Mutant("acceptance_leaves_room", room.WEDGED, keyed),
        Mutant("memory_gives_way", room.WEDGED, keyed),
        Mutant("known_keys_give_way", room.WEDGED, keyed),
        Mutant("oldest_first", room.OUT_OF_TURN, keyed),
    ]
    large = [Room(5, faults=4), Room(3, parts=3)]
    return Aspect("room in a row", "R13", [keyed, added], large, mutants)
