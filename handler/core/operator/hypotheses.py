"""What an operator weighs before a verdict: where the receipt would stand if this attempt had landed, or none had."""

from __future__ import annotations

import msgspec

from handler.core.model.operation import Mode
from handler.core.model.row import Attempt, Row


class Hypothesis(msgspec.Struct, frozen=True):
    """One attempt, or none, landed on the base that is known, and the receipt is `seen` to stand where it does."""

    attempt: Attempt | None
    is_open: bool
    base: int
    moved: int
    seen: int

    @property
    def expected(self) -> int:
        """Where the receipt would stand."""
        return self.base + self.moved

    @property
    def off(self) -> int:
        """How far the receipt that is seen stands from there."""
        return self.seen - self.expected

    @property
    def before(self) -> int | None:
        """What the receipt was just before, if the attempt landed last; what a Set has written over shows nowhere."""
        is_set = self.attempt is not None and self.attempt.mode is Mode.SET
        return None if is_set else self.seen - self.moved

    @property
    def sentence(self) -> str:
        """The hypothesis with its arithmetic, as it can be checked by hand."""
        verdict = "which is what is there" if not self.off else f"and {self.seen} is there: {abs(self.off)} off"
        if self.attempt is None:
            return f"if nothing landed, the receipt is still the base {self.base}, {verdict}"
        name = f"{'the open attempt' if self.is_open else 'the past attempt'} {self.attempt.id}"
        if self.before is None:
            return f"if {name} landed, its Set wrote {self.expected} into the receipt, {verdict}"
        sign = "+" if self.moved >= 0 else "-"
        return (
            f"if {name} landed, the receipt was {self.before} before; "
            f"base {self.base} {sign} weight {abs(self.moved)} = {self.expected}, {verdict}"
        )


def hypotheses(row: Row, seen: int) -> tuple[Hypothesis, ...]:
    """Nothing landed; the open attempt did; each past one did, the newest first. Empty without a receipt or a base."""
    if row.base is None or not row.receipt_key:
        return ()
    base = row.base
    past = [remembered.attempt for remembered in reversed(row.remembered)]
    attempts = [*([row.attempt] if row.attempt is not None else []), *past]
    landed = (Hypothesis(one, one is row.attempt, base, one.shift(base), seen) for one in attempts)
    return (Hypothesis(None, is_open=False, base=base, moved=0, seen=seen), *landed)
