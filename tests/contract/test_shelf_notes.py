"""A note is kept under its name until another takes its place."""

from __future__ import annotations

from handler.core.ports.shelf import Shelf
from tests.contract.shelves import APP, parked


def test_there_is_no_note_at_first(shelf: Shelf) -> None:
    assert shelf.noted(APP, "assumptions") is None


def test_a_note_is_kept_as_written(shelf: Shelf) -> None:
    """Whatever is in it, an empty text too."""
    for text in ("", '{"A1": true}', "群😀\n'\"", "x" * 30_000):
        shelf.note(APP, "assumptions", text)
        assert shelf.noted(APP, "assumptions") == text


def test_a_new_note_replaces_the_older_one_of_its_name_alone(shelf: Shelf) -> None:
    """Others stay, and those of other apps, and what is parked."""
    shelf.park(APP, parked("assumptions"))
    for app, name, text in ((APP, "a", "1"), (APP, "b", "2"), (7, "a", "3"), (APP, "a", "4")):
        shelf.note(app, name, text)
    assert [shelf.noted(APP, "a"), shelf.noted(APP, "b"), shelf.noted(7, "a")] == ["4", "2", "3"]
    assert list(shelf.parked(APP, 10)) == [parked("assumptions")]


def test_the_same_note_again_changes_nothing(shelf: Shelf) -> None:
    shelf.note(APP, "a", "1")
    shelf.note(APP, "a", "1")
    assert shelf.noted(APP, "a") == "1"
