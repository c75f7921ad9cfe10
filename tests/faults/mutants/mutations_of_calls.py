"""The rules that lead to a call and judge it (R1 to R4), each switched off."""

from tests.faults.auditor.orders import LESS, MORE, SET
from tests.faults.mutants.mutant import Mutant, one
from tests.faults.simulator import draws as h
from tests.faults.simulator.plan import ADOPTED, NEW, Theme
from tests.faults.simulator.simulate import WHOLE

_LOADED = "row = instance.ledger.load(visit.group)\n"
_FOUND = "found = instance.ledger.find(visit.group, tuple(asked.keyed))\n"
_SWAPPED = "if not _written(visit, row, grown):"
_UNCHECKED = """latest = instance.ledger.load(visit.group)
    grown = __import__("msgspec").structs.replace(grown, version=latest.version + 1 if latest else grown.version)
    if not (instance.ledger.swap(visit.group, grown, {}) if latest else _written(visit, row, grown)):"""
_CERTAIN = "asked_after = certain(heard, reply.date, visit.calls.took_s)"
_ACCEPTING = "core.protocol.accept:_round"
_IDLE = "core.model.row:Row.is_idle"
_REPEATED = Theme((h.freeze, h.ledger), start=NEW)
_UNANSWERED = Theme((h.ledger,), insist=False)
_OVERDUE_BEFORE_SET = Theme((h.outlives,), (MORE, SET), later=True)
_FORGED = Theme((h.foreign_receipt,), later=True)
_COPY = Theme((h.restored,))
_ODD = Theme((h.odd,))
_ABSENT = Theme((h.absent, h.freeze), start=NEW)
_REFUSE = "visit.instance.ledger.refuse(visit.group, visit.lasting(records)):"
_MERGED = Theme((h.lost,), (MORE, LESS, MORE))

