"""Check every aspect, and every mutant, and print what was found: `python -m tests.faults.model [--large]`."""

import argparse
import sys
from collections.abc import Sequence
from resource import RUSAGE_SELF, getrusage

from tests.faults.model.aspects import Aspect, aspects, check
from tests.faults.model.checker import Report


def main(arguments: Sequence[str]) -> int:
    """Print the table; the number of what should not be: violations of the protocol, and mutants that live."""
    parser = argparse.ArgumentParser(description="check the model of the protocol")
    parser.add_argument("--large", action="store_true", help="the larger worlds too, which takes minutes")
    parser.add_argument("--aspect", default="", help="only aspects whose name contains this")
    parser.add_argument("--traces", action="store_true", help="print the shortest trace of each mutant")
    options = parser.parse_args(arguments)
    wrong = worlds = states = 0
    for aspect in aspects():
        if options.aspect in aspect.name:
            reports = [check(world) for world in [*aspect.small, *(aspect.large if options.large else ())]]
            worlds, states = worlds + len(reports), states + sum(report.states for report in reports)
            wrong += _worlds(aspect, reports) + _mutants(aspect, traces=options.traces)
    peak_mb = getrusage(RUSAGE_SELF).ru_maxrss // 1024
    print(f"{worlds} worlds, {states:,} states, {peak_mb:,} MB at most, {wrong} wrong")
    return min(wrong, 1)


def _worlds(aspect: Aspect, reports: Sequence[Report]) -> int:
    wrong = 0
    for report in reports:
        wrong += len(report.violations)
        found = ", ".join(sorted(report.violations)) or "none"
        sizes = f"{report.states:>9,} states  {report.ends:>5,} ends  {report.seconds:7.1f} s"
        print(f"{aspect.headings:<15} {aspect.name:<38} {sizes}  violations: {found}", flush=True)
        for name, trace in report.violations.items():
            _tell(name, trace)
    return wrong


def _mutants(aspect: Aspect, *, traces: bool) -> int:
    lives = 0
    for mutant in aspect.mutants:
        trace = mutant.check().violations.get(mutant.breaks)
        lives += trace is None
        fate = "LIVES" if trace is None else f"{mutant.breaks} in {len(trace)} steps"
        print(f"    without {mutant.rule:<40} {fate}", flush=True)
        if traces and trace:
            _tell(mutant.breaks, trace)
    return lives


def _tell(name: str, trace: Sequence[str]) -> None:
    print(f"        {name}:")
    for number, move in enumerate(trace, 1):
        print(f"        {number:>4}  {move}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
