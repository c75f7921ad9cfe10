"""A parked record stays as it came until it is dropped, and is found page by page."""

import threading
from collections.abc import Sequence

import pytest

from handler.core.ports.ledger import Parked, ParkedAndNotes, ParkedLabel
from handler.ledgers.dynamodb.parked import DynamoDbParked
from tests.contract.parked_stores import APP, parked

IDS = ["A", "B 😀", "b", "ckafka/topic/1/36", "record/z", "é", "я", "群", "😀"]

# Ends that have come by every clock, and that have not.
EARLIER, LATER = 1.0, 4_000_000_000.0


def test_a_parked_record_is_kept_as_it_came(parked_store: ParkedAndNotes) -> None:
    kept = parked("m'1", source="群😀", reason='"; DROP TABLE parked', payload="a\x00b\n" + "群" * 10_000)
    parked_store.park(APP, kept)
    assert list(parked_store.page(APP, 10)) == [kept]


def test_a_record_parked_again_stays_as_it_is(parked_store: ParkedAndNotes) -> None:
    parked_store.park(APP, parked())
    parked_store.park(APP, parked(reason="another"))
    assert list(parked_store.page(APP, 10)) == [parked()]


def test_a_dropped_record_is_gone_and_may_be_parked_anew(parked_store: ParkedAndNotes) -> None:
    parked_store.park(APP, parked())
    assert [parked_store.unpark(APP, "message-1"), parked_store.unpark(APP, "message-1")] == [True, False]
    assert list(parked_store.page(APP, 10)) == []
    parked_store.park(APP, parked(reason="another"))
    assert [kept.reason for kept in parked_store.page(APP, 10)] == ["another"]


@pytest.mark.parametrize("limit", [1, 2, 4, 100])
def test_page_after_page_lists_every_record_once(parked_store: ParkedAndNotes, limit: int) -> None:
    """In the order of their ids' code points, whatever order they came in."""
    for name in reversed(IDS):
        parked_store.park(APP, parked(name))
    listed: list[str] = []
    pages: list[Sequence[Parked]] = []
    while not pages or pages[-1]:
        pages.append(parked_store.page(APP, limit, after=listed[-1] if listed else ""))
        assert len(pages[-1]) <= limit
        listed += [kept.id for kept in pages[-1]]
    assert listed == IDS


def test_pages_go_on_after_a_record_that_was_dropped_meanwhile(parked_store: ParkedAndNotes) -> None:
    for name in ("a", "b", "c"):
        parked_store.park(APP, parked(name))
    parked_store.unpark(APP, "b")
    assert [kept.id for kept in parked_store.page(APP, 10)] == ["a", "c"]
    assert [kept.id for kept in parked_store.page(APP, 10, after="b")] == ["c"]


def test_the_labels_of_an_apps_records_are_listed(parked_store: ParkedAndNotes) -> None:
    """Each once, with its source and its end, which one of an earlier version has not."""
    assert list(parked_store.labels(APP)) == []
    for name in IDS:
        parked_store.park(APP, parked(name, source=f"a source: {name}", expires_at=LATER))
        parked_store.park(APP, parked(name))
    parked_store.park(APP, parked("of an earlier version"))
    parked_store.park(APP + 1, parked("of another app"))
    assert parked_store.unpark(APP, IDS[0])
    expected = [ParkedLabel(name, f"a source: {name}", LATER) for name in IDS[1:]]
    expected.append(ParkedLabel("of an earlier version", parked().source))
    assert sorted(parked_store.labels(APP), key=str) == sorted(expected, key=str)
    assert [kept.expires_at for kept in parked_store.page(APP, 2, after=IDS[-2])] == [LATER]
    assert len(list(parked_store.labels(APP + 1))) == 1


def test_a_record_whose_time_has_come_may_be_parked_anew(parked_store: ParkedAndNotes) -> None:
    """A store that is late to drop it would take the new one with it."""
    parked_store.park(APP, parked(expires_at=EARLIER))
    again = parked(reason="another", expires_at=LATER)
    parked_store.park(APP, again)
    assert list(parked_store.page(APP, 10)) == [again]
    assert [label.expires_at for label in parked_store.labels(APP)] == [LATER]


def test_whoever_counts_the_records_drops_those_whose_time_has_come(parked_store: ParkedAndNotes) -> None:
    """DynamoDB does so by itself, some time after; until then they count."""
    for name, expires_at in (("a", EARLIER), ("b", LATER), ("c", 0.0)):
        parked_store.park(APP, parked(name, expires_at=expires_at))
    drops_itself = isinstance(parked_store, DynamoDbParked)
    left = ["a", "b", "c"] if drops_itself else ["b", "c"]
    assert [label.id for label in parked_store.labels(APP)] == left
    assert [kept.id for kept in parked_store.page(APP, 10)] == left


def test_each_app_has_records_of_its_own(parked_store: ParkedAndNotes) -> None:
    parked_store.park(1, parked(reason="one"))
    parked_store.park(12, parked(reason="twelve"))
    assert not parked_store.unpark(2, "message-1")
    assert parked_store.unpark(1, "message-1")
    assert [[kept.reason for kept in parked_store.page(app, 10)] for app in (1, 2, 12)] == [[], [], ["twelve"]]


def test_many_workers_park_at_once(parked_store: ParkedAndNotes) -> None:

    def work() -> None:
        for number in range(20):
            parked_store.park(APP, parked(f"{number:02}"))

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [kept.id for kept in parked_store.page(APP, 100)] == [f"{number:02}" for number in range(20)]
