"""The rules by which rows go on after a call (R5 to R11), each switched off."""

from tests.faults.auditor.orders import BOTH_KEYS, LESS, MORE, NEGATIVE, SET
from tests.faults.mutants.mutant import Mutant, one
from tests.faults.simulator import draws as h
from tests.faults.simulator.plan import ADOPTED, KNOWN, NEW, Theme
from tests.faults.simulator.simulate import WHOLE

_SETTLED = "done = visit.instance.ledger.settle(visit.group, settlement)"
_ROW_FIRST = """bare = Settlement(attempt=settlement.attempt, base=settlement.base, new_base=settlement.new_base)
        done = visit.instance.ledger.settle(visit.group, bare)
        row = visit.instance.ledger.load(visit.group)
        if row:
            visit.instance.ledger.swap(visit.group, row.changed(), settlement.records)"""
_REJECTED = "return visit.put(change, Notice.REJECTED, code=refusal.code, **naming(change.records))"
_RECORD_FIRST = """follows = visit.put(replace(change, row=row.changed()))
    if not isinstance(follows, Row):
        return follows
    return visit.put(transitions.answered(follows, Rejected(refusal.code, refusal.info), 0.0).row)"""
_SETTLING = "core.model.row:Settlement.applied_to"
_OVERDUE = Theme((h.outlives,), later=True)
_FORGED = Theme((h.foreign_receipt,), later=True)
_COPY = Theme((h.restored,))
_COPY_OF_NOTHING = Theme((h.restored, h.late), start=NEW)
_GONE = Theme((h.dismissed, h.lost), (MORE, SET))
_HALF_GOOD = Theme((h.forbidden, h.lost), (MORE, BOTH_KEYS, MORE))
_HURRIED = Theme((h.late,), (MORE, LESS), insist=False)
_CRASHED = Theme((h.crash,))

_NO_UPDATES = Theme((h.outage,), (MORE,))
_A_LONG_OUTAGE = Theme((h.an_hour_long,), (MORE,))
_KEPT = "return (*(other for other in memory if other is not gone), past)"
_LAPSED = "return _closed(row, Remembered(attempt), attempt.owed + row.queue)"

_REFUSED = "_closed(row, Remembered(attempt, refused=True, for_good=for_good), owed + row.queue)"

