"""The rules by which a receipt stays above zero and far from its end (R2, R9), each switched off."""

from tests.faults.auditor.orders import LESS, MORE, SET
from tests.faults.mutants.mutant import Mutant, one
from tests.faults.simulator import draws as h
from tests.faults.simulator.plan import ADOPTED, KNOWN, Theme

_NO_LESS = Theme((h.below_zero,), (LESS,), start=KNOWN)
_LOST_LIFT = Theme((h.below_zero, h.lost), (LESS,), start=KNOWN)
_LOW = Theme((h.below_zero, h.outlives, h.outlives), (LESS,), start=KNOWN)
_OPEN = "core.protocol.drive:open_next"

LIFTS: tuple[Mutant, ...] = (
    one("no lift", "R2", "core.model.lift:needs_lift", ("base < DECREASE_FROM", "False"), _NO_LESS),
    one("a lift by no more than a weight", "R2", _OPEN, ("else LIFT", "else 0"), _NO_LESS),
    one(
        "a lift where the base is below a weight", "R2", "core.model.lift:needs_lift", ("DECREASE_FROM", "2**20"), _LOW
    ),
    one(
        "a fast path that does not look at the base",
        "R2",
        "core.model.row:Row.is_idle",
        ("and least <= self.base <= most", ""),
        _NO_LESS,
    ),
    one(
        "a lift that is owed back",
        "R2",
        "core.state.transitions:_with_excess_of",
        (
            "attempt.correction, times",
            '(("_receipt", attempt.weight),) if attempt.is_lift else attempt.correction, times',
        ),
        _LOST_LIFT,
    ),
    one(
        "a refused lift that is only closed",
        "R2",
        "core.protocol.refusal:_lift_refused",
        ("elif row.queue and row.queue[0].mode is Mode.DECREASE:", "elif False:"),
        Theme((h.dismissed,), (LESS, LESS), start=KNOWN),
    ),
    one("a Set that stays below zero", "R2", _OPEN, ("set_above(base, mode)", "0"), Theme((), (SET,), start=KNOWN)),
    one(
        "nothing is too far off to count from",
        "R9",
        "core.model.lift:why_not_counted",
        ("not receipt_key or", "True or"),
        Theme((h.lost,), (MORE,), start=KNOWN),
    ),
    Mutant(
        "whatever is found is adopted",
        "R9",
        "core.model.lift:why_not_adopted",
        (("ADOPTED_MIN <= value <= ADOPTED_MAX", "True"),),
        Theme((h.lost,), (MORE,), start=ADOPTED),
        second_line="nothing is opened on what has been adopted then",
    ),
)
