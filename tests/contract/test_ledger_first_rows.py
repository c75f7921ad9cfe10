"""A group's first row, the rejections of a group that has none, and the row of a group that is no more (R14)."""

from msgspec.structs import replace

from handler.core.model.outcome import Record, Rejected
from handler.core.model.row import Row, first_row
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, entry, idle_row, record, there
from tests.contract.stores import OpenLedger
from tests.contract.test_ledger_positions import land, placed, run

VERSION = 2**47 + 1

NO_GROUP = Record("v1:operation", Rejected(10010, "no such group"), 1_700_000_000.0, 3600.0)


def first(*names: str) -> Row:
    """A first row that owes these, of a version like any."""
    return first_row(map(entry, names or ("operation",)), RECEIPT_KEY, GENERATION, VERSION)


def test_a_first_row_is_kept_as_it_is_and_is_unfinished(ledger: OpenLedger) -> None:
    assert ledger.create(GROUP, first("a", "b"))
    assert ledger.load(GROUP) == first("a", "b")
    assert ledger.unfinished(GROUP.app, 10) == [GROUP.id]


def test_a_first_row_goes_on_as_any_other(ledger: OpenLedger) -> None:
    assert ledger.create(GROUP, first())
    assert ledger.swap(GROUP, first().changed(base=1000, queue=()), {})
    opened = there(ledger.begin(GROUP, attempt(entry("next")), RECEIPT_KEY, GENERATION))
    assert opened.version == VERSION + 2


def test_there_is_one_first_row(ledger: OpenLedger) -> None:
    """The second one is refused, and so is one beside a row that was idle."""
    assert ledger.create(GROUP, first("a"))
    assert not ledger.create(GROUP, first("b"))
    assert ledger.load(GROUP) == first("a")


def test_a_first_row_owes_nothing_that_is_on_record(ledger: OpenLedger) -> None:
    """Not even one operation of several: it was refused while there was no row."""
    assert ledger.refuse(GROUP, {"b": NO_GROUP})
    assert not ledger.create(GROUP, first("a", "b"))
    assert ledger.load(GROUP) is None
    assert ledger.create(GROUP, first("a"))


def test_a_first_row_owes_nothing_that_its_place_has_passed(ledger: OpenLedger) -> None:
    """The mark outlasts the row by which it was raised."""
    ledger.swap(GROUP, idle_row(), {})
    assert ledger.begin(GROUP, run(5), RECEIPT_KEY, GENERATION) is not None
    assert land(ledger, run(5))
    row = there(ledger.load(GROUP))
    assert ledger.delete(GROUP, row.version)
    assert not ledger.create(GROUP, first_row(placed(5, 6), RECEIPT_KEY, GENERATION, VERSION))
    assert ledger.create(GROUP, first_row(placed(6, 7), RECEIPT_KEY, GENERATION, VERSION))


def test_a_rejection_without_a_row_is_on_record(ledger: OpenLedger) -> None:
    assert ledger.refuse(GROUP, {"operation": NO_GROUP, "other": record("other")})
    assert ledger.find(GROUP, ["operation", "other"]) == {"operation": NO_GROUP, "other": record("other")}
    assert ledger.load(GROUP) is None
    assert ledger.unfinished(GROUP.app, 10) == []


def test_nothing_is_refused_beside_a_row(ledger: OpenLedger) -> None:
    assert ledger.create(GROUP, first())
    assert not ledger.refuse(GROUP, {"other": NO_GROUP})
    assert ledger.find(GROUP, ["other"]) == {}


def test_what_is_on_record_is_not_refused_again(ledger: OpenLedger) -> None:
    assert ledger.refuse(GROUP, {"a": record("a")})
    assert not ledger.refuse(GROUP, {"a": NO_GROUP, "b": NO_GROUP})
    assert ledger.find(GROUP, ["a", "b"]) == {"a": record("a")}


def test_a_row_is_deleted_in_one_version_only(ledger: OpenLedger) -> None:
    assert ledger.create(GROUP, first())
    assert ledger.swap(GROUP, first().changed(queue=(), base=0), {})
    assert not ledger.delete(GROUP, VERSION)
    assert ledger.delete(GROUP, VERSION + 1)
    assert ledger.load(GROUP) is None
    assert ledger.unfinished(GROUP.app, 10) == []
    assert not ledger.delete(GROUP, VERSION + 1)


def test_a_deleted_row_is_known_by_no_key(ledger: OpenLedger) -> None:
    ledger.swap(GROUP, replace(idle_row(), keys=(("like", 5),)), {})
    assert ledger.groups_with_key(GROUP.app, "like", 10, 10) == [GROUP.id]
    assert ledger.delete(GROUP, 1)
    assert ledger.groups_with_key(GROUP.app, "like", 10, 10) == []


def test_what_was_prepared_for_a_deleted_row_fits_no_other(ledger: OpenLedger) -> None:
    """Neither a swap, nor a settlement, nor the deletion itself."""
    assert ledger.create(GROUP, first("a"))
    assert ledger.delete(GROUP, VERSION)
    assert not ledger.swap(GROUP, first("a").changed(base=0), {})
    other = replace(first("b"), version=VERSION + 1000)
    assert ledger.create(GROUP, other)
    assert not ledger.swap(GROUP, first("a").changed(base=0), {})
    assert not ledger.delete(GROUP, VERSION)
    assert ledger.load(GROUP) == other


def test_an_append_after_a_deletion_finds_no_row(ledger: OpenLedger) -> None:
    assert ledger.create(GROUP, first("a"))
    assert ledger.delete(GROUP, VERSION)
    assert ledger.append(GROUP, [entry("b")], 36 * 1024) is None
    assert ledger.begin(GROUP, attempt(entry("c")), RECEIPT_KEY, GENERATION) is None
