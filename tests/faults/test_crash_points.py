"""A worker dies before and after every store and network step, once each; whoever comes next counts exactly once."""

import json

import pytest
from msgspec.structs import replace

from handler.core.model.operation import Origin, Position
from handler.core.model.outcome import Applied
from tests.faults.simulator.stage import Stage
from tests.faults.world.network import Fate
from tests.faults.world.rules import APP
from tests.faults.world.world import CRASH

FATES = {
    "answered": Fate(),
    "reply lost": Fate(replies=False),
    "request lost": Fate(arrives_after_s=None),
    "request late": Fate(arrives_after_s=3.0, replies=False),
}


def play(fate: Fate, crash_at: int | None) -> Stage:
    """Ask twice for one increase, the first worker dying at step `crash_at`; the second is patient."""
    stage = Stage()
    stage.expect(fate)
    operation = stage.operation("a", 5)
    if crash_at is not None:
        stage.world.interruptions[crash_at] = CRASH
    stage.call("first", operation)
    stage.call("second", operation, at_s=6, wait_s=40)
    stage.sweep(at_s=60)
    stage.play()
    return stage


@pytest.mark.parametrize("fate", FATES.values(), ids=FATES)
def test_every_crash_point_counts_once(fate: Fate) -> None:
    steps = play(fate, None).world.steps
    assert steps > 10
    for crash_at in range(1, steps + 1):
        stage = play(fate, crash_at)
        assert stage.likes == 5, f"crash at step {crash_at}\n{stage.story}"
        assert not stage.row.is_unfinished or stage.row.remembered, f"crash at step {crash_at}\n{stage.story}"
        second = stage.answers.get("second", [])
        assert all(isinstance(outcome, Applied) for outcome in second), f"crash at step {crash_at}\n{stage.story}"


RECORD = "a-shard:7"


def brought(position: Position | None, crash_at: int | None) -> Stage:
    """A record whose operation is refused for good, brought until it is acknowledged, and swept twice."""
    stage = Stage()
    stage.chat.forbidden = "like"
    asked = stage.operation("a", 5)
    origin = Origin(source="a-source", place=RECORD, caller=asked.caller, key=asked.key)
    record = replace(asked, origin=origin, position=position)
    if crash_at is not None:
        stage.world.interruptions[crash_at] = CRASH
    stage.call("first", record)
    stage.play_until(6)
    if "first" not in stage.answers:
        stage.call("second", record, at_s=6, wait_s=40)
    stage.sweep(at_s=60)
    stage.sweep(at_s=130)
    stage.play()
    return stage


@pytest.mark.parametrize("position", [None, Position.of("a-shard", "7")], ids=["key", "position"])
def test_every_crash_point_parks_what_is_refused_once(position: Position | None) -> None:
    """Wherever a worker or a sweep dies, the record is parked with all of it, and no note is left."""
    steps = brought(position, None).world.steps
    for crash_at in range(1, steps + 1):
        stage = brought(position, crash_at)
        found = [(record.id, json.loads(record.payload)["Mode"]) for record in stage.kept.page(APP, 10)]
        assert (found, stage.likes) == ([(RECORD, "Increase")], 0), f"crash at step {crash_at}\n{stage.story}"
        assert stage.row.notes == (), f"crash at step {crash_at}\n{stage.story}"
