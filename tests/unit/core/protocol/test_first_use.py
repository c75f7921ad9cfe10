"""The first look at a group, and the look after its store was restored, step by step (R9, R10)."""

import pytest
from msgspec.structs import replace

from handler.core.model.outcome import Applied, Rejected
from handler.core.model.row import Entry, Remembered, Row, first_row
from handler.core.ports.counter_api import Counted, Fault, Refused, Unclear
from handler.core.ports.ledger import Generation
from handler.core.ports.system import Notice
from handler.core.protocol.backoff import FIRST_LOOK_S
from handler.core.protocol.first_use import establish, revalidate
from handler.core.protocol.visit import Again, Stop, Visit
from handler.core.runtime.api_clock import APART_MIN_S
from handler.core.runtime.instance import Rules
from tests.unit.core.protocol.test_backoff import Even
from tests.unit.core.samples import BASE, BOUND_S, NOW, attempt, entry, row
from tests.unit.core.scene import ARREARS, GROUP, RULES, Scene, increase

GONE = Refused(10010, "no such group", Fault.OPERATION, NOW + 100)
LONG_AGO = NOW - 1_000_000
FIRST = Generation(1, 0)
PAST_S = BOUND_S + 1 + RULES.guard_s
NEW = replace(row(queue=(entry("a"),)), base=None)
"""A row whose group was never looked at."""


def scene_of(before: Row, generation: Generation = FIRST, rules: Rules = RULES) -> Scene:
    """A row, on a store of some generation, met by an instance that has not heard the API's clock yet."""
    scene = Scene(before, rules, cold=True)
    scene.ledger.stored = generation
    return scene


def visit(scene: Scene, *wanted: str) -> Visit:
    """A visit without chance, of the worker that has made the row."""
    instance = replace(scene.instance, chance=Even(1))
    return Visit(instance, GROUP, scene.budget(600), frozenset(wanted), is_first=True)


def test_a_history_is_adopted_when_nothing_of_it_can_land() -> None:
    """Life, twice the guard and a second after it was first seen, and not before two `Date`s prove it (R12)."""
    noted = NEW.changed(first_seen_at=NOW)
    scene = scene_of(noted)
    scene.instance.api_clock.learn(NOW + 16)
    assert establish(visit(scene), noted) == Again(1.0)
    scene.api.ahead_s = 17
    scene.clock.advance(1.0)
    assert establish(visit(scene), noted) == Again(0.4)
    assert establish(visit(scene), noted) == noted.changed(base=BASE, first_seen_at=None)
    assert scene.api.asked == [("_receipt",)] * 2


def test_one_odd_date_does_not_stamp_a_first_sight() -> None:
    """A cold instance would note it a minute early, and another one would adopt what may still land (R12)."""
    scene = scene_of(NEW)
    looking = visit(scene)
    scene.api.ahead_s = -60
    assert establish(looking, NEW) == Again()
    scene.api.ahead_s = 0
    assert isinstance(establish(looking, NEW), Again)
    scene.clock.advance(APART_MIN_S)
    while not isinstance(follows := establish(looking, NEW), Row):
        scene.clock.advance(APART_MIN_S)
    assert follows.first_seen_at == scene.api.date


def test_another_receipt_key_is_a_first_use() -> None:
    old = replace(row(queue=(entry("a"),), remembered=(Remembered(attempt()),), receipt_key="_old"), first_seen_at=5)
    scene = scene_of(old)
    scene.api.counters = {}
    fresh = replace(old, receipt_key="_receipt", base=None, remembered=(), first_seen_at=None)
    assert establish(visit(scene), old) == fresh.changed(base=0)
    used = scene_of(old)
    used.api.counters = {"_receipt": 77}
    used.instance.api_clock.learn(NOW)
    sighted = establish(visit(used), old)
    assert sighted == fresh.changed(first_seen_at=used.instance.api_clock.now())


