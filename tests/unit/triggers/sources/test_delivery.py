"""How a batch of one group is divided."""

from collections.abc import Sequence

from msgspec.structs import replace

from handler.core.model.operation import Mode, Operation, Position
from handler.core.model.placed import Content, Place, Placed
from handler.core.model.row import Entry
from handler.core.runtime.instance import TimeBudget
from handler.triggers.sources.delivery import CHUNK, CONTENTS_PER_OPERATION, deliver
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


def test_records_that_ask_for_very_many_different_things_are_divided_in_order() -> None:
    """Of those that add something each counts once, and of those that set something the last one stays."""
    scene = Scene(row())
    many = 2 * CHUNK * CONTENTS_PER_OPERATION
    adding = placed([Content(Mode.INCREASE, (("like", number),)) for number in range(many)], first=0)
    setting = placed([Content(Mode.SET, (("level", number),)) for number in range(many)], first=many)
    asked: list[Operation | Placed] = [adding[:100], increase("a key", like=1), adding[100:], setting]
    budget = replace(scene.budget(600), accepts_until=scene.clock.moment + 600)
    assert deliver(GROUP.id, asked, scene.counters, scene.instance, budget) == [None] * (2 * many + 1)
    assert (scene.api.counters["like"], scene.api.counters["level"]) == (sum(range(many)) + 1, many - 1)


def placed(contents: Sequence[Content], first: int) -> Placed:
    positions = [Position.of("stream/shard", str(first + at)) for at in range(len(contents))]
    return Placed(Place(positions[0].partition), contents, [one.sequence for one in positions])
