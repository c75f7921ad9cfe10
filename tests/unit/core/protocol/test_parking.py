"""A source's word in the row for what others have left owed there (R6)."""

from msgspec.structs import replace

from handler.core.model.operation import Origin
from handler.core.protocol.parking import acknowledge
from tests.unit.core.samples import entry, row
from tests.unit.core.scene import Scene


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
