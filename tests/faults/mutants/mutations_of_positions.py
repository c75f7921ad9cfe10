"""The rules of operations that are known by their place in a stream (R1, R13), each switched off."""

from tests.faults.auditor.orders import MANY, MORE
from tests.faults.mutants.mutant import Mutant, one
from tests.faults.simulator import draws as h
from tests.faults.simulator.plan import KNOWN, NEW, Theme
from tests.faults.simulator.simulate import WHOLE

_REACHED = "core.state.watermarks:reached"
_SORTED = "core.state.watermarks:sorted_out"
_FOLDED = "core.state.folding:Asked.beyond"
_BEYOND = 'bisect_right(item.sequences, passed.get(item.place.partition, ""))'
_TAKEN = "core.state.folding:_Stretch.take"
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
    early = instance.ledger.watermarks(visit.group, asked.partitions)
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
    one(
        "positions ignored",
        "R13",
        _REACHED,
        ('max(known.get(partition, "") for known in (watermarks, owed, old))', '""'),
        _FED,
    ),
    one(
        "the last position delivered again",
        "R13",
        _FOLDED,
        (_BEYOND, f"max(0, {_BEYOND} - 1)"),
        _FED,
    ),
    one(
        "a position of another shard",
        "R13",
        _REACHED,
        ('known.get(partition, "")', 'max(known.values(), default="")'),
        _FED,
    ),
    one("marks not looked at", "R13", _REACHED, ("in (watermarks, owed, old)", "in (owed, old)"), _FED),
    one(
        "the row's last positions not looked at",
        "R13",
        _REACHED,
        ("in (watermarks, owed, old)", "in (watermarks, old)"),
        _FED,
    ),
    one(
        "not added up again from where the row has come",
        "R13",
        _SWAPPED_IN,
        ("asked.beyond(reached(partitions, row, watermarks))", "asked.beyond(NO_WATERMARKS)"),
        _UNHEARD,
    ),
    one(
        "what was passed in part begun whole",
        "R13",
        "core.state.watermarks:are_new",
        ("entry.first >", "entry.position.sequence >"),
        _UNHEARD,
    ),
    one(
        "what was passed in part appended whole",
        "R13",
        _SORTED,
        ("entry.first <= passed[", "entry.position.sequence <= passed["),
        _UNHEARD,
    ),
    one("what was passed in part taken for passed", "R13", _SORTED, ("if within:", "if False:"), _UNHEARD),
    one("records of any Mode added up", "R13", _TAKEN, ("or records.mode is not self.mode", ""), _FED),
    Mutant(
        "records of any shard added up",
        "R13",
        _TAKEN,
        (("or records.place.partition != self._place.partition", ""),),
        _FED,
        second_line="every batch of a stream is of one shard",
    ),
    Mutant(
        "more keys added up than a call may carry",
        "R13",
        "core.state.folding:_Stretch._has_room",
        (("<= self._key_limit", "<= 1000"),),
        Theme(shapes=MANY, fed=True),
    ),
    one(
        "a content refused with all that was added up",
        "R6",
        "core.protocol.refusal:confirmed",
        ("any(map(can_be_parted, attempt.owed))", "False"),
        Theme((h.forbidden,), fed=True),
    ),
    one(
        "the pieces of a stretch known by no position",
        "R13",
        "core.state.parting:_piece",
        ("replace(entry, id=", "replace(entry, position=None, id="),
        Theme((h.forbidden, h.crash), fed=True),
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
        "core.state.folding:_Stretch.entry",
        ("position=position,", "position=None,"),
        _FED,
    ),
    Mutant(
        "one position for all shards of a stream",
        "R13",
        "triggers.sources.stream:_place",
        (("Position.of(name,", "Position.of(arn,"),),
        _FED,
        WHOLE,
    ),
    Mutant(
        "a position where batches of a shard run side by side",
        "R13",
        "triggers.sources.stream:StreamReader.read",
        (("and data.partition == request.group_id\n", "\n"),),
        _FED,
        WHOLE,
    ),
)
