"""What is modelled, aspect by aspect: small worlds, larger ones, and the rules without which the small ones break."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from handler.core.model.operation import Mode
from handler.core.runtime.api_clock import NEAR_S
from handler.core.state.receipts import WEIGHT_MIN
from tests.faults.model import checker
from tests.faults.model.accepting import append_model, beginning, room, store
from tests.faults.model.accepting.acceptance import Acceptance
from tests.faults.model.accepting.append_model import Appending
from tests.faults.model.accepting.beginning import Beginning
from tests.faults.model.accepting.room import Room
from tests.faults.model.accepting.store import Way
from tests.faults.model.calls import blame, pausing, telling, turns
from tests.faults.model.calls.blame import Blaming
from tests.faults.model.calls.pausing import Pausing
from tests.faults.model.calls.telling import Telling
from tests.faults.model.calls.turns import Turning
from tests.faults.model.checker import Report, World
from tests.faults.model.clocks import ahead, clock, dating
from tests.faults.model.clocks.ahead import Ahead
from tests.faults.model.clocks.clock import Clocks
from tests.faults.model.clocks.dating import Dating
from tests.faults.model.groups import group
from tests.faults.model.groups.group import Faults
from tests.faults.model.groups.worlds import GroupWorld
from tests.faults.model.streams import stretches, watermark_model
from tests.faults.model.streams.stretches import Stretches
from tests.faults.model.streams.watermark_model import HALVES, Raised, Watermarks

AnyWorld: TypeAlias = (
    Acceptance
    | Ahead
    | Appending
    | Beginning
    | Blaming
    | Clocks
    | Dating
    | GroupWorld
    | Pausing
    | Room
    | Stretches
    | Telling
    | Turning
    | Watermarks
)

UP, DOWN, SET = Mode.INCREASE, Mode.DECREASE, Mode.SET


@dataclass(frozen=True)
class Mutant:
    """A rule left out, or put otherwise, what breaks then, and the world in which it does."""

    rule: str
    breaks: str
    world: AnyWorld
    put: object = False

    def check(self) -> Report:
        """Look for the shortest trace that breaks it."""
        changed: dict[str, Any] = {"rules": replace(cast("Any", self.world.rules), **{self.rule: self.put})}
        if isinstance(self.world, GroupWorld):
            # The numbers on a shelf are those of one search.
            changed["shelf"] = group.Shelf()
        return check(replace(cast("Any", self.world), **changed), self.breaks)


@dataclass(frozen=True)
class Aspect:
    """One part of the protocol. `small` is checked by every run of the tests, `large` by the command line."""

    name: str
    headings: str
    """The rules of the rule book that it is about."""
    small: Sequence[AnyWorld]
    large: Sequence[AnyWorld]
    mutants: Sequence[Mutant]


def check(world: AnyWorld, until: str | None = None) -> Report:
    """Visit all states of a world, or no more than are needed to see a property broken; each kind has its own."""
    return checker.check(cast("World[Hashable]", world), until)


def aspects() -> list[Aspect]:
    return [
        _swapping(),
        _stepping(),
        _by_epoch(),
        _refusals(),
        _tellings(),
        _blames(),
        _late(),
        _sets(),
        _first_use(),
        _copies(),
        _others(),
        _stream(),
        _lifts(),
        _losses(),
        _dates(),
        _clocks(),
        _ahead(),
        _appending(),
        _watermarks(),
        _stretches(),
        _room(),
        _beginnings(),
        _turns(),
        _pauses(),
        _pauses_of_all(),
    ]


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
    return Aspect("accept and begin in one step", "R1", [same, two], [replace(two, deliveries=(0, 0, 1))], mutants)


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


def _tellings() -> Aspect:
    """R6: a rejection is told by the reply of the visit that the entry names, else by a note and a parked record."""
    twice, over_http = Telling(), Telling(over_http=True)
    mutants = [
        Mutant("rejections_are_noted", telling.UNTOLD, twice),
        Mutant("deliveries_acknowledge", telling.UNTOLD, over_http),
        Mutant("only_the_teller_goes_without_a_note", telling.UNTOLD, twice),
        Mutant("parks_before_striking", telling.UNTOLD, twice),
    ]
    return Aspect("what a source is told", "R6", [twice, over_http], [Telling(4)], mutants)


def _blames() -> Aspect:
    """R6: 10007 is the group's fault or the app's, as calls in other groups tell."""
    own, lost, two = Blaming(is_of_the_group=True), Blaming(is_of_the_group=False), Blaming(True, another_refuses=True)
    mutants = [
        Mutant("other_groups_are_asked", blame.INNOCENT, lost),
        Mutant("only_later_calls_prove", blame.INNOCENT, lost),
        Mutant("silence_proves_nothing", blame.ACCUSED, own),
        Mutant("all_have_to_refuse", blame.ACCUSED, two),
    ]
    return Aspect("whom 10007 is to blame on", "R6", [own, lost, two], [], mutants)


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


def _dates() -> Aspect:
    """R4 b: one `Date` is wrong, the clock is set back while no call is on its way, or both."""
    wrong, back, both = Dating(wrong=1), Dating(steps=1), Dating(wrong=1, steps=1)
    mutants = [
        Mutant("a_date_heard_before", dating.DOUBLE, wrong),
        Mutant("the_own_date", dating.DOUBLE, wrong),
        Mutant("heard_since_it_was_met", dating.DOUBLE, Dating(wrong=1, before=dating.CLOCK_MAX)),
    ]
    return Aspect("what Dates prove", "R4 R12", [wrong, back], [both, Dating(wrong=1, steps=2)], mutants)


def _clocks() -> Aspect:
    """R12: what one instance believes of the API's time."""
    odd, host, frozen, put = Clocks(odd=1), Clocks(bad_host=True), Clocks(freezes=1), Clocks(sets=1)
    stopped = Clocks(stopped=True)
    mutants = [
        Mutant("stamps_are_borne_out", clock.WRONG, odd),
        Mutant("odd_dates_are_no_evidence", clock.WRONG, host),
        Mutant("a_pair_needs_two_connections", clock.WRONG, host),
        Mutant("a_thaw_ends_evidence", clock.WRONG, frozen),
        Mutant("a_pair_needs_the_time_between", clock.WRONG, stopped),
        Mutant("a_pair_moves_the_clock", clock.DEAF, put),
    ]
    return Aspect("what an instance believes of the time", "R12", [odd, host, frozen, put, stopped], [], mutants)


