"""The rules by which the row of a group that is gone expires (R11), each switched off."""

from tests.faults.auditor.orders import MORE
from tests.faults.mutants.mutant import Mutant, one
from tests.faults.simulator import draws as h
from tests.faults.simulator.plan import KNOWN, Theme

_LOOK = "core.protocol.expire:_look"
_BLANK = "core.state.transitions:is_blank"
_DELETE = "visit.instance.ledger.delete(visit.group, row.version)"
_ANY_VERSION = "visit.instance.ledger.delete(visit.group, (visit.instance.ledger.load(visit.group) or row).version)"
_KEPT = "core.protocol.expire:_kept_s"
_REFUSED = "core.model.known_keys:refused"
_MARK = "((GONE, int(now)),)"
_AWAY = Theme((h.long_gone,), (MORE,), start=KNOWN)
_UNASKED = Theme((h.long_gone, h.third_lost), (MORE,), start=KNOWN, insist=False)


def _tested(name: str, path: str, change: tuple[str, str]) -> Mutant:
    """A mutant that only the tests of the rule find: small worlds are over before it makes a difference."""
    return Mutant(name, "R11", path, (change,), test="tests/unit/core/protocol/test_expire.py")


EXPIRY: tuple[Mutant, ...] = (
    one(
        "a row expires as soon as its group is gone",
        "R11",
        _KEPT,
        (
            "max(instance.windows.longest(app), instance.rules.forget_s) + instance.rules.guard_s + 1",
            "instance.rules.guard_s",
        ),
        _AWAY,
    ),
    one(
        "a row expires without another look",
        "R11",
        _LOOK,
        ("refusal is not None and refusal.date is not None and ended_at <= refusal.date", "refusal or ended_at"),
        _AWAY,
    ),
    one(
        "a row expires by the local clock",
        "R12",
        _LOOK,
        ("ended_at <= refusal.date", "ended_at"),
        Theme((h.long_gone, h.far_off), (MORE,), start=KNOWN),
    ),
    one("a row expires with what it owes", "R11", _BLANK, ("row.is_settled and not", "not"), _UNASKED),
    one(
        "a row expires in whatever version",
        "R11",
        _LOOK,
        (_DELETE, _ANY_VERSION),
        Theme((h.long_gone, h.late_freeze), (MORE,), start=KNOWN, insist=False),
    ),
    one(
        "a row expires with its pause",
        "R15",
        _BLANK,
        (" or row.is_held", ""),
        Theme((h.long_gone, h.paused_while_gone), (MORE,), start=KNOWN),
    ),
    _tested("a row expires with what it remembers", _BLANK, ("row.remembered or ", "")),
    _tested("a row expires with its watermarks", _BLANK, ("row.watermarks or ", "")),
    _tested("a copied row expires", "core.protocol.expire:_may_expire", (" and is_current", "")),
    _tested("the window begins with the first rejection", _REFUSED, (_MARK, f"(known or {_MARK})")),
    _tested("a rejection for another reason leaves the mark", _REFUSED, ("else of_counters(known)", "else known")),
    _tested("a landing leaves the mark", "core.model.known_keys:knowing", ("of_counters(known)", "known")),
    _tested("a row expires before memory ends", _KEPT, (", instance.rules.forget_s", ", 0.0")),
)
