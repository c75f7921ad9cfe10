"""Acceptance by a condition on settlements is exact, and each part of the condition is needed."""

from collections.abc import Sequence

import pytest

from tests.faults.model.append_model import WORLDS, Rules, explore

# The larger worlds take minutes: `python -m tests.faults.model.append_model`.
SMALL = WORLDS[:2]

MUTANTS = {
    "an append asks for nothing": Rules(append_wants_no_settlement=False, append_wants_not_owed=False),
    "an append does not care about settlements": Rules(append_wants_no_settlement=False),
    "an append does not care about what is owed": Rules(append_wants_not_owed=False),
    "a beginning is content with an idle row": Rules(beginning_wants_same_version=False),
    "the record is read before the row": Rules(record_after_row=False),
    "the row is closed before the records are written": Rules(records_before_row=False),
    "a settlement leaves the epoch": Rules(settlement_ends_the_epoch=False),
}


@pytest.mark.parametrize(("deliveries", "operations"), SMALL, ids=str)
def test_every_operation_counts_once(deliveries: Sequence[int], operations: int) -> None:
    """With as many crashes, timeouts, losses and expiries as there may be, in every order."""
    assert explore(deliveries, operations).fault is None


@pytest.mark.parametrize("rules", MUTANTS.values(), ids=MUTANTS)
def test_every_condition_is_needed(rules: Rules) -> None:
    """The model finds out whoever leaves one away."""
    assert explore((0, 0), 1, rules).fault or explore((0, 0, 1), 2, rules).fault
