"""Real processes in a storm on each ledger; `make storm` plays a longer one."""

from pathlib import Path

import pytest

from tests.contract import redis_server
from tests.faults.storms.ledgers import Kind
from tests.faults.storms.storm import play


@pytest.mark.parametrize("ledger", ["sqlite", "dynamodb", "redis"])
def test_a_storm_ends_with_every_counter_exact(ledger: Kind, tmp_path: Path) -> None:
    """Faults of every kind, duplicates, kills and cuts leave every counter exact and every answer final."""
    if ledger == "redis":
        redis_server.started(tmp_path)
    storm, _, wrong = play(seed=20261123, operations=40, groups=6, instances=4, rate=0.3, ledger=ledger)
    assert not wrong, "\n".join(wrong)
    assert storm.weather.kills
    assert any(entry.fault for entry in storm.server.journal())
    assert (storm.weather.ledger.mishaps > 0) == (ledger != "sqlite")


def test_a_storm_in_which_redis_is_killed_ends_with_every_counter_exact(tmp_path: Path) -> None:
    """Each write is on the disk before it is acknowledged; each start is another generation (R10)."""
    redis_server.started(tmp_path)
    storm, _, wrong = play(seed=20261125, operations=40, groups=6, instances=4, rate=0.3, ledger="redis", restarts=2)
    assert not wrong, "\n".join(wrong)
    assert storm.weather.figures["restarts of the ledger"]
