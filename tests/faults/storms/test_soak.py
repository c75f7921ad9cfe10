"""A short soak on each ledger, under the real runtime client; `make soak` plays a long one."""

from pathlib import Path

import pytest

from tests.contract import redis_server
from tests.faults.storms.ledgers import Kind
from tests.faults.storms.soak import HARDSHIPS, play


@pytest.mark.parametrize("ledger", ["sqlite", "dynamodb", "redis"])
def test_a_soak_ends_with_every_counter_exact(ledger: Kind, tmp_path: Path) -> None:
    """Kills, freezes, missed deadlines and faults leave every counter exact and every answer final."""
    if ledger == "redis":
        redis_server.started(tmp_path)
    soak, _, wrong = play(seed=20261125, seconds=8.0, ledger=ledger)
    assert not wrong, "\n".join(wrong)
    assert all(soak.fleet.figures[name] for name in HARDSHIPS), soak.fleet.figures
    assert any(entry.fault for entry in soak.server.journal())
