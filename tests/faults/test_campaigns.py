"""Random schedules of the real core: each seed is one run, and the auditor computes the truth on its own."""

from __future__ import annotations

import os

import pytest

from handler.core.commands import Mode
from tests.faults.campaign import Campaign
from tests.faults.world import Conditions

SEEDS = int(os.environ.get("SEEDS", "60"))

STORMS = {
    "peace": Conditions(),
    "network": Conditions(request_fault=0.4, read_fault=0.2),
    "crashes": Conditions(request_fault=0.3, read_fault=0.1, crash=0.02),
    "frozen instances": Conditions(request_fault=0.3, read_fault=0.1, crash=0.01, freeze=0.02),
    "ledger answers lost": Conditions(request_fault=0.3, read_fault=0.1, crash=0.01, ledger_fault=0.05),
    "clocks apart": Conditions(
        request_fault=0.3, read_fault=0.1, crash=0.01, freeze=0.01, ledger_fault=0.03, skew_s=40.0
    ),
    "lying codes": Conditions(request_fault=0.3, read_fault=0.1, crash=0.01, lying_codes=True),
    "requests that outlive the bound": Conditions(request_fault=0.3, read_fault=0.1, crash=0.01, zombies=0.1),
}


@pytest.mark.parametrize("conditions", STORMS.values(), ids=STORMS)
def test_increases_and_decreases_count_once(conditions: Conditions) -> None:
    """Whatever happens in between, every operation counts as often as its callers were told."""
    for seed in range(SEEDS):
        Campaign(seed, conditions).run()


def test_sets_among_deltas_count_once() -> None:
    """A Set between increases and decreases is carried into effect by exactly one call."""
    for seed in range(SEEDS):
        Campaign(seed, STORMS["clocks apart"], modes=(Mode.INCREASE, Mode.SET, Mode.DECREASE)).run()


def test_refusals_that_lie_about_sets_freeze_nothing() -> None:
    """A Set that was carried out and called refused is found in the receipt, even if the first look is refused too."""
    liars = Conditions(request_fault=0.5, read_fault=0.5, crash=0.01, lying_codes=True)
    for seed in (310, *range(SEEDS)):
        Campaign(seed, liars, modes=(Mode.INCREASE, Mode.SET, Mode.DECREASE)).run()


def test_a_dismissed_group_comes_to_an_end() -> None:
    """When a group goes away in the middle of everything, all its operations get a final answer."""
    for seed in range(SEEDS):
        Campaign(seed, STORMS["crashes"], dismissed_at_s=8.0).run()
