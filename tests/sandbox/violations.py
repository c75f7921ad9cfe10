"""An API that is not what the function assumes: each violation on request, so that a test can see it noticed."""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal

from tests.sandbox.codes import RefusalError
from tests.sandbox.commands import LEAST_VALUE, MOST_VALUE, Command, Delete, Get, Update
from tests.sandbox.counters import Groups
from tests.sandbox.signatures import Signature

Violation = Literal[
    "signature_cache",  # A signature that was accepted once stays good after its end.
    "short_signatures_refused",  # A signature that lives less than a day is refused with 70001.
    "expired_signatures_accepted",  # The end of a signature is not looked at.
    "tolerant_signatures",  # A signature is good for some seconds beyond its end.
    "stale_reads",  # Every so many reads show a group as it was before its last update.
    "partial_updates",  # Every so many updates leave their last key out, and a refused one moves its first keys.
    "negative_deltas_refused",  # An Increase or a Decrease by less than 0 is refused with 10004.
    "below_zero_refused",  # A call that would bring a counter below 0 is refused with 10004.
    "below_zero_cut_off",  # A counter that would go below 0 stops there, and the call is a success.
    "slow_effects",  # Reads show a group as it was some seconds ago.
    "wrong_date",  # `Date` is ahead of the clock that signatures are checked by.
]

DAY_S: Final = 86_400
TOLERANCE_S: Final = 3.0
STALE_EVERY: Final = 5
PARTIAL_EVERY: Final = 10
SLOW_S: Final = 8.0
DATE_AHEAD_S: Final = 10.0

_STATES: Final = 10_000
"""How many earlier states of all groups are kept."""


class Violations:
    """Which assumptions are violated now, and what that needs to remember. Whoever shares it locks."""

    def __init__(self) -> None:
        self.chosen: frozenset[Violation] = frozenset()
        self._accepted: set[str] = set()
        self._states: deque[tuple[float, str, Mapping[str, int]]] = deque(maxlen=_STATES)
        self._reads = 0
        self._updates = 0

    def date(self, now: float) -> float:
        return now + DATE_AHEAD_S if "wrong_date" in self.chosen else now

    def checked_at(self, signature: Signature, now: float) -> float:
        """The time by which the end of a signature is judged; `RefusalError` for one that is refused as it is."""
        if "short_signatures_refused" in self.chosen and signature.expire < DAY_S:
            raise RefusalError(70001)
        if "expired_signatures_accepted" in self.chosen or signature.digest in self._accepted:
            return min(now, float(signature.time))
        return now - TOLERANCE_S if "tolerant_signatures" in self.chosen else now

    def accept(self, signature: Signature) -> None:
        if "signature_cache" in self.chosen:
            self._accepted.add(signature.digest)

    def run(self, groups: Groups, command: Command, now: float) -> dict[str, int] | None:
        """Carry a command out as `Groups.run` does, but for what is violated."""
        if not self.chosen or isinstance(command, Delete):
            return groups.run(command)
        if isinstance(command, Get):
            groups.run(command)
            shown = self._as_read(command.group, groups.values(command.group), now)
            return {key: shown[key] for key in command.keys or shown if key in shown}
        if "negative_deltas_refused" in self.chosen and command.mode != "Set" and min(command.counters.values()) < 0:
            raise RefusalError(10004, "Value must not be negative")
        below = _below_zero(command, groups)
        if below and "below_zero_refused" in self.chosen:
            raise RefusalError(10004, "the counter would be below 0")
        if below and "below_zero_cut_off" in self.chosen:
            command = replace(command, mode="Set", counters=below)
        return self._update(groups, command, now)

    def _update(self, groups: Groups, command: Update, now: float) -> dict[str, int]:
        before = groups.values(command.group) if command.group in groups.kinds() else {}
        overflows = _overflows(command, before)
        groups.run(self._part(command, overflows=overflows))
        self._states.append((now, command.group, before))
        if overflows:
            raise RefusalError(10004, "the counter would leave 64 bits")
        after = groups.values(command.group)
        return {key: after.get(key, 0) for key in command.counters}

    def _part(self, update: Update, *, overflows: bool) -> Update:
        if "partial_updates" not in self.chosen or len(update.counters) == 1 or update.mode == "Set":
            return update
        self._updates += 1
        if not overflows and self._updates % PARTIAL_EVERY:
            return update
        *first, _ = update.counters
        return replace(update, counters={key: update.counters[key] for key in first})

    def _as_read(self, group: str, counters: Mapping[str, int], now: float) -> Mapping[str, int]:
        self._reads += 1
        left_at = [(until, state) for until, name, state in self._states if name == group]
        if "slow_effects" in self.chosen:
            return next((state for until, state in left_at if until > now - SLOW_S), counters)
        if "stale_reads" in self.chosen and left_at and self._reads % STALE_EVERY == 0:
            return left_at[-1][1]
        return counters


def _overflows(update: Update, counters: Mapping[str, int]) -> bool:
    return not all(LEAST_VALUE <= value <= MOST_VALUE for value in _after(update, counters).values())


def _below_zero(update: Update, groups: Groups) -> Mapping[str, int]:
    """The counters cut off at 0, if an update would bring any of them below it."""
    after = _after(update, groups.values(update.group) if update.group in groups.kinds() else {})
    return {key: max(value, 0) for key, value in after.items()} if min(after.values()) < 0 else {}


def _after(update: Update, counters: Mapping[str, int]) -> Mapping[str, int]:
    if update.mode == "Set":
        return update.counters
    sign = 1 if update.mode == "Increase" else -1
    return {key: counters.get(key, 0) + sign * value for key, value in update.counters.items()}
