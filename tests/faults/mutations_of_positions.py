"""The rules of operations that are known by their place in a stream (R1), each switched off."""

from __future__ import annotations

from tests.faults import draws as h
from tests.faults.mutant import Mutant, one
from tests.faults.orders import MORE
from tests.faults.plan import KNOWN, NEW, Theme
from tests.faults.simulate import WHOLE

_PASSED = "core.rows:Row.has_passed"
_MARKED = "core.rows:Row.marked"
_APPENDED = "ledgers.bounded:with_appended"
_SWAPPED_IN = "core.accepting:_swap_in"
_FED = Theme(fed=True)
_REPEATED = Theme((h.ledger,), (MORE,), start=KNOWN, fed=True)
_FIRST = Theme((h.ledger,), (MORE,), start=NEW, fed=True)

POSITIONS: tuple[Mutant, ...] = (
    one("positions ignored", "R1", _PASSED, ("return position is not None and", "return False and"), _FED),
    one("the last position delivered again", "R1", _PASSED, ("position.number <=", "position.number <"), _FED),
    one(
        "a position of another shard",
        "R1",
        _PASSED,
        ('dict(self.marks).get(position.place, "")', 'max(dict(self.marks).values(), default="")'),
        _FED,
    ),
    one(
        "positions compared across shards when they are kept",
        "R1",
        _MARKED,
        ("marks[position.place]", 'marks["anywhere"]'),
        _FED,
    ),
    one(
        "accepted without its position",
        "R1",
        _APPENDED,
        ("positions[entry.id] for", "positions[entry.id] for entry in () for"),
        _FED,
    ),
    one(
        "a position without what stands there",
        "R1",
        _APPENDED,
        ("*entries)", "*(entry for entry in entries if entry.id not in positions))"),
        _FED,
    ),
    one(
        "only the first position of a batch kept",
        "R1",
        _MARKED,
        ("for position in positions:", "for position in tuple(positions)[:1]:"),
        _FED,
    ),
    one(
        "accepted into a new row without its position",
        "R1",
        _SWAPPED_IN,
        (".marked(positions[entry.id] for entry in fresh if entry.id in positions)", ""),
        _FIRST,
    ),
    one(
        "a new row looked at without its positions",
        "R1",
        _SWAPPED_IN,
        ("passed = _passed(row, known, positions)", "passed = frozenset()"),
        _REPEATED,
    ),
    one(
        "the fast path without positions",
        "R1",
        "core.accepting:_begin",
        ("rules.receipt_key, generation, positions)", "rules.receipt_key, generation)"),
        _REPEATED,
    ),
    one(
        "the slow path without positions",
        "R1",
        "core.accepting:_append",
        ("ROW_BYTES_ACCEPTING, positions)", "ROW_BYTES_ACCEPTING)"),
        _FED,
    ),
    one(
        "positions forgotten by the next change",
        "R1",
        "core.rows:Row.changed",
        ("version=self.version + 1, **changes)", 'version=self.version + 1, **{"marks": (), **changes})'),
        _FED,
    ),
    one(
        "positions forgotten when the open attempt is settled",
        "R5",
        "core.rows:Settlement.applied_to",
        ("attempt=None, base", "attempt=None, marks=(), base"),
        _FED,
    ),
    Mutant(
        "one position for all shards of a stream",
        "R1",
        "triggers.sources:_kinesis",
        (("Position.of(shard, number)", "Position.of(arn, number)"),),
        _FED,
        WHOLE,
    ),
    Mutant(
        "a position where batches of a shard run side by side",
        "R1",
        "triggers.letters:_placed",
        ((" or delivery.partition != operation.group_id", ""),),
        _FED,
        WHOLE,
    ),
    Mutant(
        "a lower position takes the place of a higher one",
        "R1",
        _MARKED,
        (('max(position.number, marks.get(position.place, ""))', "position.number"),),
        _FED,
        second_line="nothing that stands at or before the mark is ever accepted, so the next one is always higher",
    ),
)
