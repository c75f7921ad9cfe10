"""What can become of an operation, as values."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import get_args

import pytest
from msgspec.structs import replace

from handler.core.model.outcome import (
    Answer,
    Applied,
    Frozen,
    KeyReused,
    Outcome,
    Pending,
    Rejected,
    Stalled,
    Unknown,
    state_of,
)

ANSWERS: list[Answer] = [Applied((("like", 5),)), Rejected(10010, "no such group"), Unknown("the reply was lost")]
WAITING: list[Outcome] = [Pending(2.0), Stalled(60020, "arrears", 1.0), Frozen("unexplained")]


def test_an_answer_is_applied_rejected_or_unknown() -> None:
    assert get_args(Answer) == tuple(type(answer) for answer in ANSWERS)


def test_every_other_outcome_waits_or_was_never_accepted() -> None:
    """The list of outcomes is complete, so that replies can be held to it."""
    assert set(get_args(Outcome)) == {*get_args(Answer), *(type(waiting) for waiting in WAITING), KeyReused}


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_an_answer_is_told_again_with_the_same_content(answer: Applied | Rejected | Unknown) -> None:
    """A first answer is not marked; a replayed one differs from it by the mark alone."""
    again = replace(answer, replayed=True)
    assert (answer.replayed, again.replayed) == (False, True)
    assert replace(again, replayed=False) == answer


def test_values_are_those_of_the_call_unless_marked() -> None:
    """Values read later, beside the receipt, say so."""
    assert not Applied(()).observed_later
    assert Applied((), observed_later=True) != Applied(())


@pytest.mark.parametrize("outcome", [*ANSWERS, *WAITING], ids=repr)
def test_an_outcome_cannot_be_changed(outcome: object) -> None:
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        outcome.replayed = True  # type: ignore[attr-defined]  # the attempt is what is tested


def test_every_outcome_has_a_word() -> None:
    """Those that are accepted and owed, for whatever reason but a frozen group, are pending."""
    words = [state_of(outcome) for outcome in (*ANSWERS, *WAITING, KeyReused())]
    assert words == ["applied", "rejected", "unknown", "pending", "pending", "frozen", "key-reused"]
