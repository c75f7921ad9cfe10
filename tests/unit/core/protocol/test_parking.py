"""A source's word in the row for what others have left owed there (R6)."""

from msgspec.structs import replace

from handler.core.model.operation import Origin
from handler.core.model.row import Note
from handler.core.ports.counter_api import Fault, Refused
from handler.core.protocol.parking import acknowledge
from tests.unit.core.samples import NOW, entry, row
from tests.unit.core.scene import APP, GROUP, Scene


def test_what_was_answered_meanwhile_is_in_doubt_although_a_word_is_written_for_the_rest() -> None:
    """The answer may be a rejection of which nobody has told this source."""
    owed, gone = entry("owed"), entry("gone")
    scene = Scene(row(queue=(owed,)))
    origins = {
        name: Origin(source="a-bus", place=f"record-{name}", caller="caller", key=name) for name in (owed.id, gone.id)
    }
    visit = scene.visit(5)
    written = acknowledge(visit, scene.row, origins)
    assert written.queue == scene.row.queue == (replace(owed, origin=origins[owed.id]),)
    assert visit.in_doubt == {gone.id}


def test_a_record_is_kept_from_when_it_is_parked_however_old_its_note_is() -> None:
    """A row that was out of reach for long does not lose what it notes."""
    origin = Origin(source="a-bus", place="record", caller="caller", key="key")
    note = Note(replace(entry("a"), origin=origin), 10004, NOW - 100 * 86_400.0)
    scene = Scene(replace(row(), notes=(note,)))
    scene.counters.sweep(scene.clock.moment + 60)
    [kept] = scene.kept.page(APP, 10)
    assert (kept.at, kept.expires_at) == (note.at, NOW + 90 * 86_400)


def test_a_group_that_is_not_permitted_leaves_its_parked_record_and_no_row() -> None:
    """A producer may name groups without an end, as a caller may (R14)."""
    origin = Origin(source="a-bus", place="record", caller="caller", key="key")
    scene = Scene(replace(row(queue=(replace(entry("a"), origin=origin),)), base=None))
    scene.api.reads = [Refused(10007, "not permitted", Fault.OPERATION, NOW)] * 3
    scene.counters.sweep(scene.clock.moment + 60)
    assert [kept.id for kept in scene.kept.page(APP, 10)] == ["record"]
    assert scene.ledger.load(GROUP) is None
