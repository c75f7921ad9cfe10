"""What can become of an operation, as values."""

from __future__ import annotations

from handler.core.model.outcome import (
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


def test_every_outcome_has_a_word() -> None:
    """Those that are accepted and owed, for whatever reason but a frozen group, are pending."""
    outcomes: list[Outcome] = [Applied((("like", 5),)), Rejected(10010, "no such group"), Unknown("a lost reply")]
    outcomes += [Pending(2.0), Stalled(60020, "arrears", 1.0), Frozen("unexplained"), KeyReused()]
    words = [state_of(outcome) for outcome in outcomes]
    assert words == ["applied", "rejected", "unknown", "pending", "pending", "frozen", "key-reused"]
