"""Check every aspect, and every mutant, and print what was found: `python -m tests.faults.model [--large]`."""

import argparse
import sys
from collections.abc import Sequence
from resource import RUSAGE_SELF, getrusage

from tests.faults.model.aspect import Aspect, Mutant, RuledWorld
from tests.faults.model.aspects import aspects
from tests.faults.model.checker import Report, check


def main(arguments: Sequence[str]) -> int:
    """Print the table; 1 if something is not as it should be: the protocol breaks a property, or a mutant lives."""
    parser = argparse.ArgumentParser(description="check the model of the protocol")
    parser.add_argument("--large", action="store_true", help="the larger worlds too, which takes minutes")
    parser.add_argument("--aspect", default="", help="only aspects whose name contains this")
    parser.add_argument("--traces", action="store_true", help="print the shortest trace of each mutant")
    options = parser.parse_args(arguments)
    checked = [aspect for aspect in aspects() if options.aspect in aspect.name]
    reports, lives = list[Report](), 0
    for aspect in checked:
        here = [_checked(aspect, world) for world in [*aspect.small, *(aspect.large if options.large else ())]]
        living = sum(_lives(mutant, traces=options.traces) for mutant in aspect.mutants)
        print(f"  = {_summed([aspect], here, living)}\n", flush=True)
        reports, lives = reports + here, lives + living
    peak_mb = getrusage(RUSAGE_SELF).ru_maxrss // 1024
    print(f"{_summed(checked, reports, lives)}, {peak_mb:,} MB at most")
    return min(lives + sum(len(report.violations) for report in reports), 1)


def _summed(checked: Sequence[Aspect], reports: Sequence[Report], lives: int) -> str:
    """One line on aspects: what was visited in their worlds, and which rules that has exercised."""
    states, depth = sum(report.states for report in reports), max((report.depth for report in reports), default=0)
    seconds, wrong = sum(report.seconds for report in reports), sum(len(report.violations) for report in reports)
    left_out = sum(len(aspect.mutants) for aspect in checked)
    headings = sorted({rule for aspect in checked for rule in aspect.headings.split()}, key=lambda rule: int(rule[1:]))
    visited = f"{len(reports)} worlds, {states:,} states, depth {depth}, {seconds:.1f} s, {wrong} violations"
    return f"{visited}; {left_out - lives} of {left_out} mutants found; {' '.join(headings)}"


def _checked(aspect: Aspect, world: RuledWorld) -> Report:
    report = check(world)
    found = ", ".join(sorted(report.violations)) or "none"
    sizes = f"{report.states:>9,} states  depth {report.depth:>3}  {report.ends:>5,} ends  {report.seconds:7.1f} s"
    print(f"{aspect.headings:<15} {aspect.name:<38} {sizes}  violations: {found}", flush=True)
    for name, trace in report.violations.items():
        _tell(name, trace)
    return report


def _lives(mutant: Mutant, *, traces: bool) -> bool:
    """Whether no world notices that the rule is left out."""
    trace = mutant.check().violations.get(mutant.breaks)
    fate = "LIVES" if trace is None else f"{mutant.breaks} in {len(trace)} steps"
    print(f"    without {mutant.rule:<40} {fate}", flush=True)
    if traces and trace:
        _tell(mutant.breaks, trace)
    return trace is None


def _tell(name: str, trace: Sequence[str]) -> None:
    print(f"        {name}:")
    for number, move in enumerate(trace, 1):
        print(f"        {number:>4}  {move}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
