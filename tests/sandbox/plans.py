"""Which request meets which fault: the next ones, those of a group, or a share of all by a seeded draw."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.sandbox.commands import Name
from tests.sandbox.faults import Fault


@dataclass(frozen=True, slots=True)
class _Rule:
    fault: Fault | None
    commands: tuple[Name, ...]
    group: str

    def covers(self, command: Name, group: str | None) -> bool:
        return command in self.commands and fnmatchcase(group or "", self.group)


class Plan:
    """The faults to come: those queued are met first, each once and in order; then the standing ones; then the drawn.

    `group` is a pattern as in a shell: `G1`, `live-*`, `*`. Nothing here locks: whoever shares it between threads does.
    """

    def __init__(self) -> None:
        self._queued: list[_Rule] = []
        self._standing: list[_Rule] = []
        self._drawn: _Draw | None = None

    def queue(self, faults: Sequence[Fault | None], command: Name, group: str) -> None:
        """Let the next requests of a command meet these faults, one each; `None` lets one request pass unharmed."""
        self._queued.extend(_Rule(fault, (command,), group) for fault in faults)

    def always(self, fault: Fault, command: Name, group: str) -> None:
        """Let every request of a command meet this fault."""
        self._standing.append(_Rule(fault, (command,), group))

    def randomly(self, rate: float, faults: Sequence[Fault], seed: int, commands: Sequence[Name], group: str) -> None:
        """Let a share of the requests meet one of these faults, drawn evenly; the same seed draws the same again.

        Takes the place of an earlier draw. `ValueError` for a rate outside 0 to 1 or no fault.
        """
        if not 0 <= rate <= 1 or not faults:
            raise ValueError("a random plan needs a rate from 0 to 1 and at least one fault")
        self._drawn = _Draw(rate, tuple(faults), random.Random(seed), _Rule(None, tuple(commands), group))

    def clear(self) -> None:
        self._queued.clear()
        self._standing.clear()
        self._drawn = None

    def queued(self) -> int:
        """How many queued faults no request has met yet."""
        return len(self._queued)

    def choose(self, command: Name, group: str | None) -> Fault | None:
        """The fault that a request meets that arrives now, which uses up a queued one."""
        for position, rule in enumerate(self._queued):
            if rule.covers(command, group):
                return self._queued.pop(position).fault
        for rule in self._standing:
            if rule.covers(command, group):
                return rule.fault
        if self._drawn is not None and self._drawn.scope.covers(command, group):
            return self._drawn.next()
        return None


@dataclass(frozen=True, slots=True)
class _Draw:
    rate: float
    faults: tuple[Fault, ...]
    source: random.Random
    scope: _Rule

    def next(self) -> Fault | None:
        return self.source.choice(self.faults) if self.source.random() < self.rate else None