ROWS: tuple[Mutant, ...] = (
    one("row before records", "R5", "core.protocol.settle:_settle_plainly", (_SETTLED, _ROW_FIRST), _CRASHED),
    one("the settle rewrites the queue", "R5", _SETTLING, ("attempt=None, ", "attempt=None, queue=(), "), _HURRIED),
    Mutant(
        "settle without: the attempt's id",
        "R5",
        _SETTLING,
        ((" or row.attempt.id != self.attempt.id", ""),),
        second_line="whatever settles an attempt moves the base, and the base is looked at too",
    ),
    one(
        "settle without: either condition",
        "R5",
        _SETTLING,
        ("row.attempt is None or row.attempt.id != self.attempt.id or row.base != self.base", "row.attempt is None"),
        Theme((h.freeze, h.lost), (MORE, LESS)),
    ),
    Mutant(
        "settle without: the expected base",
        "R5",
        _SETTLING,
        ((" or row.base != self.base", ""),),
        _OVERDUE,
        second_line="where a late landing has moved the base under an open attempt, the reply shows both, and that is "
        "no plain settlement",
    ),
    one(
        "everybody told the last value",
        "R5",
        "core.state.merge:shares",
        ("-= sign * value", "-= 0"),
        Theme((h.late,), (MORE, MORE, MORE), start=NEW),
    ),
    one(
        "observed later, told as replied",
        "R5",
        "core.state.transitions:settled_records",
        ("if seen.later:", "if False:"),
        Theme((h.lost,), (MORE, MORE)),
    ),
    one("memory dropped", "R6", "core.state.transitions:_closed", ("if not row.receipt_key:", "if True:"), _OVERDUE),
    one(
        "split skipped",
        "R6",
        "core.protocol.refusal:confirmed",
        ("if len(attempt.entries) > 1:", "if False:"),
        _HALF_GOOD,
    ),
    one(
        "a rejected record before the row",
        "R6",
        "core.protocol.refusal:_rejected",
        (_REJECTED, _RECORD_FIRST),
        Theme((h.refused, h.crash)),
    ),
    one(
        "what was refused is not remembered",
        "R6",
        "core.state.transitions:refused",
        (_REFUSED, "Change(row.changed(attempt=None, queue=owed + row.queue))"),
        Theme((h.lied, h.read)),
    ),
    one(
        "a counter that is gone is left out",
        "R5",
        "core.state.merge:own_values",
        (
            "values.get(key, 0)) for key, _ in entry.counters",
            "values[key]) for key, _ in entry.counters if key in values",
        ),
        Theme((h.deleted, h.lost), (MORE,)),
    ),
    one(
        "settled by a reply that lacks its counters",
        "R5",
        "core.protocol.conclude:_landed",
        ("transitions.lacks_values(row, landed.times, observed.counters)", "False"),
        Theme((h.lied, h.read), (MORE, NEGATIVE)),
    ),
    one("no interval after losses", "R11", "core.state.losses:opens_at", ("if not lost:", "if True:"), _NO_UPDATES),
    one("the interval does not grow", "R11", "core.state.losses:opens_at", ("2 ** (len(lost) - 1)", "1"), _NO_UPDATES),
    one(
        "a full memory freezes",
        "R11",
        "core.state.transitions:not_landed",
        (_LAPSED, f'return Change(frozen(row, "full")) if len(row.remembered) > 7 else {_LAPSED[7:]}'),
        _A_LONG_OUTAGE,
    ),
    one(
        "a full memory drops the newest",
        "R11",
        "core.state.losses:remembering",
        (_KEPT, f"return tuple(memory) if gone else {_KEPT[7:]}"),
        _A_LONG_OUTAGE,
    ),
    one("debt ignored", "R7", "core.state.merge:with_excess", ("times * delta", "0"), _OVERDUE),
    one(
        "copies not explained",
        "R7",
        "core.state.receipts:explain",
        ("1 < copies <= COPIES_MAX", "False"),
        Theme((h.copied,)),
    ),
    Mutant(
        "a late landing not settled",
        "R7",
        "core.state.transitions:landed",
        (("for entry in past.attempt.entries if entry.id in owed}", "for entry in past.attempt.entries if False}"),),
        Theme((h.outlives,)),
        second_line="what landed late is taken back as an excess, and the operation goes out once more",
    ),
    one(
        "what nothing explains is waited for",
        "R7",
        "core.protocol.conclude:conclude",
        ("return visit.freeze(row, reason)", "return Again(1.0)"),
        _FORGED,
    ),
    one(
        "a payment given up on one code",
        "R7",
        "core.protocol.refusal:_correction_refused",
        (" and visit.in_a_row.refusals", ""),
        Theme((h.copied, h.refused)),
    ),
    one(
        "a history adopted at once",
        "R9",
        "core.protocol.first_use:_begun",
        ("_note_first_seen(visit, row, date)", "visit.put(row.changed(base=values[row.receipt_key]))"),
        Theme((h.stray,), start=ADOPTED),
    ),
    one(
        "one refused read makes a group new",
        "R9",
        "core.protocol.first_use:_first_look",
        ("0 < visit.in_a_row.refusals < TIMES_BELIEVED", "False"),
        Theme((h.read,), start=ADOPTED),
    ),
    one(
        "a call on a receipt that may not be read",
        "R9",
        "core.protocol.first_use:_first_look",
        ("reply.code == NOT_PERMITTED and row.queue", "False"),
        Theme((h.demoted,), (MORE,), start=ADOPTED),
    ),
    one(
        "generation ignored",
        "R10",
        "core.protocol.drive:step",
        ("row.generation < visit.instance.generation.current().number", "False"),
        _COPY,
    ),
    one(
        "a copy verified at once",
        "R10",
        "core.protocol.first_use:revalidate",
        ("max(row.first_seen_at + past_s(rules.bound_s, rules.guard_s), lost_until)", "0.0"),
        Theme((h.restored, h.late)),
    ),
    one(
        "a young copy begins groups at once",
        "R10",
        "core.protocol.first_use:_begun",
        ("0.0 if _is_first_generation(visit) else _lost_until(visit, row)", "0.0"),
        _COPY_OF_NOTHING,
    ),
    one(
        "a young copy adopts receipts",
        "R10",
        "core.protocol.first_use:_may_be_forgotten",
        ("generation.number > 1", "False"),
        Theme((h.restored,), start=NEW),
    ),
    Mutant(
        "a copy adopts receipts while their operations may come again",
        "R10",
        "core.protocol.first_use:_may_be_forgotten",
        (("max(visit.instance.rules.forget_s, 0.0, *windows_s)", "visit.instance.rules.forget_s"),),
        Theme((h.restored, h.ledger, h.ledger), (MORE,), start=NEW),
        WHOLE,
    ),
    one(
        "forgotten too soon",
        "R11",
        "core.state.transitions:forgotten",
        ("(0 if past.refused else forget_s)", "0"),
        _OVERDUE,
    ),
    one(
        "a Set waits for a group that is gone",
        "end",
        "core.protocol.drive:open_next",
        (" and not visit.group_is_gone", ""),
        _GONE,
    ),
    one(
        "a copied row waits for a group that is gone",
        "end",
        "core.protocol.first_use:revalidate",
        ("visit.group_is_gone and row.attempt is None", "False"),
        Theme((h.restored, h.dismissed)),
    ),
    one(
        "an adoption waits for a group that is gone",
        "end",
        "core.protocol.first_use:_adopt",
        ("visit.group_is_gone", "False"),
        Theme((h.dismissed,), start=ADOPTED),
    ),
    one(
        "a group forgotten while its call may land",
        "R11",
        "core.operator.forget:_obstacle",
        ("if row.attempt is not None:", "if False:"),
        Theme((h.late, h.forgotten), (MORE,), start=KNOWN),
    ),
)
