"""The vendor's API as tests of it want it: beyond `CounterApi`, because they have to send bad signatures on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from handler.core.model.operation import Counters, Mode
from handler.core.model.row import Group
from handler.core.ports.ports import Reply

# The vendor advises signatures of a day and more, so two days are long in every app.
LONG_LIFE_S = 2 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Trial:
    """One update as a test wants it: signed for any time and life, with any `random`, and even with a key twice."""

    group: Group
    mode: Mode
    counters: Counters
    time: int
    life: int
    random: int | None = None
    """The URL's number; None draws a fresh one."""


class ProbeApi(Protocol):
    """The vendor's API without the manners of `CounterApi`. Each method makes one request and never repeats it."""

    def update(self, trial: Trial) -> Reply:
        """Send one update."""
        ...

    def read(self, group: Group, time: int, life: int, *, fresh: bool = False) -> Reply:
        """Read all counters of the group; a `fresh` read goes over a new connection."""
        ...
