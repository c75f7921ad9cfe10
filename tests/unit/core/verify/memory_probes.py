"""A `ProbeApi` in memory, on the clock of a test: it does what the protocol assumes, except for what it is told."""

from threading import Lock

from handler.core.model.operation import INT64_MAX, INT64_MIN, Mode
from handler.core.model.row import Group
from handler.core.ports.counter_api import LONG_LIFE_S, Counted, Fault, ProbeCall, Refused, Reply
from handler.core.ports.system import Clock


class MemoryProbes:
    """One group with its counters. `fates` are replies to the next calls, given instead of being carried out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._seen: set[int] = set()
        self.counters: dict[str, int] = {}
        self.trials: list[ProbeCall] = []
        self.fates: list[Reply] = []
        self.reads = 0
        self.refuses_short: Refused | None = None
        self.dates = True
        self.dedupes = False
        self.wraps = False

    def update(self, trial: ProbeCall) -> Reply:
        """Carry an update out, unless its signature has ended or a value would leave 64 bits."""
        with self._lock:
            self.trials.append(trial)
            if self.fates:
                return self.fates.pop(0)
            if self.refuses_short is not None and trial.life_s < LONG_LIFE_S:
                return self.refuses_short
            if self._clock.now() // 1 > trial.signed_at + trial.life_s:
                return Refused(70001, "expired", Fault.SIGNATURE, self._date())
            if not self._passes_over(trial):
                after = self._after(trial)
                if not all(INT64_MIN <= value <= INT64_MAX for value in after.values()) and not self.wraps:
                    return Refused(10004, "overflow", Fault.OPERATION, self._date())
                self.counters = {key: (value + 2**63) % 2**64 - 2**63 for key, value in after.items()}
            return Counted({key: self.counters[key] for key, _ in trial.counters}, self._date())

    def read(self, group: Group, time: int, life: int, *, fresh: bool = False) -> Reply:
        with self._lock:
            self.reads += 1
            return self.fates.pop(0) if self.fates else Counted(dict(self.counters), self._date())

    @property
    def calls(self) -> int:
        return len(self.trials) + self.reads

    def _after(self, trial: ProbeCall) -> dict[str, int]:
        after = dict(self.counters)
        for key, value in trial.counters:
            after[key] = value if trial.mode is Mode.SET else after.get(key, 0) + trial.mode.sign * value
        return after

    def _passes_over(self, trial: ProbeCall) -> bool:
        known = trial.random in self._seen
        if trial.random is not None:
            self._seen.add(trial.random)
        return known and self.dedupes

    def _date(self) -> int | None:
        return int(self._clock.now()) if self.dates else None
