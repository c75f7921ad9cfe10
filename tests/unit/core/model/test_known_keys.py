"""A group's row knows the counter keys on which operations have landed, and since when; nothing exact depends on it."""

import pytest
from msgspec.structs import replace

from handler.core.model.known_keys import KEYS_KNOWN_MAX, knowing
from handler.core.model.operation import Counters
from handler.core.model.outcome import Applied
from handler.core.model.row import Remembered
from tests.unit.core.samples import BASE, NOW, attempt, entry, row
from tests.unit.core.scene import GROUP, RULES, Scene, first, increase

WEAKER = replace(RULES, receipt_key="")
WEAKER_ROW = replace(row(receipt_key=""), base=0)


def applied(scene: Scene, name: str) -> bool:
    [outcome] = scene.counters.apply(GROUP.id, [increase(name)], scene.budget(30))
    return isinstance(outcome, Applied)


def known(scene: Scene) -> list[str]:
    return [key for key, _ in scene.row.keys]


def test_the_first_landing_on_a_key_is_noted_and_the_next_one_writes_nothing_more() -> None:
    scene = Scene(row())
    assert applied(scene, "a")
    since = scene.row.keys
    swaps = scene.ledger.swaps
    scene.clock.advance(100)
    assert applied(scene, "b")
    assert known(scene) == ["like"]
    assert (scene.row.keys, scene.ledger.swaps) == (since, swaps)


def test_without_receipts_keys_are_known_too() -> None:
    scene = Scene(WEAKER_ROW, WEAKER)
    assert applied(scene, "a")
    assert known(scene) == ["like"]


def test_keys_that_came_and_went_do_not_fill_the_row() -> None:
    """A group has twenty at a time; the newest are kept."""
    keys: Counters = ()
    for number in range(3 * KEYS_KNOWN_MAX):
        keys = knowing(keys, [f"key {number}"], NOW + number + 0.5)
    oldest = 2 * KEYS_KNOWN_MAX
    assert dict(keys) == {f"key {number}": NOW + number for number in range(oldest, 3 * KEYS_KNOWN_MAX)}
    assert knowing(keys, [f"key {oldest}"], NOW + 1000) is keys


def test_a_key_is_known_since_the_apis_second() -> None:
    """However wrong the local clock is: a tick that comes again is the same by the API's clock (R12)."""
    scene = Scene(row(), cold=True)
    scene.api.ahead_s = 30
    assert applied(scene, "a")
    assert scene.row.keys == (("like", scene.api.date),)


@pytest.mark.parametrize("remembered", [(), (Remembered(attempt(name="past", weight=700_001), refused=True),)])
@pytest.mark.parametrize(("took_s", "stays"), [(6.0, True), (14.0, False)])
def test_a_settlement_that_is_long_in_being_written_is_stamped_anew(
    remembered: tuple[Remembered, ...], took_s: float, stays: bool
) -> None:
    """Nobody could see before that the group knows the key, and a tick that came meanwhile must stay what it was."""
    scene = Scene(row(attempt(entry("a")), remembered=remembered))
    scene.api.counters = {"like": 5, "_receipt": BASE + 600_000}
    scene.clock.advance(6)
    late = iter([took_s])
    for write in ("settle", "swap"):
        first(scene.ledger, write, lambda: scene.clock.advance(next(late, 0.0)))
    began = scene.api.date
    scene.counters.sweep(scene.clock.moment + 60)
    assert scene.row.attempt is None
    [(key, since)] = scene.row.keys
    assert (key, since <= began + 1) == ("like", stays)
    assert since >= began
