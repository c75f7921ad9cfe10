"""What can become of an operation, as values."""

from __future__ import annotations

from handler.core.model.outcome import Applied, Frozen, KeyReused, Pending, Rejected, Stalled, Unknown, state_of


def test_every_outcome_has_a_word() -> None:
    """Those that are accepted and owed, for whatever reason but a frozen group, are pending."""
    answers = [Applied((("like", 5),)), Rejected(10010, "no such group"), Unknown("the reply was lost")]
    words = [state_of(answer) for answer in answers]
    words += [state_of(owed) for owed in (Pending(2.0), Stalled(60020, "arrears", 1.0), Frozen("unexplained"))]
    assert [*words, state_of(KeyReused())] == [
        *("applied", "rejected", "unknown"),
        *("pending", "pending", "frozen", "key-reused"),
    ]
