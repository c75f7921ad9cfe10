"""Plays seed after seed: `make simulate SEEDS=100000`.

One seed in ten goes the whole way, through the triggers and the bytes of the API's replies; the others play the core
alone. Whatever fails is shrunk and printed with its history.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context

from tests.faults.simulator.plan import Plan, plan
from tests.faults.simulator.schedule import Played, Schedule
from tests.faults.simulator.shares import SharedSchedule
from tests.faults.simulator.shrinking import shrunk
from tests.faults.simulator.whole import WholeSchedule

# Seeds that one process plays before it reports.
CHUNK = 2000

# What has been left all the same is thrown away after so many worlds.
COLLECTED = 1000

WHOLE_EVERY = 10

# One world of a busy app takes as long as a thousand small ones.
SHARED_EVERY = 1000

BOTH, CORE, WHOLE, SHARED = "both", "core", "whole", "shared"

_SCHEDULES: Mapping[str, type[Schedule | SharedSchedule]] = {
    CORE: Schedule,
    WHOLE: WholeSchedule,
    SHARED: SharedSchedule,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A seed that failed: what the auditor found, and the shortest history of it."""

    seed: int
    way: str
    violations: tuple[str, ...]
    history: str


@dataclass(slots=True)
class Tally:
    """What came of some seeds: how many were played each way, the processor time that they took, and what failed."""

    played: Counter[str] = field(default_factory=Counter)
    spent_s: defaultdict[str, float] = field(default_factory=partial(defaultdict, float))
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.played += other.played
        self.failures += other.failures
        for way, spent_s in other.spent_s.items():
            self.spent_s[way] += spent_s

    def rates(self) -> Iterator[str]:
        for way, played in self.played.items():
            yield f"{way}: {played} schedules, {played / self.spent_s[way]:.0f} for each second of a core's time"


def way_of(seed: int, ways: str = BOTH) -> str:
    if ways != BOTH:
        return ways
    if seed % SHARED_EVERY == SHARED_EVERY // 2:
        return SHARED
    return WHOLE if seed % WHOLE_EVERY == WHOLE_EVERY - 1 else CORE


def play(one: Plan, way: str, *, recording: bool = False) -> Played:
    """Play a plan; an error that nobody expects is a violation like any other."""
    schedule = _SCHEDULES[way](one, recording=recording)
    try:
        return schedule.run()
    except Exception as error:  # noqa: BLE001  # whatever it is, the seed and its history are wanted
        schedule.world.end()
        return Played([f"{type(error).__name__}: {error}"], schedule.world.steps, schedule.world.history)


def failure_of(seed: int, way: str) -> Failure | None:
    """Play a seed; if it fails, shrink its plan and play that with its history written down."""
    played = play(plan(seed), way)
    if not played.violations:
        return None
    smallest = shrunk(plan(seed), lambda smaller: bool(play(smaller, way).violations))
    told = play(smallest, way, recording=True)
    return Failure(seed, way, tuple(told.violations or played.violations), "\n".join(told.history))


def failures(seeds: Sequence[int], ways: str = BOTH) -> list[Failure]:
    return tally(seeds, ways).failures


def tally(seeds: Sequence[int], ways: str = BOTH) -> Tally:
    """Play these seeds in this process, way by way: what the processor has at hand of one serves the next one too."""
    made = Tally()
    with _seldom_collected():
        for way in _SCHEDULES:
            going = [seed for seed in seeds if way_of(seed, ways) == way]
            for at in range(0, len(going), COLLECTED):
                made.add(_played(going[at : at + COLLECTED], way))
                gc.collect()
    made.failures.sort(key=lambda failure: failure.seed)
    return made


def _played(seeds: Sequence[int], way: str) -> Tally:
    began = time.process_time()
    failures = [failure for seed in seeds if (failure := failure_of(seed, way)) is not None]
    spent_s = time.process_time() - began
    return Tally(Counter({way: len(seeds)}), defaultdict(float, {way: spent_s}), failures)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Let nobody look for garbage: a world that has been played leaves none but where it failed."""
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()


def _everywhere(first: int, seeds: int, ways: str, jobs: int) -> Iterator[Tally]:
    """Chunk after chunk of seeds, in so many processes."""
    chunks = [range(at, min(at + CHUNK, first + seeds)) for at in range(first, first + seeds, CHUNK)]
    if jobs == 1:
        yield from (tally(chunk, ways) for chunk in chunks)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(tally, chunks, [ways] * len(chunks))


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, print, and say by the exit status whether anything failed."""
    options = _parser().parse_args(arguments)
    ways = WHOLE if options.whole else CORE if options.core else BOTH
    began, total = time.monotonic(), Tally()
    for part in _everywhere(options.first, options.seeds, ways, options.jobs):
        total.add(part)
        for failure in part.failures:
            print(f"\nseed {failure.seed} ({failure.way}): {'; '.join(failure.violations)}\n{failure.history}\n")
        played, took_s = total.played.total(), time.monotonic() - began
        print(
            f"{played} seeds, {len(total.failures)} failed, {took_s:.0f} s, {played / took_s:.0f} a second", flush=True
        )
    print(*total.rates(), sep="\n")
    return 1 if total.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10_000, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first one (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: %(default)s)")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--whole", action="store_true", help="the whole way only")
    ways.add_argument("--core", action="store_true", help="the core only")
    return parser


if __name__ == "__main__":
    sys.exit(main())
