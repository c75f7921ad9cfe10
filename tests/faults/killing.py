"""Plays the tests that reach a mutant until one fails, for one mutant after the other; each in a fork.

It runs in the copy that `tests.faults.mutated` has written: `python -m tests.faults.killing <mutants> <fates> <tests>`.
The tests are collected once, and played once on the original to see which functions each of them calls.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

from tests.faults import switching

KILLED, SURVIVED, TIMED_OUT, UNREACHED = "killed", "survived", "timed out", "unreached"

# Every test has to pass once more where nothing is changed.
NO_MUTANT = ".none"

# A mutant may take so many times as long as the original, and some seconds more, before it has timed out.
SLOWER_MAX = 4.0
SECONDS_MORE = 5.0
WALL_S = 180
MEMORY_BYTES = 2**31

Reached = Mapping[str, Sequence[tuple[float, pytest.Item]]]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant; `by` names the test that killed it."""

    mutant: str
    fate: str
    by: str


class Killers:
    """A plugin of pytest that plays the tests in its own way."""

    def __init__(self, mutants: Sequence[str], fates: Path) -> None:
        self._mutants = mutants
        self._fates = fates

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Play all on the original, then what reaches each mutant on that."""
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        reached = _reached(session.items)
        _forget_what_was_computed()
        everything = [test for tests in reached.values() for test in tests]
        if _fate(NO_MUTANT, list(dict.fromkeys(everything))).fate != SURVIVED:
            raise session.Interrupted("a test that is played for the second time fails, so it would kill any mutant")
        with self._fates.open("a", encoding="utf-8") as file:
            for mutant in self._mutants:
                fate = _fate(mutant, reached.get(mutant, ()))
                print(json.dumps(asdict(fate)), file=file, flush=True)
        return True


def _reached(items: Sequence[pytest.Item]) -> Reached:
    reached: dict[str, list[tuple[float, pytest.Item]]] = defaultdict(list)
    list(switching.called())
    for item in items:
        began = time.process_time()
        if not _passes(item):
            raise pytest.UsageError(f"{item.nodeid} fails without a mutant")
        took_s = time.process_time() - began
        for mutant in switching.called():
            reached[mutant].append((took_s, item))
    return {mutant: sorted(tests, key=lambda test: test[0]) for mutant, tests in reached.items()}


def _passes(item: pytest.Item) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def _forget_what_was_computed() -> None:
    """Empty the caches, so that no mutant is spared because its original has answered already."""
    for thing in gc.get_objects():
        if isinstance(thing, functools._lru_cache_wrapper):  # noqa: SLF001  # there is no public name for its type
            thing.cache_clear()
    gc.collect()
    gc.freeze()


def _fate(mutant: str, tests: Sequence[tuple[float, pytest.Item]]) -> Fate:
    if not tests:
        return Fate(mutant, UNREACHED, "")
    limit_s = SLOWER_MAX * sum(took_s for took_s, _ in tests) + SECONDS_MORE
    answer, said = os.pipe()
    child = os.fork()
    if not child:
        _play(mutant, [item for _, item in tests], limit_s, said)
    os.close(said)
    with os.fdopen(answer) as file:
        killer = file.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return Fate(mutant, TIMED_OUT, signal.Signals(os.WTERMSIG(status)).name)
    return Fate(mutant, KILLED if os.WEXITSTATUS(status) else SURVIVED, killer)


def _play(mutant: str, items: Sequence[pytest.Item], limit_s: float, said: int) -> None:
    """Never returns: the child ends here, whatever the mutant does to it."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit_s) + 1, int(limit_s) + 2))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    signal.alarm(WALL_S)
    switching.choose(mutant)
    status = 1
    item = None
    try:
        for item in items:
            if not _passes(item):
                break
        else:
            status = 0
    finally:
        if status and item:
            os.write(said, item.nodeid.encode())
        os._exit(status)


def main(arguments: Sequence[str]) -> int:
    """Kill what can be killed."""
    mutants, fates, *tests = arguments
    plugin = Killers(Path(mutants).read_text(encoding="utf-8").split(), Path(fates))
    options = ["-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutation"]
    return int(pytest.main([*options, *tests], plugins=[plugin]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
