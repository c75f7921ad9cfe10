"""What a caller is told of an operation when the ledger fails in the middle of the question."""

import pytest
from msgspec.structs import replace

from handler.core.errors import LedgerUnavailable
from handler.core.model.outcome import Applied, KeyReused, Stalled
from handler.core.model.row import Entry
from handler.core.runtime.rate_limiter import Turn
from tests.unit.core.samples import attempt, entry, row
from tests.unit.core.scene import ARREARS, GROUP, Scene, first, increase


def test_a_question_that_the_ledger_cannot_answer_is_not_answered_with_no() -> None:
    """The operation was applied: a caller who is told that it does not exist would send it under a new key."""
    scene = Scene(row())
    scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5))
    scene.ledger.out_of_reach = {"records"}
    with pytest.raises(LedgerUnavailable):
        scene.counters.ask(GROUP.id, "caller", "a", scene.budget(1))


def test_a_key_known_with_other_content_is_told_at_once() -> None:
    """There is nothing to wait for, although the operation that owns the key is still owed."""
    scene = Scene(row())
    scene.counters.accept(GROUP.id, [increase("a")])
    began = scene.clock.moment
    assert scene.counters.apply(GROUP.id, [replace(increase("a"), counters=(("like", 6),))], scene.budget(30)) == [
        KeyReused()
    ]
    assert scene.clock.moment - began < 1
    assert scene.api.calls == []


def test_a_refused_app_says_when_to_ask_again() -> None:
    scene = Scene(row())
    scene.api.updates, scene.api.reads = [ARREARS], [ARREARS]
    assert scene.outcome(increase("a"), 5) == Stalled(60020, "arrears", 1.0)
    scene.instance.breaker.trip(ARREARS)
    scene.clock.advance(1.1)
    scene.instance.breaker.trip(ARREARS)
    assert scene.counters.ask(GROUP.id, "caller", "a", scene.budget(5)) == Stalled(60020, "arrears", 2.0)


def test_duplicates_that_arrive_together_count_once() -> None:
    scene = Scene(row())
    other = replace(increase("a"), counters=(("like", 6),))
    outcomes = scene.counters.apply(GROUP.id, [increase("a"), increase("a"), other], scene.budget(5))
    assert outcomes == [Applied((("like", 5),)), Applied((("like", 5),)), KeyReused()]
    assert scene.api.counters["like"] == 5


def test_outcomes_come_in_the_order_of_the_operations() -> None:
    scene = Scene(row())
    outcomes = scene.counters.apply(GROUP.id, [increase("b"), increase("a", share=2)], scene.budget(5))
    assert outcomes == [Applied((("like", 5),)), Applied((("share", 2),))]


def test_how_long_the_ledger_took_sets_the_rhythm_of_the_visit() -> None:
    scene = Scene(row(attempt(entry("old"))))
    first(scene.ledger, "append", lambda: scene.clock.advance(0.8))
    scene.counters.apply(GROUP.id, [increase("a")], scene.budget(3))
    assert min(scene.clock.slept[:-1]) >= 0.4


def test_a_turn_that_a_failed_ledger_left_over_is_given_back() -> None:
    scene = Scene(row(queue=(Entry.of(increase("a")),)))

    def fail() -> None:
        raise LedgerUnavailable("out of reach")

    scene.ledger.before_swap = [fail]
    given: list[Turn] = []
    scene.instance.updates.give_back = given.append  # type: ignore[assignment]  # what comes back is wanted
    scene.counters.ask(GROUP.id, "caller", "a", scene.budget(5))
    assert len(given) == 1


def test_a_question_reads_the_row_once() -> None:
    scene = Scene(row())
    scene.counters.accept(GROUP.id, [increase("a")])
    scene.ledger.look = None  # type: ignore[assignment]  # nobody may ask
    assert isinstance(scene.counters.ask(GROUP.id, "caller", "a", scene.budget(5)), Applied)


def test_an_idle_group_is_called_without_another_look() -> None:
    scene = Scene(row())
    scene.ledger.look = scene.ledger.load = None  # type: ignore[assignment]  # nobody may ask
    assert scene.counters.apply(GROUP.id, [increase("a")], scene.budget(5)) == [Applied((("like", 5),))]


def test_nothing_asked_is_nothing_done() -> None:
    scene = Scene(row())
    assert scene.counters.apply(GROUP.id, [], scene.budget(30)) == []
