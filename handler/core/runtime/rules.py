"""The settings that exactness depends on."""

from __future__ import annotations

import msgspec

from handler.core.model.codec import ROW_BYTES
from handler.core.model.row import Attempt


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that exactness depends on. Times in seconds, those on the API's clock in whole ones."""

    receipt_key: str
    timeout_s: float
    life_s: int
    bound_s: float
    """An attempt is presumed dead this long after its time: life + guard, or the operator's bound."""
    guard_s: float
    calls_per_second: float
    cache_s: float = 300
    """How long an instance may go on with an older generation (R10)."""
    forget_s: float = 24 * 3600
    """A remembered attempt is kept this long after its death (R11)."""
    window_s: float = 15 * 24 * 3600
    """How long answers are kept, and how old what a source delivers may be (R11)."""
    row_bytes: int = ROW_BYTES
    """The longest text of a row (R13)."""

    def bound_of(self, attempt: Attempt) -> float:
        """How long after its time `attempt` is presumed dead, by the life that the row says it was signed for."""
        if self.bound_s < self.life_s + self.guard_s:
            return self.bound_s
        return max(self.bound_s, attempt.life_s + self.guard_s)
