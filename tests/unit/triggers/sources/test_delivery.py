"""A batch that meets a full row goes on in few calls."""

from handler.core.model.row import Entry
from handler.core.runtime.instance import TimeBudget
from handler.triggers.sources.delivery import CHUNK, deliver
from tests.unit.core.samples import entry, row
from tests.unit.core.scene import GROUP, Scene, increase

FULL = row(queue=tuple(Entry.of(increase(f"old-{number}")) for number in range(400)))


def test_once_there_is_room_again_operations_go_out_in_company() -> None:
    """Parts are halved until one operation alone waits for room; after that each is twice as large as the last."""
    scene = Scene(FULL)
    wait = scene.clock.sleep

    def settle(seconds: float) -> None:
        wait(seconds)
        if scene.row == FULL:
            scene.store(row(queue=(entry("old"),)))

    scene.clock.sleep = settle  # type: ignore[method-assign]  # somebody else settles meanwhile
    now = scene.clock.moment
    budget = TimeBudget(until=now + 60, deadline=now + 85, accepts_until=now + 80)
    operations = [increase(f"key-{number}") for number in range(CHUNK)]
    assert deliver(GROUP.id, operations, scene.counters, scene.instance, budget) == [None] * CHUNK
    assert len(scene.api.calls) <= 10
