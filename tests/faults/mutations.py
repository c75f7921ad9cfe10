"""The rules of the real code, each of which can be switched off: a function, and what stands in it instead.

Only the code object of the function is exchanged, so that everybody who has imported it meets the mutant.
"""

from __future__ import annotations
import __future__ as future

import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType

from tests.faults import hazards as h
from tests.faults.plan import ADOPTED, ANYTHING, BOTH_KEYS, LESS, MORE, NEW, SET, Theme
from tests.faults.simulate import CORE, WHOLE


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule, switched off.

    `path` names a function as `module:Qualified.name`; each text in `changes` stands in it once. The worlds that it is
    looked for in are about the `theme`.
    """

    name: str
    rule: str
    path: str
    changes: tuple[tuple[str, str], ...]
    theme: Theme = ANYTHING
    way: str = CORE
    second_line: str = ""
    """Why nothing goes wrong without the rule, where another one holds the same."""

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Let the mutant take the place of the real function."""
        function = self._function()
        real = function.__code__
        function.__code__ = _code_of(self)
        try:
            yield
        finally:
            function.__code__ = real

    def _function(self) -> FunctionType:
        module, _, names = self.path.partition(":")
        found: object = importlib.import_module(f"handler.{module}")
        for name in names.split("."):
            found = inspect.getattr_static(found, name)
        if isinstance(found, property):
            found = found.fget
        if not isinstance(found, FunctionType):
            raise TypeError(f"{self.path} is no function")
        return found

    def mutated(self) -> FunctionType:
        """The function with the rule switched off."""
        function = self._function()
        source = textwrap.dedent(inspect.getsource(function)).replace("@property\n", "")
        for old, new in self.changes:
            if source.count(old) != 1:
                raise ValueError(f"{self.name}: {old!r} does not stand in {self.path} once")
            source = source.replace(old, new)
        namespace = dict(function.__globals__)
        flags = future.annotations.compiler_flag
        exec(compile(source, f"<{self.name}>", "exec", flags, dont_inherit=True), namespace)  # noqa: S102  # our own code
        mutated = namespace[function.__name__]
        if not isinstance(mutated, FunctionType):
            raise TypeError(f"{self.name} makes no function")
        return mutated


@lru_cache
def _code_of(mutant: Mutant) -> CodeType:
    return mutant.mutated().__code__


def _one(name: str, rule: str, path: str, change: tuple[str, str], theme: Theme = ANYTHING) -> Mutant:
    return Mutant(name, rule, path, (change,), theme)


_LOADED = "row = instance.ledger.load(visit.group)\n"
_FOUND = "finished = instance.ledger.find(visit.group, tuple(entries))\n"
_SWAPPED = "if instance.ledger.swap(visit.group, grown, {}):"
_UNCHECKED = """latest = instance.ledger.load(visit.group)
            grown = __import__("dataclasses").replace(grown, version=latest.version + 1 if latest else 1)
            if instance.ledger.swap(visit.group, grown, {}):"""
_SETTLED = "done = visit.instance.ledger.settle(visit.group, settlement)"
_ROW_FIRST = """bare = Settlement(settlement.attempt_id, settlement.base, settlement.new_base)
        done = visit.instance.ledger.settle(visit.group, bare)
        row = visit.instance.ledger.load(visit.group)
        if row:
            visit.instance.ledger.swap(visit.group, row.changed(), settlement.records)"""
_REJECTED = "follows = visit.put(change.row, change.records)"
_RECORD_FIRST = """follows = visit.put(row.changed(), change.records)
    if not isinstance(follows, Row):
        return follows
    follows = visit.put(transitions.answered(follows, Rejected(refusal.code, refusal.info), 0.0).row)"""
_ASKED = "asked_after = visit.instance.api_clock.latest\n"
_READ = "reply = visit.read(keys)\n"


_ACCEPTING = "core.accepting:_swap_in"
_SETTLING = "core.rows:Settlement.applied_to"
_IDLE = "core.rows:Row.is_idle"

_REPEATED = Theme((h.freeze, h.ledger), start=NEW)
_UNANSWERED = Theme((h.ledger,), insist=False)
_OVERDUE = Theme((h.outlives,), later=True)
_OVERDUE_BEFORE_SET = Theme((h.outlives,), (MORE, SET), later=True)
_FORGED = Theme((h.foreign_receipt,), later=True)
_COPY = Theme((h.restored,))
_COPY_OF_NOTHING = Theme((h.restored, h.late), start=NEW)
_SLOW = Theme((h.late, h.read), (MORE,), patient=True)
_SENT_LATE = Theme((h.freeze, h.lost))
_MERGED = Theme((h.lost,), (MORE, LESS, MORE))
_GONE = Theme((h.dismissed, h.lost), (MORE, SET))
_HALF_GOOD = Theme((h.forbidden, h.lost), (MORE, BOTH_KEYS, MORE))
_HURRIED = Theme((h.late,), (MORE, LESS), insist=False)
_CRASHED = Theme((h.crash,))

