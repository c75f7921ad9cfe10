"""A note is kept under its name until another takes its place."""

from handler.core.ports.ledger import ParkedAndNotes
from tests.contract.parked_stores import APP, parked


def test_a_note_is_kept_as_written(parked_store: ParkedAndNotes) -> None:
    """Whatever is in it, an empty text too."""
    assert parked_store.noted(APP, "assumptions") is None
    for text in ("", '{"A1": true}', "群😀\n'\"", "x" * 30_000):
        parked_store.note(APP, "assumptions", text)
        assert parked_store.noted(APP, "assumptions") == text


def test_a_new_note_replaces_the_older_one_of_its_name_alone(parked_store: ParkedAndNotes) -> None:
    parked_store.park(APP, parked("assumptions"))
    for app, name, text in ((APP, "a", "1"), (APP, "b", "2"), (7, "a", "3"), (APP, "a", "4")):
        parked_store.note(app, name, text)
    assert [parked_store.noted(APP, "a"), parked_store.noted(APP, "b"), parked_store.noted(7, "a")] == ["4", "2", "3"]
    assert list(parked_store.page(APP, 10)) == [parked("assumptions")]