CALLS: tuple[Mutant, ...] = (
    Mutant(
        "fast open without: no attempt",
        "R1",
        _IDLE,
        (("self.attempt is None\n        and not self.queue", "not self.queue"),),
    ),
    one("fast open without: an empty queue", "R1", _IDLE, ("and not self.queue", ""), Theme((h.crash, h.unsent))),
    one("fast open without: nothing remembered", "R1", _IDLE, ("and not self.remembered", ""), _OVERDUE_BEFORE_SET),
    Mutant(
        "fast open without: no debt",
        "R1",
        _IDLE,
        (("and not self.debt", ""),),
        Theme((h.outlives, h.crash), later=True),
        second_line="the debt stays in the row and is paid after the attempt instead of before it",
    ),
    Mutant(
        "fast open without: not held",
        "R1",
        _IDLE,
        (("and not self.is_held", ""),),
        _FORGED,
        second_line="a group freezes with its attempt open, its queue waiting or an attempt remembered; what is opened "
        "in a paused group is taken back",
    ),
    Mutant(
        "fast open without: a known base",
        "R1",
        _IDLE,
        (("and self.base is not None\n        and least <= self.base", "and least <= (self.base or 0)"),),
        Theme((h.crash,), start=ADOPTED),
        second_line="a row without a base has its queue waiting, unless its group has no room for a receipt",
    ),
    Mutant(
        "fast open without: the same receipt key",
        "R1",
        _IDLE,
        (("and self.receipt_key == receipt_key", ""),),
        second_line="whoever opens the attempt sends the receipt key of the row, with the base of the row",
    ),
    one("fast open without: the current generation", "R1", _IDLE, ("and self.generation == generation", ""), _COPY),
    Mutant("record read before row", "R1", _ACCEPTING, ((_LOADED, "%%"), (_FOUND, _LOADED), ("%%", _FOUND)), _REPEATED),
    one("append without compare-and-swap", "R1", _ACCEPTING, (_SWAPPED, _UNCHECKED), Theme(start=NEW)),
    one(
        "a lost answer called not accepted",
        "R1",
        "core.protocol.accept:_accepted",
        ("in_doubt=True", "in_doubt=False"),
        _UNANSWERED,
    ),
    one(
        "a write believed without its answer",
        "R1",
        "core.protocol.visit:Visit.put",
        ("return Again()\n    if not done", "return row\n    if not done"),
        Theme((h.ledger, h.lost)),
    ),
    one(
        "one key for two contents",
        "R1",
        "core.protocol.engine:_is_reused",
        ("acceptance.fingerprints[entry.id] != entry.fingerprint", "False"),
    ),
    Mutant(
        "weights reused",
        "R2",
        "core.state.receipts:choose_weight",
        (
            ("source.randrange(WEIGHT_MIN, WEIGHT_MAX)", "WEIGHT_MIN"),
            ("sums.isdisjoint(total + weight for total in sums)", "True"),
        ),
        Theme((h.outlives, h.lost), (MORE, MORE)),
    ),
    one(
        "weights without a sign", "R2", "core.model.row:Attempt.shift", ("self.mode.sign * self.weight", "self.weight")
    ),
    one("a run of several modes", "R2", "core.state.merge:next_run", (" or entry.mode is not first.mode", ""), _MERGED),
    one(
        "a Set without a look before it",
        "R2",
        "core.protocol.drive:open_next",
        ("mode is Mode.SET and row.remembered and not visit.group_is_gone", "False"),
        _OVERDUE_BEFORE_SET,
    ),
    one(
        "signature timed at sending",
        "R3",
        "core.protocol.calls:Calls.update",
        ("signed_at=attempt.signed_at,", "signed_at=self._instance.api_clock.now(),"),
        Theme((h.freeze,), (MORE,), patient=True),
    ),
    one(
        "sent by whoever finds it",
        "R3",
        "core.protocol.drive:step",
        ("own is not None and not own.is_sent", "not (own and own.is_sent)"),
    ),
    one(
        "no guard",
        "R4",
        "core.runtime.instance:Rules.bound_of",
        ("return max(self.bound_s, attempt.life_s + self.guard_s)", "return attempt.life_s"),
        Theme((h.late,)),
    ),
    one("the rounding of Date lost", "R4", "core.state.receipts:death", (" + 1", ""), Theme((h.late,))),
    one(
        "the local clock judges",
        "R4",
        "core.protocol.conclude:see",
        (_CERTAIN, "asked_after = int(visit.instance.clock.now())"),
        Theme((h.late, h.jumps)),
    ),
    Mutant(
        "definite codes widened",
        "R4",
        "core.ports.error_codes:meaning_of",
        (
            (
                "return VERDICTS.get(code, UNLISTED)",
                "return VERDICTS[10006] if VERDICTS.get(code, UNLISTED).effect is Effect.UNKNOWN else VERDICTS[code]",
            ),
        ),
        Theme((h.unclear,)),
        WHOLE,
    ),
    one(
        "every refusal believed",
        "R4",
        "core.protocol.conclude:follow",
        (" and (is_confirmed or not row.receipt_key)", ""),
        Theme((h.lied,)),
    ),
    one(
        "one odd answer believed",
        "R4",
        "core.protocol.conclude:conclude",
        ("and not observed.is_second", "and False"),
        _ODD,
    ),
    one(
        "what is not permitted blamed on the operation",
        "R6",
        "core.protocol.refusal:blamed",
        ("if NOT_PERMITTED not in codes:", "if True:"),
        Theme((h.demoted,)),
    ),
    one(
        "a first row whatever is on record",
        "R14",
        "core.protocol.accept:_written",
        (
            "ledger.create(visit.group, grown)",
            "ledger.swap(visit.group, __import__('msgspec').structs.replace(grown, version=1), {})",
        ),
        _ABSENT,
    ),
    one("a refusal told and not kept", "R14", "core.protocol.accept:_refused", (_REFUSE, "True:"), _ABSENT),
)
