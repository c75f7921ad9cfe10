"""The schedules in which simpler protocols count twice, lose, or lie, each under its name."""

from handler.core.model.operation import Mode
from handler.core.model.outcome import Applied, Frozen, Pending, Rejected
from tests.faults.simulator.stage import GROUP, LANDS_UNHEARD, NEVER, NORMAL, Stage
from tests.faults.world.network import Fate


def test_false_completed() -> None:
    """A late request of operation A is not taken for the receipt of operation B."""
    stage = Stage.started()
    stage.expect(Fate(arrives_after_s=19.0), NORMAL, NEVER, NORMAL)
    a, b = stage.operation("a", 10), stage.operation("b", 100)
    stage.call("A1", a, at_s=1)
    stage.call("A2", a, at_s=13.5, wait_s=10)
    stage.call("B1", b, at_s=16, wait_s=30)
    stage.play()
    assert stage.likes == 111, stage.story
    assert stage.answers["A2"] == [Applied((("like", 11),))], stage.story
    assert stage.answers["B1"] == [Applied((("like", 111),))], stage.story


def test_compensation_eats_a_good_operation() -> None:
    """A late landing together with a lost reply is not taken for one operation that landed twice."""
    stage = Stage.started()
    stage.expect(Fate(arrives_after_s=19.0), NORMAL, LANDS_UNHEARD)
    a, b = stage.operation("a", 10), stage.operation("b", 100)
    stage.call("A1", a, at_s=1)
    stage.call("A2", a, at_s=13.5, wait_s=10)
    stage.call("B1", b, at_s=16, wait_s=30)
    stage.play()
    assert stage.likes == 111, stage.story
    assert stage.answers["B1"] == [Applied((("like", 111),), observed_later=True)], stage.story


def test_paused_sender() -> None:
    """A worker that wakes after its attempt has expired sends a request that the API refuses."""
    stage = Stage.started()
    a = stage.operation("a", 10)
    stage.world.frozen["A1", "sends"] = 60.0
    stage.call("A1", a, at_s=1)
    stage.call("A2", a, at_s=3, wait_s=30)
    stage.play()
    assert stage.likes == 11, stage.story
    assert stage.answers["A2"] == [Applied((("like", 11),))], stage.story


def test_read_too_early() -> None:
    """A receipt read before the request lands is no proof once the request may have landed since."""
    stage = Stage.started()
    a = stage.operation("a", 10)
    stage.expect(Fate(arrives_after_s=6.5, replies=False))
    stage.world.frozen["A2", "read"] = 30.0
    stage.call("A1", a, at_s=1, wait_s=4)
    stage.call("A2", a, at_s=6.5, wait_s=40)
    stage.play()
    assert stage.likes == 11, stage.story
    assert stage.answers["A2"] == [Applied((("like", 11),), observed_later=True)], stage.story


def test_record_before_row() -> None:
    """A worker that sleeps between reading the row and the record does not append a finished operation again."""
    stage = Stage.started()
    a = stage.operation("a", 10)
    for word in ("begins", "has", "looks"):
        stage.world.frozen["A2", word] = 2.0
    stage.call("A2", a, at_s=1)
    stage.call("A1", a, at_s=2)
    stage.play()
    assert stage.likes == 11, stage.story
    assert stage.answers["A1"] == [Applied((("like", 11),))], stage.story
    assert stage.answers["A2"] == [Applied((("like", 11),), replayed=True)], stage.story


def test_recreated_group() -> None:
    """A group that was dismissed and made anew under the same id freezes instead of counting again."""
    stage = Stage.started()
    a = stage.operation("a", 10)
    stage.expect(Fate(arrives_after_s=3.0, replies=False))

    def recreate() -> None:
        stage.chat.dismiss(GROUP)
        stage.chat.create(GROUP)

    stage.world.at(stage.world.now + 2.5, recreate)
    stage.call("A1", a, at_s=1)
    stage.call("A2", a, at_s=15)
    stage.play()
    assert stage.likes == 10, stage.story
    [outcome] = stage.answers["A2"]
    assert isinstance(outcome, Frozen), stage.story
    assert stage.row.frozen, stage.story


