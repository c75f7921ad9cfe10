"""Real processes in a storm; `make storm` plays a longer one."""

from __future__ import annotations

from tests.faults.storm import play


def test_a_storm_ends_with_every_counter_exact() -> None:
    """Faults of every kind, duplicates and kills leave every counter exact, every answer final, and no secret said."""
    storm, _, wrong = play(seed=20261123, operations=60, groups=6, instances=4, rate=0.3)
    assert not wrong, "\n".join(wrong)
    assert storm.server.journal()
    assert storm.weather.kills
    assert any(entry.fault for entry in storm.server.journal())
