"""Turns of the app's rate, and places for what is left to the sweep (R14): who holds one, and who lets go of it.

A schedule lends one turn a tick, or a place every other, with the function's own reckoning; what a visit does with a
turn is the function's own as well. Times are in ticks from now, so the world is finite though it goes on for ever.
"""

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from handler.core.model.row import Group
from handler.core.ports.schedules import Claim, Schedule, Stand
from handler.core.protocol.calls import Turns
from handler.core.runtime.rate_limiter import ASK_AGAIN_S, KEPT_S, Turn
from tests.faults.model.checker import replaced

TOO_MANY = "MORE CALLS THAN TURNS"
TWO_HOLDERS = "TWO VISITS TO A GROUP HOLD A TURN"
WASTED = "A TURN IS LENT AND HELD BY NONE"
FAR_AHEAD = "LENT TOO FAR AHEAD"
BACKLOG = "MORE IS LEFT TO THE SWEEP THAN IT CAN CALL"

# A turn is lent for so many ticks ahead at most, and a place for so many.
AHEAD_MAX = 1.0
PLACES_AHEAD_MAX = 2.0

# So many groups wait for the sweep at most, which calls one a tick: as many as places are lent at once.
BACKLOG_MAX = 2


class Lent(NamedTuple):
    """A schedule: until when it is lent out, what each instance has of it to give, and which places are used up."""

    until: float
    leased: tuple[tuple[float, ...], ...]
    used: tuple[float, ...] = ()


class State(NamedTuple):
    """`taken` is when the turn of each visit comes, `calls` were made in this tick, `unfinished` groups wait."""

    updates: Lent
    places: Lent
    taken: tuple[float | None, ...]
    is_done: tuple[bool, ...]
    calls: int = 0
    unfinished: frozenset[str] = frozenset()


Moves = Iterator[tuple[str, State]]


@dataclass(frozen=True)
class Rules:
    """What holds; each can be left out."""

    one_visit_to_a_group_holds_a_turn: bool = True
    unused_turns_are_given_back: bool = True
    late_turns_are_let_go: bool = True
    turns_are_lent_ahead_for_so_long: bool = True
    acceptances_need_a_place: bool = True
    unneeded_places_are_given_back: bool = True


class _Limiter:
    """What one instance has of a schedule; it leases one at a time."""

    def __init__(self, lent: Lent, instance: int, claim: Claim, rules: Rules) -> None:
        self.stand = Stand(free_at=lent.until)
        self.used = lent.used
        self._others, self._instance = lent.leased, instance
        self._leased = [_turn(at, rules) for at in lent.leased[instance]]
        self._claim, self._rules = claim, rules

    def turn(self, _: int) -> Turn:
        self._leased = [turn for turn in self._leased if turn.until >= 0]
        if self._leased:
            return self._leased.pop(0)
        self.stand, lent = self.stand.lent(self._claim, 0.0)
        if lent.wait_s is None:
            return Turn(ASK_AGAIN_S, ASK_AGAIN_S, is_taken=False)
        return _turn(lent.wait_s, self._rules)

    def give_back(self, turn: Turn) -> None:
        if self._rules.unused_turns_are_given_back:
            insort(self._leased, turn, key=lambda one: one.at)

    def is_saturated(self) -> bool:
        return True

    def lent(self) -> Lent:
        leased = tuple(turn.at for turn in self._leased)
        return Lent(self.stand.free_at, replaced(self._others, self._instance, leased), self.used)


class _Now:
    """The function's own turns of all visits, made from a state and told as one again."""

    def __init__(self, state: State, number: int, world: "Turning") -> None:
        self.state, self._number = state, number
        instance = world.visits[number][0]
        self.updates = _Limiter(state.updates, instance, world.claim(Schedule.UPDATES), world.rules)
        self.acceptances = _Limiter(state.places, instance, world.claim(Schedule.ACCEPTANCES), world.rules)
        taken = [None if at is None else _turn(at, world.rules) for at in state.taken]
        holders: dict[Group, Turn] = {}
        for place, turn in sorted(enumerate(taken), key=lambda one: one[1].at if one[1] else -inf):
            is_known = world.rules.one_visit_to_a_group_holds_a_turn or place == number
            if turn is not None and world.visits[place][0] == instance and is_known:
                holders[Group(1, world.visits[place][1])] = turn
        here = SimpleNamespace(
            clock=SimpleNamespace(monotonic=lambda: 0.0),
            updates=self.updates,
            acceptances=self.acceptances,
            turns_taken=holders,
        )
        self.turns = Turns(cast("Any", here), Group(1, world.visits[number][1]), cast("Any", None))
        self.turns.taken = taken[number]

    def told(self, *, is_done: bool = False, calls: int = 0) -> State:
        state, number = self.state, self._number
        at = None if self.turns.taken is None else self.turns.taken.at
        return state._replace(
            updates=self.updates.lent(),
            places=self.acceptances.lent(),
            taken=replaced(state.taken, number, at),
            is_done=replaced(state.is_done, number, is_done),
            calls=state.calls + calls,
        )


