"""The rules by which a row always has room, and by which one group's errors stay its own (R13), each switched off."""

from tests.faults.auditor.orders import LONG, WIDE
from tests.faults.mutants.mutant import Mutant, one
from tests.faults.simulator import draws as h
from tests.faults.simulator.plan import NEW, Theme
from tests.faults.simulator.simulate import WHOLE

_LOST = Theme((h.loses_every,), LONG, tight=True, patient=True)
_CROWDED = Theme((h.lost,), LONG[:3], start=NEW, tight=True)
_MANY = Theme((h.lost,), WIDE, tight=True)

ROOM: tuple[Mutant, ...] = (
    one(
        "memory does not give way",
        "R13",
        "core.model.row_size:fitted",
        ("while kept.remembered and not _has_reserve(kept, row_bytes):", "while False:"),
        _LOST,
    ),
    one(
        "acceptance leaves nothing free",
        "R13",
        "core.model.row_size:accepting_bytes",
        ("int(row_bytes * ACCEPTING_SHARE)", "row_bytes"),
        _CROWDED,
    ),
    one(
        "room reckoned in characters",
        "R13",
        "core.model.row_size:_is_within",
        ("len(encode_row(row).encode())", "len(encode_row(row))"),
        _MANY,
    ),
    one(
        "known keys do not give way",
        "R13",
        "core.model.row_size:with_keys_that_fit",
        ("while row.keys and not _is_within(row, row_bytes):", "while False:"),
        Theme(shapes=LONG, later=True, tight=True),
    ),
    one(
        "one group's error ends the sweep",
        "R13",
        "core.protocol.sweep:_tend",
        ("except Exception as error:", "except ArithmeticError as error:"),
        Theme((h.broken,)),
    ),
    Mutant(
        "one group's error ends the batch",
        "R13",
        "triggers.sources.delivery:deliver",
        (("except Exception as error:", "except ArithmeticError as error:"),),
        Theme((h.broken,)),
        WHOLE,
    ),
)
