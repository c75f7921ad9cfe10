"""Operations, attempts and rows, made small, and a clock that is moved by hand."""

from collections import Counter
from dataclasses import dataclass, field

from handler.core.model.operation import Counters, Mode
from handler.core.model.row import Attempt, Entry, Remembered, Row
from handler.core.ports.system import Measure, Notice
from handler.core.state.transitions import CounterReading

NOW = 1_700_000_000
BASE = 5_000_000
LIFE_S = 6
BOUND_S = 11.0
WINDOW_S = 3600.0


def entry(name: str, mode: Mode = Mode.INCREASE, *, alone: bool = False, **counters: int) -> Entry:
    """An accepted operation on the counters named, on `like` by 5 if none is."""
    return Entry(
        id=name,
        fingerprint=f"v1:{name}",
        mode=mode,
        counters=tuple(counters.items()) or (("like", 5),),
        window_s=WINDOW_S,
        alone=alone,
    )


def attempt(
    *entries: Entry,
    name: str = "attempt",
    weight: int = 600_000,
    mode: Mode | None = None,
    base: int = BASE,
    time: int = NOW,
    correction: Counters = (),
) -> Attempt:
    """A call that carries these operations, in their Mode, or pays a correction."""
    chosen = mode or (entries[0].mode if entries else Mode.INCREASE)
    return Attempt(
        id=name,
        weight=weight,
        mode=chosen,
        entries=entries,
        signed_at=time,
        life_s=LIFE_S,
        base=base,
        correction=correction,
    )


def row(
    attempt: Attempt | None = None,
    queue: tuple[Entry, ...] = (),
    remembered: tuple[Remembered, ...] = (),
    debt: Counters = (),
    receipt_key: str = "_receipt",
) -> Row:
    """A row of some history, whose receipt was last seen at `BASE`."""
    return Row(
        version=7,
        generation=1,
        receipt_key=receipt_key,
        base=BASE,
        attempt=attempt,
        queue=queue,
        remembered=remembered,
        debt=debt,
    )


def seen(*, later: bool = False, **values: int) -> CounterReading:
    return CounterReading(values, later, at=NOW + 1.5)


@dataclass
class HandClock:
    """A clock that stands still until it is moved, or until somebody waits for it."""

    wall: float = float(NOW)
    moment: float = 100.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.wall += seconds
        self.moment += seconds


@dataclass
class Notices:
    """A reporter that keeps what it is told."""

    told: list[Notice] = field(default_factory=list)
    evidence: list[dict[str, str | float | None]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    bound: dict[str, str] = field(default_factory=dict)
    counted: Counter[Notice] = field(default_factory=Counter)
    quiet: list[Notice] = field(default_factory=list)
    measured: list[tuple[Measure, float]] = field(default_factory=list)

    def measure(self, measure: Measure, value: float) -> None:
        self.measured.append((measure, value))

    def report(self, notice: Notice, times: int = 1, /, **evidence: str | float | None) -> None:
        """Keep the notice, how often it counts, and what is told with it."""
        self.counted[notice] += times
        self.told.append(notice)
        self.evidence.append(evidence)

    def count(self, notice: Notice, times: int, /, **evidence: str | float | None) -> None:
        """Keep it like any other notice, and as one that has no line of its own."""
        self.quiet.append(notice)
        self.report(notice, times, **evidence)

    def bind(self, **fields: str) -> None:
        self.bound |= fields

    def failed(self, error: Exception) -> None:
        self.failures.append(error)

    def of(self, notice: Notice) -> list[dict[str, str | float | None]]:
        """What was told with each notice of that kind."""
        return [evidence for told, evidence in zip(self.told, self.evidence, strict=True) if told is notice]
