"""A parked record stays as it came until it is dropped, and is found page by page."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from handler.core.ports.shelf import Parked, Shelf
from tests.contract.shelves import APP, parked

IDS = ["A", "B 😀", "b", "ckafka/topic/1/36", "record/z", "é", "я", "群", "😀"]


def test_a_new_shelf_is_empty(shelf: Shelf) -> None:
    """There is nothing to list and nothing to drop."""
    assert list(shelf.parked(APP, 10)) == []
    assert not shelf.unpark(APP, "message-1")


def test_a_parked_record_is_kept_as_it_came(shelf: Shelf) -> None:
    kept = parked("m'1", source="群😀", reason='"; DROP TABLE parked', payload="a\x00b\n" + "群" * 10_000)
    shelf.park(APP, kept)
    assert list(shelf.parked(APP, 10)) == [kept]


def test_a_record_parked_again_stays_as_it_is(shelf: Shelf) -> None:
    shelf.park(APP, parked())
    shelf.park(APP, parked(reason="another"))
    assert list(shelf.parked(APP, 10)) == [parked()]


def test_a_dropped_record_is_gone_and_may_be_parked_anew(shelf: Shelf) -> None:
    shelf.park(APP, parked())
    assert [shelf.unpark(APP, "message-1"), shelf.unpark(APP, "message-1")] == [True, False]
    assert list(shelf.parked(APP, 10)) == []
    shelf.park(APP, parked(reason="another"))
    assert [kept.reason for kept in shelf.parked(APP, 10)] == ["another"]


def test_dropping_one_record_leaves_the_others(shelf: Shelf) -> None:
    for name in ("a", "b", "c"):
        shelf.park(APP, parked(name))
    shelf.unpark(APP, "b")
    assert [kept.id for kept in shelf.parked(APP, 10)] == ["a", "c"]


@pytest.mark.parametrize("limit", [1, 2, 4, 100])
def test_page_after_page_lists_every_record_once(shelf: Shelf, limit: int) -> None:
    """In the order of their ids' code points, whatever order they came in."""
    for name in reversed(IDS):
        shelf.park(APP, parked(name))
    listed: list[str] = []
    pages: list[Sequence[Parked]] = []
    while not pages or pages[-1]:
        pages.append(shelf.parked(APP, limit, after=listed[-1] if listed else ""))
        assert len(pages[-1]) <= limit
        listed += [kept.id for kept in pages[-1]]
    assert listed == IDS


def test_pages_go_on_after_a_record_that_was_dropped_meanwhile(shelf: Shelf) -> None:
    """The id to go on from need not be there any more."""
    for name in ("a", "b", "c"):
        shelf.park(APP, parked(name))
    shelf.unpark(APP, "b")
    assert [kept.id for kept in shelf.parked(APP, 10, after="b")] == ["c"]


def test_each_app_has_records_of_its_own(shelf: Shelf) -> None:
    """The same id in two apps is two records."""
    shelf.park(1, parked(reason="one"))
    shelf.park(12, parked(reason="twelve"))
    assert not shelf.unpark(2, "message-1")
    assert shelf.unpark(1, "message-1")
    assert [[kept.reason for kept in shelf.parked(app, 10)] for app in (1, 2, 12)] == [[], [], ["twelve"]]


def test_many_workers_park_at_once(shelf: Shelf) -> None:
    """Each record is there once, although each is parked by all of them."""

    def work() -> None:
        for number in range(20):
            shelf.park(APP, parked(f"{number:02}"))

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [kept.id for kept in shelf.parked(APP, 100)] == [f"{number:02}" for number in range(20)]