@dataclass(frozen=True)
class Turning:
    """Visits, each of an instance to a group; with `leave`, they accept and leave the call to the sweep."""

    visits: tuple[tuple[int, str], ...]
    leave: bool = False
    rules: Rules = field(default_factory=Rules)

    def claim(self, schedule: Schedule) -> Claim:
        """What an instance asks for: one turn."""
        is_place = schedule is Schedule.ACCEPTANCES
        ahead_max = PLACES_AHEAD_MAX if is_place else AHEAD_MAX
        return Claim(
            app=1,
            schedule=schedule,
            calls=1,
            rate=0.5 if is_place else 1.0,
            ahead_max_s=ahead_max if is_place or self.rules.turns_are_lent_ahead_for_so_long else inf,
            longest_s=2.0,
            now=0.0,
            lag_s=0.0,
        )

    def initial(self) -> State:
        none = Lent(0.0, ((),) * (1 + max(instance for instance, _ in self.visits)))
        return State(none, none, (None,) * len(self.visits), (False,) * len(self.visits))

    def moves(self, state: State) -> Moves:
        for number, (instance, group) in enumerate(self.visits):
            if not state.is_done[number]:
                steps = self._accept if self.leave else self._call
                for what, after in steps(state, number):
                    yield f"visit {number + 1} of instance {instance + 1} to {group} {what}", after
        if not all(state.is_done):
            yield "A TICK", _later(state)

    def _call(self, state: State, number: int) -> Moves:
        now = _Now(state, number, self)
        wait = now.turns.wait_s()
        if wait:
            yield "waits", now.told()
        else:
            held = _Now(now.told(), number, self)
            held.turns.give_back()
            yield "finds its row moved, and waits without a turn", held.told()
            now.turns.use()
            yield "calls", self._served(now.told(is_done=True, calls=1), self.visits[number][1])
        yield "ends", self._ended(state, number)

    def _served(self, state: State, group: str) -> State:
        """One call carries what all visits to the group have accepted."""
        for number, (_, other) in enumerate(self.visits):
            if other == group and not state.is_done[number]:
                state = self._ended(state, number)
        return state

    def _ended(self, state: State, number: int) -> State:
        now = _Now(state, number, self)
        now.turns.end()
        return now.told(is_done=True)

    def _accept(self, state: State, number: int) -> Moves:
        now, group = _Now(state, number, self), self.visits[number][1]
        if self.rules.acceptances_need_a_place and now.turns.place_s():
            yield "waits for a place", now.told()
            return
        needed = group not in state.unfinished or not self.rules.unneeded_places_are_given_back
        place, is_settled = now.turns.place, group not in state.unfinished
        now.turns.use_place(needed=needed)
        if place is not None and is_settled:
            now.acceptances.used = (*now.acceptances.used, place.at)
        yield "accepts", now.told(is_done=True)._replace(unfinished=state.unfinished | {group})

    def broken(self, state: State) -> Iterator[str]:
        if state.calls > 1:
            yield TOO_MANY
        held = [
            self.visits[number]
            for number, at in enumerate(state.taken)
            if at is not None and _turn(at, Rules()).until >= 0
        ]
        if len(held) > len(set(held)):
            yield TWO_HOLDERS
        if any(at > AHEAD_MAX for at in state.taken if at is not None):
            yield FAR_AHEAD
        if len(state.unfinished) > BACKLOG_MAX:
            yield BACKLOG
        taken = {at for at in state.taken if at is not None}
        if _is_wasted(state.updates, taken, 1) or _is_wasted(state.places, set(), 2):
            yield WASTED

    def broken_at_end(self, _: State) -> Iterator[str]:
        """Nothing: a visit that ends without a call leaves it to others."""
        return iter(())


def _turn(at: float, rules: Rules) -> Turn:
    return Turn(at, at + KEPT_S if rules.late_turns_are_let_go else inf)


def _is_wasted(lent: Lent, taken: set[float], every: int) -> bool:
    """Whether a turn that is still to come is lent, and neither held nor used."""
    known = taken.union(lent.used, *lent.leased)
    first = lent.until % every or every
    return any(first + every * n not in known for n in range(int((lent.until - first) // every)))


def _later(state: State) -> State:
    """The next tick: the sweep has called one group, and what was to be used by now is gone."""

    def aged(lent: Lent) -> Lent:
        leased = tuple(tuple(at - 1 for at in mine if at + KEPT_S >= 1) for mine in lent.leased)
        return Lent(max(0.0, lent.until - 1), leased, tuple(at - 1 for at in lent.used if at > 1))

    return state._replace(
        updates=aged(state.updates),
        places=aged(state.places),
        taken=tuple(None if at is None else max(at - 1, -1.0) for at in state.taken),
        calls=0,
        unfinished=frozenset(sorted(state.unfinished)[1:]),
    )
