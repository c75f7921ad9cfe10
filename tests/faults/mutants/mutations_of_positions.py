"""The rules of operations that are known by their place in a stream (R1, R13), each switched off."""

from tests.faults.auditor.orders import MORE
from tests.faults.mutants.mutant import Mutant, one
from tests.faults.simulator import draws as h
from tests.faults.simulator.plan import KNOWN, NEW, Theme
from tests.faults.simulator.simulate import WHOLE

_PASSED = "core.state.watermarks:passed"
_WATERMARKS = "core.state.watermarks:watermarks_of"
_SWAPPED_IN = "core.protocol.accept:_round"
_SETTLED = "core.protocol.settle:_settle_plainly"
_FED = Theme(fed=True)
_CRASHED = Theme((h.crash,), (MORE,), start=KNOWN, fed=True)
_UNHEARD = Theme((h.ledger, h.ledger), (MORE,), start=KNOWN, fed=True)
_REFUSED = Theme((h.refused,), (MORE,), start=KNOWN, fed=True)

_READ_ROW = "    row = instance.ledger.load(visit.group)"
_READ_WATERMARKS = "instance.ledger.watermarks(visit.group, partitions) if partitions else NO_WATERMARKS"
_READ_WATERMARKS_FIRST = """
    early = instance.ledger.watermarks(visit.group, partitions_of(entries.values()))
"""
_GROWN = "    grown = _grown(visit, row, fresh)"
_MARKED_FIRST = """
    from handler.core.state.watermarks import watermarks_of
    if row is not None and partitions and instance.ledger.swap(visit.group, row.changed(), {}, watermarks_of(fresh)):
        row = row.changed()
"""
_SETTLE = "done = visit.instance.ledger.settle(visit.group, settlement)"
_BARE = """from msgspec.structs import replace as but
        from handler.core.state.watermarks import watermarks_of
        entries = tuple(but(entry, position=None) for entry in settlement.attempt.entries)
        bare = but(settlement, attempt=but(settlement.attempt, entries=entries))
        done = visit.instance.ledger.settle(visit.group, bare)"""
_MARKED_LATE = f"""{_BARE}
        row = visit.instance.ledger.load(visit.group)
        if row:
            visit.instance.ledger.swap(visit.group, row.changed(), {{}}, watermarks_of(settlement.attempt.entries))"""

POSITIONS: tuple[Mutant, ...] = (
    one("positions ignored", "R13", _PASSED, ("if not any(entry.position for entry in entries):", "if True:"), _FED),
    one("the last position delivered again", "R13", _PASSED, (".sequence <= max(", ".sequence < max("), _FED),
    one(
        "a position of another shard",
        "R13",
        _PASSED,
        ('known.get(entry.position.partition, "")', 'max(known.values(), default="")'),
        _FED,
    ),
    one("marks not looked at", "R13", _PASSED, ("in (watermarks, owed, old)", "in (owed, old)"), _FED),
    Mutant(
        "the row's last positions not looked at",
        "R13",
        _PASSED,
        (("in (watermarks, owed, old)", "in (watermarks, old)"),),
        _FED,
        second_line="for as long as each record has an entry of its own, what is owed is known by its id as well",
    ),
    one(
        "only the first position of a batch marked",
        "R13",
        _WATERMARKS,
        (
            "watermarks[entry.position.partition] = max(",
            "watermarks[entry.position.partition] = min(watermarks.get(entry.position.partition, '~'), ",
        ),
        _FED,
    ),
    one(
        "marks of all shards are one",
        "R13",
        _WATERMARKS,
        ("watermarks[entry.position.partition]", 'watermarks["anywhere"]'),
        _FED,
    ),
    one("the mark before the acceptance", "R13", _SWAPPED_IN, (_GROWN, _MARKED_FIRST + _GROWN), _UNHEARD),
    Mutant(
        "the mark read before the row",
        "R13",
        _SWAPPED_IN,
        ((_READ_ROW, _READ_WATERMARKS_FIRST + _READ_ROW), (_READ_WATERMARKS, "early")),
        Theme((h.freeze, h.freeze), (MORE,), start=NEW, fed=True),
    ),
    one("no mark with the settlement", "R13", _SETTLED, (_SETTLE, _BARE), _FED),
    one("the mark after the row", "R13", _SETTLED, (_SETTLE, _MARKED_LATE), _CRASHED),
    one(
        "no mark with a rejection or a late landing",
        "R13",
        "core.state.transitions:Change.of",
        ("entry.id in records)", "entry.id in records and entry.position is None)"),
        _REFUSED,
    ),
    one("a new row without a look at its marks", "R13", _SWAPPED_IN, (_READ_WATERMARKS, "NO_WATERMARKS"), _UNHEARD),
    one(
        "accepted without its position",
        "R13",
        "core.model.row:Entry.of",
        ("position=position,", "position=None,"),
        _FED,
    ),
    Mutant(
        "one position for all shards of a stream",
        "R13",
        "triggers.sources.adapters:_kinesis",
        (("Position.of(shard, number)", "Position.of(arn, number)"),),
        _FED,
        WHOLE,
    ),
    Mutant(
        "a position where batches of a shard run side by side",
        "R13",
        "triggers.sources.records:_positioned",
        ((" or raw.partition != operation.group_id", ""),),
        _FED,
        WHOLE,
    ),
)
