"""Rows that another version of the function has written: those of the last one are read, later ones are left alone."""

from contextlib import suppress

import pytest
from msgspec.structs import replace

from handler.core.model import codec, row_size
from handler.core.model.operation import Mode
from handler.core.model.row import Attempt, Entry, Group, Remembered, Row
from tests.contract.samples import GROUP, RECEIPT_KEY, attempt, entry, idle_row, settlement, there
from tests.contract.stores import OpenLedger

OTHER = Group(GROUP.app, "another group")

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


@pytest.fixture
def later(ledger: OpenLedger, monkeypatch: pytest.MonkeyPatch) -> OpenLedger:
    """A ledger that holds a row of a later version, which owes an operation, beside one of this version."""
    for group in (GROUP, OTHER):
        monkeypatch.setattr(codec, "ROW_FORMAT", 99 if group is GROUP else 2)
        owing = replace(idle_row(), queue=(entry("a"),), keys=(("like", 5),))
        assert ledger.swap(group, owing, {})
    return ledger


def test_a_row_of_a_later_version_is_refused_and_kept(later: OpenLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read into it, and none of the steps of this version writes it without what it does not know."""
    call = attempt(entry("b"))
    for step in (
        lambda: later.begin(GROUP, call, RECEIPT_KEY, 1),
        lambda: later.append(GROUP, [entry("b")], 36_000),
        lambda: later.settle(GROUP, settlement(call)),
    ):
        with suppress(ValueError):
            step()
        with pytest.raises(ValueError, match="format 99"):
            later.load(GROUP)
    monkeypatch.setattr(codec, "ROW_FORMAT", 99)
    row = there(later.load(GROUP))
    assert row.queue[0] == entry("a")


def test_a_row_of_a_later_version_is_in_nobodys_way(later: OpenLedger) -> None:
    assert later.unfinished(GROUP.app, 10) == [GROUP.id, OTHER.id]
    [first, *_] = later.groups_with_key(GROUP.app, "like", 9, 10)
    assert OTHER.id in {first, *later.groups_with_key(GROUP.app, "like", 9, 10, after=first)}
    row = there(later.load(OTHER))
    assert later.swap(OTHER, row.changed(queue=()), {})
