"""What can become of an operation, as values."""

from __future__ import annotations

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


def test_every_outcome_has_a_word() -> None:
    """Those that are accepted and owed, for whatever reason but a frozen group, are pending."""
    words = [state_of(outcome) for outcome in (*ANSWERS, *WAITING, KeyReused())]
    assert words == ["applied", "rejected", "unknown", "pending", "pending", "frozen", "key-reused"]
