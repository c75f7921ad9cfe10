"""Rows that the version before has written are read, go on piece by piece, and are written again."""

import pytest
from msgspec.structs import replace

from handler.core.model import row_size
from handler.core.model.operation import Mode
from handler.core.model.row import Attempt, Entry, Group, Remembered, Row
from tests.contract.samples import GROUP, RECEIPT_KEY, attempt, entry, idle_row, settlement, there
from tests.contract.stores import OpenLedger

IDLE = (
    '{"format":1,"version":1,"generation":1,"receipt_key":"_receipt","base":1000,"entries":[],"attempt":null,'
    '"queue":[],"remembered":[],"debt":[],"frozen":null,"sighted":null,"looked":0,"sighted_in":0,"marks":[],"keys":[]}'
)
BUSY = (
    '{"format":1,"version":1,"generation":1,"receipt_key":"_receipt","base":1000,"entries":['
    '["a","v1:a","Increase",[["like",5]],3600.0],["b","v1:b","Set",[["观看",1]],3600.0]],'
    '"attempt":{"id":"open","weight":600000,"mode":"Increase","entries":[0],"time":1700000000,"life":6,'
    '"base":1000,"correction":[],"settled":[]},"queue":[3],'
    '"remembered":[[{"id":"past","weight":600000,"mode":"Decrease","entries":[0],"time":1700000000,"life":6,'
    '"base":1000,"correction":[],"settled":[]},true,[["share",2]],false]],'
    '"debt":[["share",2]],"frozen":null,"sighted":11,"looked":12,"sighted_in":13,"marks":[],"keys":[["like",9]]}'
)
A = Entry(id="a", fingerprint="v1:a", mode=Mode.INCREASE, counters=(("like", 5),), window_s=3600.0)
B = Entry(id="b", fingerprint="v1:b", mode=Mode.SET, counters=(("观看", 1),), window_s=3600.0, alone=True)
OPEN = Attempt(
    id="open", weight=600_000, mode=Mode.INCREASE, entries=(A,), signed_at=1_700_000_000, life_s=6, base=1000
)
BUSY_ROW = Row(
    version=1,
    generation=1,
    receipt_key=RECEIPT_KEY,
    base=1000,
    attempt=OPEN,
    queue=(B,),
    remembered=(Remembered(replace(OPEN, id="past", mode=Mode.DECREASE), refused=True, folded=(("share", 2),)),),
    debt=(("share", 2),),
    first_seen_at=11,
    last_checked_at=12,
    first_seen_generation=13,
    keys=(("like", 9),),
)


def written(ledger: OpenLedger, row: Row, text: str, group: Group = GROUP) -> None:
    """Let the store hold that text of a row."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_size, "encode_row", lambda _: text)
        assert ledger.swap(group, row, {})


def test_a_row_of_the_first_format_is_read_and_written_again(ledger: OpenLedger) -> None:
    written(ledger, BUSY_ROW, BUSY)
    assert ledger.load(GROUP) == BUSY_ROW
    assert ledger.unfinished(GROUP.app, 10) == [GROUP.id]
    grown = BUSY_ROW.changed(last_checked_at=13)
    assert ledger.swap(GROUP, grown, {})
    assert ledger.load(GROUP) == grown


def test_an_idle_row_of_the_first_format_goes_on_piece_by_piece(ledger: OpenLedger) -> None:
    written(ledger, idle_row(), IDLE)
    call = attempt(entry("a"))
    begun = ledger.begin(GROUP, call, RECEIPT_KEY, 1)
    assert begun == idle_row().opened(call)
    look = there(ledger.append(GROUP, [entry("b", "观看")], 36_000))
    assert look.row == begun.changed(queue=(entry("b", "观看"),))
    assert ledger.settle(GROUP, settlement(call))
    assert ledger.load(GROUP) == look.row.changed(attempt=None, base=1000 + call.weight)