def test_an_app_that_is_refused_is_not_asked_again() -> None:
    for before, step, generation in (
        (NEW, establish, 1),
        (NEW.changed(first_seen_at=NOW), establish, 1),
        (row(), revalidate, 2),
        (replace(row(), first_seen_at=NOW, first_seen_generation=2), revalidate, 2),
    ):
        scene = scene_of(before, Generation(generation, LONG_AGO))
        scene.api.reads = [ARREARS]
        assert step(visit(scene), before) == Stop(ARREARS)
        assert scene.row == before


def test_a_group_that_may_not_be_read_begins_at_zero_when_that_was_said_three_times() -> None:
    scene = scene_of(NEW)
    scene.api.reads = [GONE, GONE, Unclear("lost"), GONE]
    looking = visit(scene)
    assert [establish(looking, NEW) for _ in range(3)] == [Again(), Again(), Again(0.4)]
    follows = establish(looking, NEW)
    assert isinstance(follows, Row)
    assert replace(follows, trouble=None) == NEW.changed(base=0)


def test_a_history_that_may_not_be_read_yet_is_adopted_once_it_may() -> None:
    """A call to a group that is not permitted to be read would stand on a base that is a guess."""
    scene = Scene()
    scene.api.reads = [Refused(10007, "not permitted", Fault.OPERATION, NOW)] * 4
    assert scene.outcome(increase("a"), 5) == Rejected(10007, "not permitted")
    # It can be asked for without an end, and leaves no more than its answer (R14).
    assert (scene.api.calls, scene.ledger.load(GROUP)) == ([], None)
    assert scene.outcome(increase("a"), 5) == Rejected(10007, "not permitted", replayed=True)
    assert isinstance(scene.outcome(increase("b"), 40), Applied)
    assert (scene.row.frozen, scene.row.base) == (None, scene.api.counters["_receipt"])


def test_each_operation_that_finds_no_room_in_a_group_counts_as_rejected() -> None:
    """One write ends them all."""
    scene = Scene(replace(NEW, queue=(entry("a"), entry("b"), entry("c"))))
    scene.api.counters = {f"key-{number}": 1 for number in range(20)}
    scene.counters.sweep(scene.clock.moment + 60)
    assert scene.notices.counted[Notice.REJECTED] == 3


def test_a_worker_that_has_not_made_the_row_leaves_the_first_look_for_a_moment() -> None:
    """But no longer than a poll at a time; a sweep does not wait."""
    scene = scene_of(NEW)
    late = visit(scene, "a")
    late.is_first = False
    assert establish(late, NEW) == Again(0.06)
    scene.clock.advance(FIRST_LOOK_S - 0.01)
    follows = establish(late, NEW)
    assert isinstance(follows, Again)
    assert follows.after_s == pytest.approx(0.01)
    sweeping = visit(scene)
    sweeping.is_first = False
    assert establish(sweeping, NEW) == Again()
    assert isinstance(establish(sweeping, NEW), Row)


@pytest.mark.parametrize(
    ("generation", "frozen"),
    [(Generation(2, NOW - 86_399), True), (Generation(2, NOW - 86_400), False), (Generation(1, NOW), False)],
    ids=["young copy", "old copy", "no copy"],
)
def test_a_young_copy_does_not_adopt_what_it_may_have_forgotten(generation: Generation, frozen: bool) -> None:
    """Its row is of before the loss; an older one has surely another history."""
    scene = scene_of(NEW, generation)
    scene.instance.api_clock.learn(NOW)
    establish(visit(scene), NEW)
    assert (scene.row.frozen is not None) == frozen
    if frozen:
        assert scene.row.frozen == "the ledger may have forgotten how this group began"
        assert scene.row.generation == NEW.generation - 1
    else:
        assert (scene.row.first_seen_at, scene.row.base) == (NOW, None)


def test_a_look_that_was_asked_for_before_the_end_is_no_proof() -> None:
    scene = scene_of(NEW, Generation(2, NOW - 400))
    scene.api.counters = {}
    assert establish(visit(scene), NEW) == Again(0.4)
    assert establish(visit(scene), NEW) == NEW.changed(base=0)


