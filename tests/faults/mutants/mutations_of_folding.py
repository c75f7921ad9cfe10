"""The rules by which records of a stream are added up, and taken apart once they are refused (R6, R13), switched off.

Small worlds show some of them by records that ask for the same, and by keys among those that are added up. For the
others they are too small.
"""

from tests.faults.auditor.orders import MORE, SET
from tests.faults.mutants.mutant import Mutant, one
from tests.faults.simulator import draws as h
from tests.faults.simulator.plan import KNOWN, Theme

_BEYOND = "core.state.folding:Asked.beyond"
_ROOM = "core.state.folding:_Stretch._has_room"
_STRETCHES = "tests/unit/core/state/test_folding.py"
_PARTING = "tests/unit/core/protocol/test_parting.py"
_BATCHES = "tests/unit/triggers/sources/test_batch_positions.py"
_KEYED = Theme(shapes=(SET, MORE), start=KNOWN, fed=True, keyed=True)
_FORBIDDEN = Theme((h.forbidden,), fed=True)
_ENDED = "if stretch and (item.mode is Mode.SET or item.mode is not stretch.mode):"


def _one(name: str, path: str, change: tuple[str, str], test: str, rule: str = "R13") -> Mutant:
    return Mutant(name, rule, path, (change,), test=test)


FOLDING: tuple[Mutant, ...] = (
    one(
        "a key of another Mode ends no stretch",
        "R13",
        _BEYOND,
        (_ENDED, "if stretch and item.mode is Mode.SET:"),
        _KEYED,
    ),
    one(
        "a content counted once for all of its records",
        "R13",
        "core.model.placed:added_up",
        ("part.times * value", "value"),
        Theme(fed=True),
    ),
    one(
        "the rest of a refused content asked for again",
        "R6",
        "core.state.transitions:answered",
        ("rest = rest_of(ended[-1], queue)", "rest = ()"),
        _FORBIDDEN,
    ),
    one(
        "what was added up parked as one record",
        "R6",
        "core.protocol.parking:parked",
        ("if not entry.parts:", "if True:"),
        _FORBIDDEN,
    ),
    one(
        "what was not landed goes behind what waits",
        "R6",
        "core.state.transitions:not_landed",
        ("attempt.owed + row.queue", "row.queue + attempt.owed"),
        Theme((h.lost,), shapes=(MORE, SET), fed=True),
    ),
    _one(
        "a Set with a key ends no stretch of Sets",
        _BEYOND,
        (_ENDED, "if stretch and item.mode is not stretch.mode:"),
        _STRETCHES,
    ),
    _one("any key ends a stretch", _BEYOND, (_ENDED, "if stretch:"), _STRETCHES),
    _one("sums beyond int64", "core.state.folding:_Stretch._adds", ("amount <= INT64_MAX and ", ""), _STRETCHES),
    _one(
        "amounts that go down make room for others",
        "core.state.folding:_Stretch._most",
        ("abs(value)", "value"),
        _STRETCHES,
    ),
    _one("contents of any size kept together", _ROOM, ("size <= PARTS_BYTES", "True"), _STRETCHES),
    _one(
        "records out of order",
        "core.state.folding:_bounds",
        ("if sequences[0] <= last or not all(map(lt, sequences, sequences[1:])):", "if False:"),
        _STRETCHES,
    ),
    _one(
        "of a Set the value that came last for the first time",
        "core.model.placed:added_up",
        ("sorted(parts, key=lambda part: part.last) if mode is Mode.SET else parts", "parts"),
        _STRETCHES,
    ),
    _one(
        "added up whatever its source may do",
        "triggers.sources.message:read_plain",
        (
            "rights.check(source, found.caller, mode=content.mode, group_id=body.group_id, counters=content.counters)",
            "pass",
        ),
        _BATCHES,
    ),
    _one(
        "accepted behind a record that was not",
        "triggers.sources.delivery:deliver",
        (
            "return [*results, *[failure] * count_of(rest)]",
            "results += [failure] * count_of(part)\n                rest = others\n                continue",
        ),
        _BATCHES,
    ),
    _one(
        "taken apart although the group is at fault",
        "core.protocol.refusal:confirmed",
        ("refusal.code not in OF_THE_GROUP and ", ""),
        _PARTING,
        "R6",
    ),
    _one(
        "equal records refused all together",
        "core.state.parting:can_be_parted",
        (" or (entry.mode is not Mode.SET and entry.records > 1)", ""),
        _PARTING,
        "R6",
    ),
    _one(
        "pieces of Sets in any order",
        "core.state.parting:pieces_of",
        ("sorted(entry.parts, key=lambda part: part.last)", "list(entry.parts)"),
        _PARTING,
        "R6",
    ),
    _one(
        "a refused piece speaks for the whole stretch",
        "core.protocol.engine:_refusal_of",
        (" if part.counters == content.counters]", "]"),
        _PARTING,
        "R6",
    ),
)
