"""What a caller is told of an operation when the ledger fails in the middle of the question."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handler.core.errors import LedgerUnavailable
from handler.core.outcomes import Applied, KeyReused
from tests.unit.core.samples import row
from tests.unit.core.scene import GROUP, Scene, increase


def test_a_question_that_the_ledger_cannot_answer_is_not_answered_with_no() -> None:
    """The operation was applied: a caller who is told that it does not exist would send it under a new key."""
    scene = Scene(row())
    scene.counters.apply(GROUP.id, [increase("a")], scene.patience(5))
    scene.ledger.out_of_reach = {"records"}
    with pytest.raises(LedgerUnavailable):
        scene.counters.ask(GROUP.id, "caller", "a", scene.patience(1))


def test_a_question_is_answered_with_the_stored_answer() -> None:
    """Or with nothing, where the caller has no such operation."""
    scene = Scene(row())
    scene.counters.apply(GROUP.id, [increase("a")], scene.patience(5))
    assert scene.counters.ask(GROUP.id, "caller", "a", scene.patience(1)) == Applied((("like", 5),), replayed=True)
    assert scene.counters.ask(GROUP.id, "other", "a", scene.patience(1)) is None


def test_a_key_known_with_other_content_is_told_at_once() -> None:
    """There is nothing to wait for, although the operation that owns the key is still owed."""
    scene = Scene(row())
    scene.counters.accept(GROUP.id, [increase("a")])
    began = scene.clock.moment
    assert scene.counters.apply(GROUP.id, [replace(increase("a"), counters=(("like", 6),))], scene.patience(30)) == [
        KeyReused()
    ]
    assert scene.clock.moment - began < 1
    assert scene.api.calls == []


def test_nothing_asked_is_nothing_done() -> None:
    """An empty batch has no outcomes."""
    scene = Scene(row())
    assert scene.counters.apply(GROUP.id, [], scene.patience(30)) == []