def test_a_start_far_ahead_is_stamped_again() -> None:
    """A wrong clock has told it, and no `Date` would ever come after it: a restored store stays harmless."""
    scene = scene_of(NOTED, Generation(2, NOW + 301))
    revalidate(visit(scene), NOTED)
    assert scene.ledger.stored == Generation(2, NOW + 301)
    scene.instance.api_clock.learn(NOW)
    revalidate(visit(scene), NOTED)
    assert scene.ledger.stored == Generation(2, NOW)


def test_a_note_far_ahead_is_made_again() -> None:
    for before, step, generation in (
        (NEW.changed(first_seen_at=NOW + 301), establish, 1),
        (replace(row(), first_seen_at=NOW + 301, first_seen_generation=2), revalidate, 2),
    ):
        scene = scene_of(before, Generation(generation, LONG_AGO))
        scene.api.reads = [Counted({"_receipt": BASE}, None), Counted({"_receipt": BASE}, NOW + 1)]
        assert [step(visit(scene), before) for _ in range(2)] == [Again(0.4), Again(0.4)]
        scene = scene_of(before, Generation(generation, LONG_AGO))
        assert [step(visit(scene), before) for _ in range(2)] == [Again(), before.changed(first_seen_at=NOW)]


NOTED = replace(row(), first_seen_at=NOW, first_seen_generation=2)


def test_a_restored_row_is_believed_when_nothing_that_it_lacks_can_land() -> None:
    """Neither what was signed before it was seen, nor what instances of the older generation still send."""
    for started, ends_in_s in ((LONG_AGO, PAST_S), (NOW + 20, 20 + RULES.cache_s + PAST_S)):
        scene = scene_of(NOTED, Generation(2, started))
        scene.instance.api_clock.learn(NOW)
        scene.clock.advance(ends_in_s - 1)
        assert revalidate(visit(scene), NOTED) == Again(1.0)
        scene.clock.advance(1.0)
        assert [revalidate(visit(scene), NOTED) for _ in range(2)][1] == NOTED.changed(generation=2, first_seen_at=None)


def due(before: Row, **counters: int) -> Scene:
    """A noted row of an older generation whose time has come."""
    scene = scene_of(before, Generation(2, LONG_AGO))
    scene.clock.advance(100)
    scene.api.counters = counters
    visit(scene).heard(before)
    scene.instance.api_clock.learn(NOW + 100)
    return scene


def test_a_restored_row_without_receipts_is_believed_at_once() -> None:
    before = replace(NOTED, receipt_key="")
    assert revalidate(visit(due(before)), before) == before.changed(generation=2)


def test_a_slow_local_clock_does_not_hold_a_group_up() -> None:
    """A cold instance asks the API for its time before it waits: the local clock never judges (R4)."""
    scene = Scene(row(), replace(RULES, cache_s=60), cold=True)
    scene.ledger.stored = Generation(2, NOW)
    scene.api.ahead_s = 3600
    assert scene.outcome(increase("a"), 30) == Applied((("like", 5),))


def test_a_debt_in_a_group_without_room_is_not_asked_about_for_ever() -> None:
    """Under another receipt key, with twenty counters upstream, nothing can be paid: one look per round is enough."""
    scene = Scene(row(debt=(("k1", 5),), receipt_key="_other"))
    scene.api.counters = {f"k{number}": 0 for number in range(20)}
    version = scene.row.version
    scene.counters.sweep(scene.clock.moment + 30)
    assert scene.row.version - version < 30 / 0.25


@pytest.mark.parametrize("by", ["a caller", "a sweep"])
def test_a_new_group_is_looked_at_although_whoever_has_made_its_row_is_gone(by: str) -> None:
    scene = Scene(first_row([Entry.of(increase("first"))], "_receipt", 1))
    scene.api.counters = {}
    if by == "a sweep":
        scene.counters.sweep(scene.clock.moment + 60)
    else:
        scene.counters.apply(GROUP.id, [increase("late")], scene.budget(5))
    assert scene.row.is_settled
    assert len(scene.api.asked) == 1
