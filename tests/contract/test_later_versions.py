"""Two versions side by side: what a later one has stored is refused and kept as it is, and other groups go on (R17)."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import msgspec
import pytest
from msgspec.structs import replace

from handler.core.errors import AnswerLost, LaterVersion, NotAccepted
from handler.core.model import codec, outcome
from handler.core.model.row import Group, Row
from handler.core.ports.system import Clock
from handler.triggers.event_kind import Event
from tests.contract.samples import GROUP, RECEIPT_KEY, attempt, entry, idle_row, record, settlement, there
from tests.contract.stores import GivenClock, OpenLedger, Store
from tests.contract.test_ledger_formats import written
from tests.unit.triggers.operator.operators import attention, tell
from tests.unit.triggers.stage import APP, Stage

OTHER = Group(GROUP.app, "another group")
OWING = replace(idle_row(), queue=(entry("a"),), keys=(("like", 5),))
BARE = '{"format":2,"version":1,"generation":1,"receipt_key":"_receipt","base":1000'
CALL = '"attempt":{"id":"open","weight":600000,"mode":"Increase","time":1,"life":6'
KNOWN_FORMAT = {
    "a field of the row": BARE + ',"later":1}',
    "a field of the attempt": f'{BARE},{CALL},"later":1}}}}',
    "a field of an operation": BARE + ',"entries":[["a","v1:a","Set",[],1.0,{"later":1}]],"queue":[0]}',
    "a value of an operation": BARE + ',"entries":[["a","v1:a","Set",[],1.0,{},1,"later"]],"queue":[0]}',
}


class LaterRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record as a version knows it that has not heard of `later`."""

    fingerprint: str
    at: float
    window: float
    applied: object = None


@contextmanager
def later_version(store: Store, clock: Clock) -> Iterator[OpenLedger]:
    """Another instance on the same store, of a version with a format that this one does not know."""
    with pytest.MonkeyPatch.context() as patch, closing(store.open(clock)) as ledger:
        patch.setattr(codec, "ROW_FORMAT", 99)
        yield ledger


@pytest.mark.parametrize("row", [OWING, idle_row()], ids=["owing", "idle"])
def test_a_row_of_a_later_format_is_refused_and_kept(
    store: Store, ledger: OpenLedger, clock: GivenClock, row: Row
) -> None:
    """Nothing is read into it, and none of the steps of this version changes it."""
    with later_version(store, clock) as later:
        assert later.swap(GROUP, row, {})
    call = attempt(entry("b"))
    steps: tuple[Callable[[], object], ...] = (
        lambda: ledger.begin(GROUP, call, RECEIPT_KEY, 1),
        lambda: ledger.append(GROUP, [entry("b")], 36_000),
        lambda: ledger.settle(GROUP, settlement(call)),
    )
    for step in steps:
        with suppress(LaterVersion):
            assert not step()
    with pytest.raises(LaterVersion, match="format 99"):
        ledger.load(GROUP)
    assert ledger.rows(GROUP.app, [GROUP.id]) == {}
    with later_version(store, clock) as later:
        assert later.load(GROUP) == row


@pytest.mark.parametrize("what", KNOWN_FORMAT)
def test_a_row_with_something_unknown_is_refused(ledger: OpenLedger, what: str) -> None:
    """A store that changes it piece by piece may have appended to it, which it says, and has taken nothing away."""
    written(ledger, OWING, KNOWN_FORMAT[what])
    with pytest.raises(LaterVersion, match=r"later|length"):
        ledger.load(GROUP)
    with pytest.raises((LaterVersion, AnswerLost)):
        ledger.append(GROUP, [entry("b")], 36_000)
    assert ledger.rows(GROUP.app, [GROUP.id]) == {}


def test_an_operation_that_a_later_version_has_answered_is_not_accepted_again(
    ledger: OpenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ledger.swap(GROUP, idle_row(), {"a": record("a")})
    monkeypatch.setattr(outcome, "_Stored", LaterRecord)
    with pytest.raises(LaterVersion, match="later"):
        ledger.find(GROUP, ["a"])
    with suppress(LaterVersion, AnswerLost):
        assert ledger.begin(GROUP, attempt(entry("a")), RECEIPT_KEY, 1) is None
        ledger.append(GROUP, [entry("a")], 36_000)
    assert ledger.load(GROUP) == idle_row()


def test_a_row_of_a_later_version_stands_in_no_other_groups_way(
    store: Store, ledger: OpenLedger, clock: GivenClock
) -> None:
    with later_version(store, clock) as later:
        assert later.swap(GROUP, OWING, {})
    assert ledger.swap(OTHER, OWING, {})
    assert ledger.unfinished(GROUP.app, 10) == [GROUP.id, OTHER.id]
    [first, *_] = ledger.groups_with_key(GROUP.app, "like", 9, 10)
    assert OTHER.id in {first, *ledger.groups_with_key(GROUP.app, "like", 9, 10, after=first)}
    row = there(ledger.load(OTHER))
    assert ledger.swap(OTHER, row.changed(queue=()), {})


@pytest.fixture
def stage(store: Store) -> Iterator[Stage]:
    """The function on a ledger in which a later version has written the row of `room`."""
    made = Stage()
    made.chat.groups["other"] = {}
    with closing(store.open(made.clock)) as ledger:
        made.use_ledger(ledger)
        with later_version(store, made.clock) as later:
            assert later.swap(Group(APP, "room"), OWING, {})
        yield made
        with later_version(store, made.clock) as later:
            assert later.load(Group(APP, "room")) == OWING


def test_a_caller_is_refused_for_certain_and_another_group_is_served(stage: Stage) -> None:
    """With the time of a deployment to wait, so that it does not call each second."""
    for seen in (stage.post(), stage.post(prefer="respond-async"), stage.ask()):
        assert (seen.status, seen.body["type"], seen.body["accepted"]) == (503, "/problems/not-accepted", False)
        assert (seen.headers["retry-after"], "a later version" in str(seen.body["detail"])) == ("30", True)
    assert stage.post(GroupId="other").status == 200


def test_a_sweep_leaves_it_and_finishes_the_others(stage: Stage) -> None:
    assert stage.post(GroupId="other", prefer="respond-async").status == 202
    sweep: Event = {"Type": "Timer", "TriggerName": "s", "Time": "2026-11-22T00:00:00Z", "Message": {"task": "sweep"}}
    assert stage.tick(sweep) == {"task": "sweep", "groups": 2, "left": 1}
    assert (stage.chat.groups["other"]["like"], stage.told.failures) == (5, [])


@pytest.mark.parametrize("task", ["inspect", "pause", "resume"])
def test_an_operator_learns_that_the_later_version_is_missing(stage: Stage, task: str) -> None:
    fields = {"reason": "why"} if task == "pause" else {}
    with pytest.raises(NotAccepted, match="format 99 cannot be read by this version"):
        tell(stage, task, GroupId="room", **fields)
    [group] = attention(tell(stage, "status"))
    assert (group["GroupId"], group["next"]) == ("room", "deploy the later version again")