_FAST = (
    Mutant(
        "fast open without: no attempt",
        "R1",
        _IDLE,
        (("self.attempt is None\n        and not self.queue", "not self.queue"),),
    ),
    _one("fast open without: an empty queue", "R1", _IDLE, ("and not self.queue", ""), Theme((h.crash, h.unsent))),
    _one("fast open without: nothing remembered", "R1", _IDLE, ("and not self.remembered", ""), _OVERDUE_BEFORE_SET),
    Mutant(
        "fast open without: no debt",
        "R1",
        _IDLE,
        (("and not self.debt", ""),),
        Theme((h.outlives, h.crash), later=True),
        second_line="the debt stays in the row and is paid after the attempt instead of before it",
    ),
    Mutant(
        "fast open without: not frozen",
        "R1",
        _IDLE,
        (("and self.frozen is None", ""),),
        _FORGED,
        second_line="a group freezes with its attempt open, its queue waiting or an attempt remembered",
    ),
    Mutant(
        "fast open without: a known base",
        "R1",
        _IDLE,
        (("and self.base is not None", ""),),
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
    _one("fast open without: the current generation", "R1", _IDLE, ("and self.generation == generation", ""), _COPY),
)

_OTHERS = (
    Mutant("record read before row", "R1", _ACCEPTING, ((_LOADED, "%%"), (_FOUND, _LOADED), ("%%", _FOUND)), _REPEATED),
    _one("append without compare-and-swap", "R1", _ACCEPTING, (_SWAPPED, _UNCHECKED), Theme(start=NEW)),
    _one(
        "a lost answer called not accepted",
        "R1",
        "core.accepting:accept",
        ("in_doubt=True", "in_doubt=False"),
        _UNANSWERED,
    ),
    _one(
        "a write believed without its answer",
        "R1",
        "core.visit:Visit.put",
        ("return Again()\n    if not done", "return row\n    if not done"),
        Theme((h.ledger, h.lost)),
    ),
    _one(
        "one key for two contents",
        "R1",
        "core.exactly_once:ExactlyOnce._outcome",
        ("acceptance.fingerprints[operation.id] != operation.fingerprint", "False"),
    ),
    Mutant(
        "weights reused",
        "R2",
        "core.receipts:choose_weight",
        (
            ("source.randrange(WEIGHT_MIN, WEIGHT_MAX)", "WEIGHT_MIN"),
            ("sums.isdisjoint(total + weight for total in sums)", "True"),
        ),
        Theme((h.outlives, h.lost), (MORE, MORE)),
    ),
    _one("weights without a sign", "R2", "core.rows:Attempt.shift", ("self.mode.sign * self.weight", "self.weight")),
    _one("a run of several modes", "R2", "core.runs:next_run", (" or entry.mode is not run[0].mode", ""), _MERGED),
    _one(
        "a Set without a look before it",
        "R2",
        "core.driving:open_next",
        ("mode is Mode.SET and row.remembered and not visit.group_is_gone", "False"),
        _OVERDUE_BEFORE_SET,
    ),
    _one(
        "signature timed at sending",
        "R3",
        "core.visit:Visit.send",
        ("values, attempt.time,", "values, self.instance.api_clock.now(),"),
        Theme((h.freeze,), (MORE,), patient=True),
    ),
    _one(
        "sent by whoever finds it",
        "R3",
        "core.driving:step",
        ("row.attempt.id == visit.unsent:", "row.attempt.id != visit.sent:"),
    ),
    _one(
        "receipt read before expiry",
        "R4",
        "core.judging:see",
        (_ASKED + "    " + _READ, _READ + "    " + _ASKED),
        _SLOW,
    ),
    _one(
        "no guard",
        "R4",
        "core.ports:Rules.bound_of",
        ("return max(self.bound_s, attempt.life + self.guard_s)", "return attempt.life"),
        Theme((h.late,)),
    ),
    _one("the rounding of Date lost", "R4", "core.receipts:death", (" + 1", ""), Theme((h.late,))),
    _one(
        "the local clock judges",
        "R4",
        "core.judging:see",
        (_ASKED, "asked_after = int(visit.instance.clock.now())\n"),
        Theme((h.late, h.jumps)),
    ),
    Mutant(
        "definite codes widened",
        "R4",
        "chat.verdicts:verdict_of",
        (
            (
                "return VERDICTS.get(code, UNLISTED)",
                "return VERDICTS[10006] if VERDICTS.get(code, UNLISTED).effect is Effect.UNKNOWN else VERDICTS[code]",
            ),
        ),
        Theme((h.unclear,)),
        WHOLE,
    ),
    _one(
        "every refusal believed",
        "R4",
        "core.judging:follow",
        (" and (visit.is_confirmed or not row.receipt_key)", ""),
        Theme((h.lied,)),
    ),
    _one("row before records", "R5", "core.judging:_settle_plainly", (_SETTLED, _ROW_FIRST), _CRASHED),
    _one("the settle rewrites the queue", "R5", _SETTLING, ("attempt=None, ", "attempt=None, queue=(), "), _HURRIED),
    Mutant(
        "settle without: the attempt's id",
        "R5",
        _SETTLING,
        ((" or row.attempt.id != self.attempt_id", ""),),
        second_line="whatever settles an attempt moves the base, and the base is looked at too",
    ),
    _one(
        "settle without: either condition",
        "R5",
        _SETTLING,
        ("row.attempt is None or row.attempt.id != self.attempt_id or row.base != self.base", "row.attempt is None"),
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
    _one(
        "everybody told the last value",
        "R5",
        "core.runs:shares",
        ("after.get(key, delta) - delta", "after.get(key, delta)"),
        Theme((h.late,), (MORE, MORE, MORE), start=NEW),
    ),
    _one(
        "observed later, told as replied",
        "R5",
        "core.transitions:_settled_records",
        ("if seen.later:", "if False:"),
        Theme((h.lost,), (MORE, MORE)),
    ),
    _one("memory dropped", "R6", "core.transitions:_remembering", ("if not row.receipt_key:", "if True:"), _OVERDUE),
    _one("split skipped", "R6", "core.judging:confirmed", ("if len(attempt.entries) > 1:", "if False:"), _HALF_GOOD),
    _one(
        "a rejected record before the row",
        "R6",
        "core.judging:confirmed",
        (_REJECTED, _RECORD_FIRST),
        Theme((h.refused, h.crash)),
    ),
    _one(
        "what was refused is not remembered",
        "R6",
        "core.transitions:refused",
        ("_remembering(row, Remembered(attempt, refused=True, for_good=for_good))", "row"),
        Theme((h.lied, h.read)),
    ),
    _one("debt ignored", "R7", "core.runs:with_excess", ("times * delta", "0"), _OVERDUE),
    _one(
        "copies not explained", "R7", "core.receipts:explain", ("1 < copies <= COPIES_MAX", "False"), Theme((h.copied,))
    ),
    Mutant(
        "a late landing not settled",
        "R7",
        "core.transitions:landed",
        (("for entry in past.attempt.entries if entry.id in owed}", "for entry in past.attempt.entries if False}"),),
        Theme((h.outlives,)),
        second_line="what landed late is taken back as an excess, and the operation goes out once more",
    ),
    _one(
        "what nothing explains is waited for",
        "R7",
        "core.judging:conclude",
        ("return visit.put(transitions.frozen(row, known))", "return Again(1.0)"),
        _FORGED,
    ),
    _one(
        "a payment given up on one code",
        "R7",
        "core.judging:_correction_refused",
        (" and visit.refusals", ""),
        Theme((h.copied, h.refused)),
    ),
    _one(
        "a history adopted at once",
        "R9",
        "core.beginnings:_first_look",
        ("row.changed(sighted=visit.instance.api_clock.now())", "row.changed(base=values[row.receipt_key])"),
        Theme((h.stray,), start=ADOPTED),
    ),
    _one(
        "one refused read makes a group new",
        "R9",
        "core.beginnings:_first_look",
        ("0 < visit.refusals < TIMES_BELIEVED", "False"),
        Theme((h.read,), start=ADOPTED),
    ),
    _one(
        "generation ignored",
        "R10",
        "core.driving:step",
        ("row.generation < visit.instance.generation.current().number", "False"),
        _COPY,
    ),
    _one(
        "a copy verified at once",
        "R10",
        "core.beginnings:verify",
        ("if waiting is not None:", "if False:"),
        Theme((h.restored, h.late)),
    ),
    _one(
        "a young copy begins groups at once",
        "R10",
        "core.beginnings:_until_forgotten_is_dead",
        ("generation.number == 1", "True"),
        _COPY_OF_NOTHING,
    ),
    _one(
        "a young copy adopts receipts",
        "R10",
        "core.beginnings:_may_be_forgotten",
        ("generation.number > 1", "False"),
        Theme((h.restored,), start=NEW),
    ),
    _one(
        "forgotten too soon", "R11", "core.transitions:forgotten", ("(0 if past.refused else forget_s)", "0"), _OVERDUE
    ),
    _one(
        "a Set waits for a group that is gone",
        "end",
        "core.driving:open_next",
        (" and not visit.group_is_gone", ""),
        _GONE,
    ),
    _one(
        "a copied row waits for a group that is gone",
        "end",
        "core.beginnings:verify",
        ("visit.group_is_gone and row.attempt is None", "False"),
        Theme((h.restored, h.dismissed)),
    ),
    _one(
        "an adoption waits for a group that is gone",
        "end",
        "core.beginnings:_adopt",
        ("visit.group_is_gone", "False"),
        Theme((h.dismissed,), start=ADOPTED),
    ),
)

MUTANTS: tuple[Mutant, ...] = _FAST + _OTHERS
