"""What a benchmark found, beside what was asked for, as a table."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. `bar` says what it should be, `is_met` whether it is; None where nothing is asked."""

    what: str
    found: str
    bar: str = ""
    is_met: bool | None = None


def at_most(what: str, found: float, most: float) -> Figure:
    """A figure that should be at most so much."""
    return Figure(what, f"{found:.4g}", f"<= {most:g}", found <= most)


def at_least(what: str, found: float, least: float) -> Figure:
    """A figure that should be at least so much."""
    return Figure(what, f"{found:.4g}", f">= {least:g}", found >= least)


def table(figures: Sequence[Figure]) -> str:
    verdicts = {True: "met", False: "missed", None: ""}
    rows = [("what", "found", "bar", ""), ("---", "---", "---", "---")]
    rows += [(figure.what, figure.found, figure.bar, verdicts[figure.is_met]) for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = (" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(f"| {line} |" for line in lines)
