"""Who calls and who is told, and what is needed for that."""

from dataclasses import replace

from tests.faults.model.aspect import Aspect, Mutant
from tests.faults.model.calls import blame, pausing, telling, turns
from tests.faults.model.calls.blame import Blaming
from tests.faults.model.calls.pausing import Pausing
from tests.faults.model.calls.telling import Telling
from tests.faults.model.calls.turns import Turning


def aspects() -> list[Aspect]:
    return [_tellings(), _blames(), _turns(), _pauses_of_all()]


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
    large = [replace(every, lost=1), replace(refused, lost=1), Pausing(2, of_all=False), Pausing(2)]
    return Aspect("a pause of every group", "R15", [every, one, new, refused, busy], large, mutants)