def test_foreign_write_on_the_receipt() -> None:
    """Somebody else's write on the receipt key freezes the group; nothing is resent and nothing is lost."""
    stage = Stage.started()
    stage.world.at(stage.world.now + 2, lambda: stage.chat.groups[GROUP].update({"_receipt": 1}))
    stage.call("A1", stage.operation("a", 10), at_s=3)
    stage.play()
    [outcome] = stage.answers["A1"]
    assert isinstance(outcome, Frozen), stage.story
    assert len(stage.chat.landings) == 2, stage.story


def test_late_landing_is_owed_back() -> None:
    """A request that outlives its bound is named by the receipt, and the excess is taken back by the sweep."""
    stage = Stage.started()
    a = stage.operation("a", 10)
    stage.expect(NEVER, NORMAL)
    stage.call("A1", a, at_s=1, wait_s=30)
    stage.land_again(at_s=30)
    stage.sweep(at_s=40)
    stage.play()
    assert stage.answers["A1"] == [Applied((("like", 11),))], stage.story
    assert stage.likes == 11, stage.story
    assert not stage.row.debt, stage.story


def test_what_is_owed_to_a_group_that_can_be_read_stays_owed() -> None:
    """A code that says that the group is gone is not believed of a payment while its counters are there to be seen."""
    stage = Stage.started()
    stage.expect(NEVER, NORMAL, Fate(code=10010))
    stage.call("A1", stage.operation("a", 10), at_s=1, wait_s=30)
    stage.land_again(at_s=30)
    stage.sweep(at_s=40)
    stage.play()
    assert stage.likes == 11, stage.story
    assert not stage.row.debt, stage.story


def test_a_set_reads_before_it_overwrites_the_evidence() -> None:
    """Before a Set, a late landing is found and named; the Set would have hidden it."""
    stage = Stage.started()
    stage.expect(NEVER, NORMAL, NORMAL, NORMAL)
    stage.call("A1", stage.operation("a", 10), at_s=1, wait_s=30)
    stage.land_again(at_s=30)
    stage.call("S", stage.operation("s", 500, Mode.SET), at_s=40, wait_s=30)
    stage.play()
    assert stage.answers["S"] == [Applied((("like", 500),))], stage.story
    assert stage.likes == 500, stage.story
    assert not stage.row.debt, stage.story


def test_a_set_in_a_group_that_is_gone_is_refused() -> None:
    """The look that comes before a Set can never be had there, and nobody waits for it for ever."""
    stage = Stage.started()
    stage.call("A", stage.operation("a", 10), at_s=2.5)
    stage.world.at(stage.world.now + 2, lambda: stage.chat.dismiss(GROUP))
    stage.call("S", stage.operation("s", 500, Mode.SET), at_s=4, wait_s=10)
    stage.play()
    assert stage.answers["A"] == [Rejected(10010, "no such group")], stage.story
    assert stage.answers["S"] == [Rejected(10010, "no such group")], stage.story


def test_waiting_operations_go_out_together() -> None:
    """Operations that wait behind one attempt are carried by one call, each with the value after its own share."""
    stage = Stage.started()
    stage.expect(Fate(arrives_after_s=2.0), NORMAL)
    stage.call("A", stage.operation("a", 10), at_s=1)
    for number in range(3):
        stage.call(f"B{number}", stage.operation(f"b{number}", 100), at_s=1.2 + number / 10)
    stage.play()
    assert stage.likes == 311, stage.story
    assert len(stage.chat.landings) == 3, stage.story
    values = [
        outcome.counters
        for number in range(3)
        for outcome in stage.answers[f"B{number}"]
        if isinstance(outcome, Applied)
    ]
    assert sorted(values) == [(("like", 111),), (("like", 211),), (("like", 311),)], stage.story


def test_an_impatient_caller_is_owed() -> None:
    stage = Stage.started()
    stage.expect(NEVER)
    stage.call("A", stage.operation("a", 10), at_s=1, wait_s=5)
    stage.sweep(at_s=20)
    stage.play()
    assert isinstance(stage.answers["A"][0], Pending), stage.story
    assert stage.likes == 11, stage.story
