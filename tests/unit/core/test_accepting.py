"""When an operation becomes owed, and what its caller may be told if it does not (R1)."""

from __future__ import annotations

import pytest

from handler.core.errors import TooManyCalls
from handler.core.rows import Entry, first_row
from tests.sandbox.memory_ledger import MemoryLedger
from tests.unit.core.samples import row
from tests.unit.core.scene import GROUP, Scene, increase


def test_a_batch_that_no_row_can_hold_is_turned_away() -> None:
    """On the fast path as on the slow one, with nothing accepted and nothing sent."""
    scene = Scene(row())
    batch = [increase(f"key-{number}") for number in range(600)]
    with pytest.raises(TooManyCalls):
        scene.counters.apply(GROUP.id, batch, scene.patience(30))
    assert (scene.api.calls, scene.row) == ([], row())


def test_a_batch_that_the_slow_path_would_refuse_is_not_accepted_on_the_fast_one() -> None:
    """What is opened, remembered and owed on top needs its room."""
    scene = Scene(row())
    batch = [increase(f"key-{number}") for number in range(400)]
    with pytest.raises(TooManyCalls):
        scene.counters.apply(GROUP.id, batch, scene.patience(30))
    assert (scene.api.calls, scene.row) == ([], row())


def test_who_comes_to_a_new_group_a_moment_too_late_is_taken_on_in_one_step() -> None:
    """Many come to a new group at once, and only one makes its row: the others need not read it all again."""
    scene = Scene()
    scene.ledger.before_swap = [lambda: create_row(scene)]
    scene.counters.accept(GROUP.id, [increase("a")])
    assert [entry.id for entry in scene.row.queue] == [increase("other").id, increase("a").id]
    assert scene.ledger.swaps == 1


def create_row(scene: Scene) -> None:
    """Somebody else makes the group's row just now."""
    theirs = first_row([Entry.of(increase("other"))], "_receipt", 1)
    assert MemoryLedger.swap(scene.ledger, GROUP, theirs, {})