def _ahead() -> Aspect:
    """R12: a row whose call is signed for a time that is still to come, by a little or by an hour."""
    near, far, odd = Ahead(NEAR_S), Ahead(3600), Ahead(NEAR_S - 10, odd=1)
    mutants = [
        Mutant("far_ahead_freezes", ahead.WAITS, far),
        Mutant("two_dates_have_to_say_so", ahead.NEEDLESS, odd),
    ]
    return Aspect("a row whose time lies ahead", "R12", [near, far, odd], [Ahead(2 * NEAR_S, odd=1)], mutants)


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


def _watermarks() -> Aspect:
    """R13: batches whole, halved, overlapping and again, side by side, with workers that die anywhere."""
    halves = Watermarks(HALVES)
    mutants = [
        Mutant("raised", watermark_model.UNFINISHED, halves, Raised.BEFORE),
        Mutant("raised", watermark_model.DOUBLE, halves, Raised.AFTER),
        Mutant("raised", watermark_model.DOUBLE, halves, Raised.LATE),
        Mutant("row_is_read_first", watermark_model.DOUBLE, halves),
        Mutant("last_owed_counts", watermark_model.DOUBLE, halves),
        Mutant("passed_are_left_out", watermark_model.DOUBLE, halves),
    ]
    small = [Watermarks(batches) for batches in watermark_model.WORLDS]
    return Aspect("watermarks of batches", "R13", small, [], mutants)


def _stretches() -> Aspect:
    """R13, R6: records of a stream that are added up, accepted as far as they are new, and taken apart if refused."""
    mixed = Stretches(((UP, 1), (UP, 1), (SET, 7), (UP, 2)), ((1, 4), (1, 3), (4, 4)))
    refused = Stretches(((UP, 1), (UP, 5), (UP, 1)), ((1, 3), (1, 2), (3, 3)), bad=frozenset({5}))
    over = Stretches(((UP, 1),) * 5, ((1, 5), (1, 3)), most=3)
    mutants = [
        Mutant("a_set_ends_a_stretch", stretches.WRONG_VALUE, mixed),
        Mutant("what_is_beyond_is_added_up_again", stretches.DOUBLE, over),
        Mutant("nothing_is_accepted_behind_what_was_not", stretches.UNFINISHED, mixed),
        Mutant("stretches_are_parted", stretches.INNOCENT, refused),
        Mutant("shared_contents_are_halved", stretches.INNOCENT, over),
    ]
    large = [replace(mixed, records=(*mixed.records, (DOWN, 1), (UP, 1)), batches=((1, 6), (1, 3), (2, 5), (6, 6)))]
    return Aspect("records that are added up", "R6 R13", [mixed, refused, over], large, mutants)


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


def _turns() -> Aspect:
    """R14: turns to call, and places for what is accepted and left to the sweep."""
    calls = Turning(((0, "g"), (0, "g"), (0, "h"), (1, "i")))
    leaves = Turning(((0, "g"), (0, "g"), (0, "h"), (1, "i")), leave=True)
    mutants = [
        Mutant("one_visit_to_a_group_holds_a_turn", turns.TWO_HOLDERS, calls),
        Mutant("unused_turns_are_given_back", turns.WASTED, calls),
        Mutant("late_turns_are_let_go", turns.TOO_MANY, calls),
        Mutant("turns_are_lent_ahead_for_so_long", turns.FAR_AHEAD, calls),
        Mutant("acceptances_need_a_place", turns.BACKLOG, leaves),
        Mutant("unneeded_places_are_given_back", turns.WASTED, leaves),
    ]
    large = [Turning((*calls.visits, (1, "j"))), replace(leaves, visits=(*leaves.visits, (1, "g"), (1, "j")))]
    return Aspect("turns and places", "R14", [calls, leaves], large, mutants)


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


def _pauses_of_all() -> Aspect:
    """R15: what instances know of a pause of every group, and what is on its way when they learn of it."""
    every, one, new = Pausing(), Pausing(of_all=False, lost=1), Pausing(begun=False)
    refused, busy = Pausing(is_refused=True), Pausing(saturated=True)
    mutants = [
        Mutant("the_record_is_read_again", pausing.IN_A_PAUSE, every),
        Mutant("reads_ask_after_their_turn", pausing.IN_A_PAUSE, every),
        Mutant("unsent_are_taken_back", pausing.HELD_UP, every),
        Mutant("own_replies_are_judged", pausing.HELD_UP, replace(refused, of_all=False)),
        Mutant("what_takes_a_look_stays_open", pausing.DOUBLE, one),
        Mutant("accepted_all_the_same", pausing.TURNED_AWAY, busy),
        Mutant("first_looks_wait", pausing.IN_A_PAUSE, new),
    ]
    large = [replace(every, lost=1), replace(refused, lost=1), Pausing(2, of_all=False)]
    return Aspect("a pause of every group", "R15", [every, one, new, refused, busy], large, mutants)
