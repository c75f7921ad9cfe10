"""The rules by which a source is told of a rejection (R6), each switched off."""

from tests.faults.auditor.orders import BOTH_KEYS, LESS, MORE
from tests.faults.mutants.mutant import Mutant, one
from tests.faults.simulator import draws as h
from tests.faults.simulator.plan import KNOWN, Theme
from tests.faults.simulator.simulate import WHOLE

_CONFIRMED = "core.protocol.refusal:_rejected"
_REJECTED = "return visit.put(change, Notice.REJECTED, code=refusal.code, **naming(change.records))"
_BARE = "follows = visit.put(replace(change, row=replace(change.row, notes=())), Notice.REJECTED, code=refusal.code)"
_PARK = """noting = __import__("handler.core.protocol.parking", fromlist=["parked"])
    for note in change.row.notes:
        for record in noting.parked(visit.group, note):
            visit.instance.park(visit.group.app, record)"""
_WRITE_OUT = "core.protocol.parking:write_out"
_STRUCK = "follows = visit.put(row.changed(notes=row.notes[len(done) :]))"
_WHILE = "while len(done) < len(row.notes)"
_STRIKE = "visit.put(row.changed(notes=()))\n        "
_NOTES = "core.state.transitions:_noted"
_CRASHED = Theme((h.forbidden, h.ledger, h.crash, h.crash), (MORE,), start=KNOWN, sources=True)
_ANEW = Theme((h.dismissed, h.ledger), (MORE,), start=KNOWN, sources=True)
_UNREACHED = Theme((h.forbidden, h.ledger), (MORE,), start=KNOWN, sources=True)
_FORBIDDEN = Theme((h.forbidden, h.lost), (MORE, BOTH_KEYS, LESS), sources=True)

PARKING: tuple[Mutant, ...] = (
    one("a rejection without a note", "R6", _NOTES, ("isinstance(answer, Rejected)", "False"), _FORBIDDEN),
    one("parked before the record", "R6", _CONFIRMED, (_REJECTED, f"{_PARK}\n    {_REJECTED}"), _ANEW),
    one(
        "parked after the record, without a note",
        "R6",
        _CONFIRMED,
        (_REJECTED, f"{_BARE}\n    {_PARK}\n    return follows"),
        _CRASHED,
    ),
    one("struck before it is parked", "R6", _WRITE_OUT, (_WHILE, _STRIKE + _WHILE), _UNREACHED),
    one("a note that is never struck", "R6", _WRITE_OUT, (_STRUCK, _STRUCK.replace("[len(done) :]", "")), _FORBIDDEN),
    one(
        "an operator's word leaves the note",
        "R6",
        "core.protocol.parking:strike",
        ("left == row.notes", "True"),
        Theme((h.dismissed, h.crash, h.tidied), (MORE,), start=KNOWN, sources=True),
    ),
    one(
        "what another delivery brought is told by its reply alone",
        "R6",
        _NOTES,
        (" and entry.origin.teller == teller", ""),
        _FORBIDDEN,
    ),
    one(
        "a second delivery that leaves it to the first",
        "R6",
        "core.state.transitions:acknowledged",
        ("if all(map(is_told, row.owed))", "if True"),
        Theme((h.freeze, h.refused), (MORE,), sources=True),
    ),
    one(
        "a rejection in doubt taken for none",
        "R6",
        "core.protocol.engine:ExactlyOnce._outcome",
        ("record is None and in_doubt", "False"),
        Theme((h.forbidden, h.ledger), (MORE,), sources=True),
    ),
    Mutant(
        "refused before, and acknowledged without a word",
        "R6",
        "triggers.sources.delivery:_refusal",
        (("is_noted=not outcome.replayed", "is_noted=True"),),
        _FORBIDDEN,
        WHOLE,
    ),
    Mutant(
        "a queue that takes nothing back",
        "R6",
        "triggers.sources.handler:run",
        (("gives_back=source.takes_back", "gives_back=True"),),
        _FORBIDDEN,
        WHOLE,
        second_line="what is refused without a note is parked by its own delivery, or comes again where that one dies",
    ),
)
