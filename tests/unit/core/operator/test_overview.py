"""The overview: all groups that are held or owe something are counted, and shown by age in pages."""

import pytest
from msgspec.structs import replace

from handler.core.model import codec
from handler.core.model.row import Entry, Group, Pause, Remembered, Row, Trouble
from handler.core.operator.overview import Overview, Place, State, look_over, needs_attention, standing_of, why
from handler.core.ports.system import Measure
from handler.core.state.transitions import frozen
from tests.unit.core.samples import NOW, attempt, entry, row
from tests.unit.core.scene import APP, Scene, first

PAUSE = Pause(NOW - 500, "the vendor has asked for it")


def accepted(at: int, name: str = "a") -> Entry:
    return replace(entry(name), accepted_at=at)


def owing(at: int) -> Row:
    return row(queue=(accepted(at),))


def scene_of(**rows: Row) -> Scene:
    scene = Scene()
    for group_id, stored in rows.items():
        scene.store(stored, Group(APP, group_id))
    return scene


def looked_over(scene: Scene, limit: int = 20, after: Place | None = None) -> Overview:
    return look_over(scene.instance, APP, scene.clock.moment + 60, limit=limit, after=after)


def named(overview: Overview) -> list[tuple[str, str]]:
    return [(one.group_id, one.state.value) for one in overview.standings]


def test_the_frozen_come_first_and_then_the_oldest() -> None:
    scene = scene_of(
        settled=row(),
        watched=row(remembered=(Remembered(attempt(entry("b"))),)),
        young=owing(NOW - 1),
        old=owing(NOW - 900),
        paused=replace(owing(NOW - 700), paused=PAUSE),
        empty=replace(row(), paused=PAUSE),
        frozen=frozen(owing(NOW - 5), "why", NOW - 3),
        colder=frozen(row(), "why", NOW - 4),
    )
    seen = looked_over(scene)
    assert named(seen) == [
        ("colder", "frozen"),
        ("frozen", "frozen"),
        ("old", "waiting"),
        ("paused", "paused"),
        ("empty", "paused"),
        ("young", "waiting"),
    ]
    assert (seen.frozen, seen.unfinished, seen.oldest, seen.more, seen.complete) == (2, 3, NOW - 900, False, True)


def test_a_thousand_unfinished_groups_show_with_age_and_page() -> None:
    """Each of them once, however many have the same age."""
    scene = Scene()
    before = scene.ledger.snapshot()
    rows: dict[Group, str | Row] = {Group(APP, f"g{n:03}"): owing(NOW - 60 - n // 20) for n in range(1000)}
    scene.ledger.restore(type(before)(rows=rows, records={}))
    seen = looked_over(scene, limit=100)
    assert (seen.unfinished, seen.oldest_s(NOW), seen.complete) == (1000, 109.0, True)
    shown = list(seen.standings)
    while seen.more:
        seen = looked_over(scene, limit=100, after=shown[-1].place)
        shown += seen.standings
    assert len({one.group_id for one in shown}) == len(shown) == 1000
    assert [one.place for one in shown] == sorted(one.place for one in shown)


def test_where_the_time_is_too_short_the_numbers_are_at_least() -> None:
    scene = scene_of(a=owing(NOW), b=frozen(row(), "why", NOW))
    first(scene.ledger, "unfinished", lambda: scene.clock.advance(100))
    seen = looked_over(scene)
    assert (seen.frozen, seen.unfinished, seen.complete) == (1, 0, False)
    assert seen.numbers(NOW)["complete"] is False


def test_every_gauge_is_written_even_at_zero() -> None:
    scene = Scene()
    looked_over(scene).measure(scene.notices, NOW)
    assert scene.notices.measured == [
        (Measure.FROZEN_GROUPS, 0),
        (Measure.UNFINISHED_GROUPS, 0),
        (Measure.PARKED_RECORDS, 0),
        (Measure.PARKED_EXPIRING, 0),
        (Measure.OLDEST_UNFINISHED_S, 0.0),
    ]


def test_a_trouble_that_is_left_over_from_settled_operations_is_not_shown() -> None:
    """A settlement that writes a part of the row leaves it behind."""
    old = Trouble("timed out after 4.0 s", NOW - 100)
    for stored, shown in (
        (replace(owing(NOW - 50), trouble=old), None),
        (replace(owing(NOW - 150), trouble=old), old),
        (replace(row(), paused=PAUSE, trouble=old), None),
        (replace(frozen(row(), "why", NOW - 50), trouble=old), old),
    ):
        standing = standing_of("g", stored)
        assert standing is not None
        assert standing.trouble == shown


def test_a_group_says_what_it_waits_for() -> None:
    scene = scene_of(
        sent=row(attempt(accepted(NOW), time=NOW)),
        queued=owing(NOW),
        paused=replace(row(), paused=PAUSE),
        frozen=frozen(row(), "nothing explains it", NOW),
    )
    said = {one.group_id: why(scene.instance, APP, one, None) for one in looked_over(scene).standings}
    assert said == {
        "sent": "it waits for the end of its call, unless the receipt shows that it landed",
        "queued": "it waits for the next sweep, or for the next request for this group",
        "paused": PAUSE.reason,
        "frozen": "nothing explains it",
    }
    [queued] = [one for one in looked_over(scene).standings if one.group_id == "queued"]
    assert why(scene.instance, APP, queued, PAUSE).endswith(f"the pause of all groups: {PAUSE.reason}")


def test_a_paused_group_is_shown_since_its_pause_or_since_it_owes_if_that_is_longer() -> None:
    """What is accepted during a pause does not make the pause younger."""
    for stored, since in (
        (replace(row(), paused=PAUSE), NOW - 500),
        (replace(owing(NOW - 20), paused=PAUSE), NOW - 500),
        (replace(owing(NOW - 700), paused=PAUSE), NOW - 700),
    ):
        assert stored.since == since


def test_a_group_whose_row_a_later_version_has_written_is_counted_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """As unfinished, because only its own version knows; it needs attention and ends nothing."""
    scene = scene_of(owing=owing(NOW))
    with monkeypatch.context() as later:
        later.setattr(codec, "ROW_FORMAT", 99)
        scene.store(owing(NOW), Group(APP, "later"))
    seen = looked_over(scene)
    assert (named(seen), seen.unfinished, seen.complete) == ([("later", "waiting"), ("owing", "waiting")], 2, True)
    [found, other] = seen.standings
    assert why(scene.instance, APP, found, None).startswith("a later version of this function has written its row")
    assert (needs_attention(found, NOW), needs_attention(other, NOW)) == (True, False)


def test_a_group_that_is_deleted_after_it_was_listed_is_not_counted() -> None:
    scene = scene_of(owing=owing(NOW))
    first(scene.ledger, "rows", lambda: scene.ledger.delete(Group(APP, "owing"), row().version))
    assert looked_over(scene).unfinished == 0


def test_a_group_that_owes_for_ten_minutes_needs_attention() -> None:
    """And one that is held does at once; where an earlier version accepted, the age is not known."""
    for stored, needy in (
        (owing(NOW - 600), False),
        (owing(NOW - 601), True),
        (owing(0), False),
        (replace(row(), paused=PAUSE), True),
    ):
        standing = standing_of("g", stored)
        assert standing is not None
        assert needs_attention(standing, NOW) is needy
    assert State.FROZEN.value == "frozen"
