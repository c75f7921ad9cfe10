"""A row stays as small as it was, however many records of streams have been counted, and on however many shards."""

import pytest

from handler.core.model.codec import encode_row
from handler.core.model.row import Group
from tests.contract.samples import GROUP, there
from tests.contract.stores import OpenLedger
from tests.contract.streams import feed, placed

FRESH = Group(GROUP.app, "fresh")

# What the numbers in a row may take more once they are larger: its version, and the receipt.
DIGITS = 16


def size(ledger: OpenLedger, group: Group) -> int:
    row = there(ledger.load(group))
    assert row.is_settled
    return len(encode_row(row).encode())


@pytest.mark.parametrize(
    ("records", "shards", "in_a_call"), [(3000, 1, 100), (1, 1000, 25)], ids=["3,000 records", "1,000 shards"]
)
def test_a_group_that_a_stream_has_fed_is_as_small_as_a_fresh_one(
    ledger: OpenLedger, records: int, shards: int, in_a_call: int
) -> None:
    """And it still knows how far each of its shards has been counted."""
    feed(ledger, FRESH, records=1)
    feed(ledger, GROUP, records=records, shards=shards, in_a_call=in_a_call)
    assert size(ledger, GROUP) <= size(ledger, FRESH) + DIGITS
    last = [placed(records - 1, shard) for shard in (0, shards - 1)]
    look = there(ledger.append(GROUP, last, 36 * 1024))
    assert look.passed == {one.id for one in last}
