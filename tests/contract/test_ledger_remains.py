"""What is kept of a group beside its row: all of it is listed, and goes only as it was listed."""

from msgspec.structs import replace

from handler.core.model.row import Group
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, WINDOW_S, idle_row, record, there
from tests.contract.stores import GivenClock, OpenLedger
from tests.contract.test_ledger_positions import land, run

# Each of these is another group's, though a pattern, a prefix or a separator might take it for GROUP's.
OTHERS = [Group(GROUP.app, "@TGS#10"), Group(GROUP.app, "@TGS#"), Group(GROUP.app, "*"), Group(GROUP.app + 1, GROUP.id)]

# Redis counts in milliseconds, and DynamoDB in seconds.
WITHIN_S = 1.0


def fill(ledger: OpenLedger, group: Group, *names: str, at: float) -> None:
    assert ledger.swap(group, idle_row(), {name: record(name, at=at) for name in names})


def names(ledger: OpenLedger, group: Group = GROUP) -> list[str]:
    return sorted(remain.name for remain in ledger.remains(group).listed())


def test_records_and_watermarks_are_listed_with_their_ends(ledger: OpenLedger, clock: GivenClock) -> None:
    fill(ledger, GROUP, "a*?[b]", "c:\\d", at=clock.now())
    assert ledger.begin(GROUP, run(5), RECEIPT_KEY, GENERATION) is not None
    assert land(ledger, run(5))
    listed = list(ledger.remains(GROUP).listed())
    records = {remain.name: remain.expires_at for remain in listed if not remain.is_watermark}
    assert {"a*?[b]", "c:\\d"} <= records.keys()
    assert abs(records["a*?[b]"] - clock.now() - WINDOW_S) <= WITHIN_S
    [watermark] = [remain for remain in listed if remain.is_watermark]
    assert ledger.watermarks(GROUP, [watermark.name])


def test_those_of_other_groups_are_not_listed(ledger: OpenLedger, clock: GivenClock) -> None:
    for group in [GROUP, *OTHERS]:
        fill(ledger, group, f"of {group}", at=clock.now())
    for group in [GROUP, *OTHERS]:
        assert names(ledger, group) == [f"of {group}"]


def test_more_than_a_page_of_them_is_listed_and_forgotten(ledger: OpenLedger, clock: GivenClock) -> None:
    many = [f"operation {number:04}" for number in range(1200)]
    fill(ledger, GROUP, *many, at=clock.now())
    assert names(ledger) == many
    assert ledger.remains(GROUP).forget(list(ledger.remains(GROUP).listed())) == len(many)
    assert names(ledger) == []
    assert ledger.find(GROUP, many) == {}


def test_what_is_forgotten_is_gone_once_and_the_rest_stays(ledger: OpenLedger, clock: GivenClock) -> None:
    fill(ledger, GROUP, "a", "b", at=clock.now())
    assert ledger.begin(GROUP, run(5), RECEIPT_KEY, GENERATION) is not None
    assert land(ledger, run(5))
    row = there(ledger.load(GROUP))
    gone = [remain for remain in ledger.remains(GROUP).listed() if remain.name == "a" or remain.is_watermark]
    assert ledger.remains(GROUP).forget(gone) == 2
    assert ledger.remains(GROUP).forget(gone) == 0
    assert set(ledger.find(GROUP, ["a", "b"])) == {"b"}
    assert ledger.watermarks(GROUP, [remain.name for remain in gone if remain.is_watermark]) == {}
    assert ledger.load(GROUP) == row


def test_a_record_that_ends_later_than_it_was_listed_stays(ledger: OpenLedger, clock: GivenClock) -> None:
    """It is another answer under the same key, given since: nobody has said that it may go."""
    fill(ledger, GROUP, "a", at=clock.now() + 100)
    earlier = [replace(remain, expires_at=remain.expires_at - 100) for remain in ledger.remains(GROUP).listed()]
    assert ledger.remains(GROUP).forget(earlier) == 0
    assert names(ledger) == ["a"]


def test_what_is_kept_outlasts_the_row(ledger: OpenLedger, clock: GivenClock) -> None:
    fill(ledger, GROUP, "a", at=clock.now())
    assert ledger.delete(GROUP, 1)
    assert names(ledger) == ["a"]
