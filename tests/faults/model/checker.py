"""Visit every state of a small world: breadth first, so that what breaks a property is told by a shortest trace."""

import time
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

S = TypeVar("S", bound=Hashable)
T = TypeVar("T")

STUCK = "STUCK"
"""The property that every world has: from every state an end can be reached."""

# More states than this are no small world: what is not finite here is a mistake in the model.
STATES_MAX = 6_000_000


class World(Protocol[S]):
    """States and what can happen in them. A state in which nothing more can happen is an end."""

    def initial(self) -> S: ...

    def moves(self, state: S) -> Iterable[tuple[str, S]]: ...

    def broken(self, state: S) -> Iterable[str]: ...

    def broken_at_end(self, state: S) -> Iterable[str]:
        """The properties that this state breaks because nothing follows it."""
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """What was found: by property, the shortest trace that breaks it."""

    states: int
    depth: int
    """How many moves lead to the state that is furthest from the first one."""
    ends: int
    seconds: float
    """Of the processor."""
    violations: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class _Search(Generic[S]):
    """The states met so far, each with the one before it and all those that lead to it."""

    states: list[S] = field(default_factory=list)
    index: dict[S, int] = field(default_factory=dict)
    parents: list[tuple[int, str]] = field(default_factory=list)
    before: list[list[int]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    violations: dict[str, int] = field(default_factory=dict)

    def meet(self, state: S, parent: int, move: str) -> int:
        """The number of a state; a new one is put down to be visited."""
        number = self.index.setdefault(state, len(self.states))
        if number == len(self.states):
            self.states.append(state)
            self.parents.append((parent, move))
            self.before.append([])
        if parent >= 0:
            self.before[number].append(parent)
        return number

    def trace(self, number: int) -> tuple[str, ...]:
        """What has to happen for the state of this number."""
        moves: list[str] = []
        while number > 0:
            number, move = self.parents[number]
            moves.append(move)
        return tuple(reversed(moves))

    def trapped(self) -> int | None:
        """A state from which no end can be reached."""
        reached = bytearray(len(self.states))
        waiting = list(self.ends)
        for number in waiting:
            reached[number] = 1
        while waiting:
            for number in self.before[waiting.pop()]:
                if not reached[number]:
                    reached[number] = 1
                    waiting.append(number)
        first = reached.find(0)
        return None if first < 0 else first


def replaced(items: tuple[T, ...], number: int, item: T) -> tuple[T, ...]:
    """The items with another one in the place of this number."""
    return (*items[:number], item, *items[number + 1 :])


def check(world: World[S], until: str | None = None, states_max: int = STATES_MAX) -> Report:
    """Visit all states; with `until`, no more than are needed to see that property broken."""
    began = time.process_time()
    search: _Search[S] = _Search()
    search.meet(world.initial(), -1, "")
    visited = 0
    while visited < len(search.states) and until not in search.violations:
        _visit(world, search, visited)
        visited += 1
        if visited > states_max:
            msg = f"more than {states_max} states"
            raise OverflowError(msg)
    if visited == len(search.states):
        trapped = search.trapped()
        if trapped is not None:
            search.violations.setdefault(STUCK, trapped)
    traces = {name: search.trace(number) for name, number in search.violations.items()}
    depth = len(search.trace(len(search.states) - 1))
    return Report(len(search.states), depth, len(search.ends), time.process_time() - began, traces)


def _visit(world: World[S], search: _Search[S], number: int) -> None:
    state = search.states[number]
    for name in world.broken(state):
        search.violations.setdefault(name, number)
    is_end = True
    for move, follows in world.moves(state):
        is_end = False
        search.meet(follows, number, move)
    if is_end:
        search.ends.append(number)
        for name in world.broken_at_end(state):
            search.violations.setdefault(name, number)
