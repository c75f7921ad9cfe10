"""Watermarks are exact in every order of every step, and each part of their order is needed."""

from collections.abc import Sequence

import pytest

from tests.faults.model.checker import check
from tests.faults.model.watermark_model import HALVES, MUTANTS, WORLDS, Rules, Stretch, Watermarks


@pytest.mark.parametrize("batches", WORLDS, ids=str)
def test_every_position_counts_once(batches: Sequence[Stretch]) -> None:
    """Batches, halves and overlaps, delivered side by side and again, with workers that die anywhere."""
    report = check(Watermarks(batches))
    assert report.violations == {}
    assert report.ends > 0


@pytest.mark.parametrize(("rules", "breaks"), MUTANTS.values(), ids=MUTANTS)
def test_every_other_order_is_found_out(rules: Rules, breaks: str) -> None:
    assert breaks in check(Watermarks(HALVES, rules), breaks).violations
