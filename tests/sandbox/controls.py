"""What a test or a console may do behind the API: make groups, plan faults, set limits and the clock, see the truth."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Protocol

from tests.sandbox.app import ChatApp
from tests.sandbox.clocks import ShiftedClock
from tests.sandbox.commands import Name
from tests.sandbox.counters import GroupKind
from tests.sandbox.faults import Fault
from tests.sandbox.journal import Entry
from tests.sandbox.timetable import Timetable
from tests.sandbox.violations import Violation


class ConnectionCount(Protocol):
    """Whoever counts the TCP connections."""

    @property
    def connections(self) -> int:
        """Connections so far on which a call of the API came."""

    def forget_connections(self) -> None:
        """Count from zero."""


class Controls:
    """Every control, for whoever shares the process; `Sandbox` has the same ones for other processes.

    Each holds from the next request on. `group` of a fault is a pattern as in a shell: `G1`, `live-*`, `*`. Wrong
    arguments are a `ValueError`.
    """

    def __init__(self, app: ChatApp, clock: ShiftedClock, timetable: Timetable, count: ConnectionCount) -> None:
        self._app = app
        self._clock = clock
        self._timetable = timetable
        self._count = count

    def create_group(self, group: str, kind: GroupKind = "Public", counters: Mapping[str, int] | None = None) -> None:
        """Make a group, with counters from the start if wanted."""
        with self._app.lock:
            self._app.groups.create(group, kind, counters or {})

    def dismiss_group(self, group: str) -> None:
        """Dismiss a group; its counters are gone, and the ID may be used again."""
        with self._app.lock:
            self._app.groups.dismiss(group)

    def groups(self) -> dict[str, GroupKind]:
        """The groups that are there, with the type of each."""
        with self._app.lock:
            return self._app.groups.kinds()

    def values(self, group: str) -> dict[str, int]:
        """The true counters of a group, the receipt among them."""
        with self._app.lock:
            return self._app.groups.values(group)

    def plan(self, faults: Sequence[Fault | None], command: Name = "update", group: str = "*") -> None:
        """Let the next requests meet these faults, one each and in order; `None` lets one request pass unharmed."""
        with self._app.lock:
            self._app.plan.queue(faults, command, group)

    def always(self, fault: Fault, command: Name = "update", group: str = "*") -> None:
        """Let every request of this command meet this fault."""
        with self._app.lock:
            self._app.plan.always(fault, command, group)

    def randomly(
        self,
        rate: float,
        faults: Sequence[Fault],
        seed: int,
        commands: Sequence[Name] = ("update", "get"),
        group: str = "*",
    ) -> None:
        """Let a share of the requests meet one of these faults, drawn evenly by a seed, in place of an earlier draw."""
        with self._app.lock:
            self._app.plan.randomly(rate, faults, seed, commands, group)

    def clear_faults(self) -> None:
        """Forget all faults to come; what is under way goes on."""
        with self._app.lock:
            self._app.plan.clear()

    def planned(self) -> int:
        """How many faults of `plan` no request has met yet."""
        with self._app.lock:
            return self._app.plan.queued()

    def set_rate_limit(self, calls_per_second: int | None) -> None:
        """Change the limit per command; `None` turns it off."""
        if calls_per_second is not None and calls_per_second < 0:
            raise ValueError("calls_per_second must be 0 or more")
        with self._app.lock:
            self._app.rate.calls_per_second = calls_per_second

    def set_clock_offset(self, offset_s: float) -> None:
        """Set how far the API's clock is ahead of the real one. Delays keep their length."""
        if not isfinite(offset_s):
            raise ValueError("offset_s must be a number of seconds")
        self._clock.offset_s = offset_s

    def set_apply_lag(self, lag_s: float) -> None:
        """Set how long the API takes from checking a signature to applying the request."""
        if not lag_s >= 0:
            raise ValueError("lag_s must be 0 or more")
        with self._app.lock:
            self._app.apply_lag_s = lag_s

    def set_keys(self, keys: Sequence[str]) -> None:
        """Set the keys that are valid; several while one is being replaced."""
        with self._app.lock:
            self._app.replace_keys(keys)

    def violate(self, violations: Sequence[Violation]) -> None:
        """Be an API that is not what the function assumes, in these ways and no others."""
        with self._app.lock:
            self._app.violations.chosen = frozenset(violations)

    def journal(self, after: int = 0) -> tuple[Entry, ...]:
        """What happened to every request, in the order of arrival, from the one that follows number `after`."""
        with self._app.lock:
            return self._app.journal.entries(after)

    def dropped(self) -> int:
        """How many entries the journal had to let go because it was full; an auditor wants 0."""
        with self._app.lock:
            return self._app.journal.dropped

    def connections(self) -> int:
        """TCP connections so far on which a call of the API came."""
        return self._count.connections

    def drain(self, timeout_s: float = 10.0) -> bool:
        """Wait until every request is answered and applied, late ones too; false if that takes longer."""
        return self._timetable.drain(timeout_s)

    def reset(self) -> None:
        """Back to the start: no groups, faults, journal or landings; keys, limit, lag and clock as at first."""
        self._timetable.cancel()
        self._app.reset()
        self._clock.offset_s = 0.0
        self._count.forget_connections()
