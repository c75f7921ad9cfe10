"""What an operator asks first: what is wrong, since when, and what to do next."""

from handler.core.operator.dead_letters import ENDING_S
from handler.core.ports.ledger import Parked
from handler.version import VERSION
from tests.unit.triggers.operator.operators import attention, tell
from tests.unit.triggers.stage import APP, NEVER_ARRIVED, Stage, invocation


def test_where_all_is_well_status_says_so(stage: Stage) -> None:
    assert tell(stage, "status") == {
        "task": "status",
        "version": VERSION,
        "paused": None,
        "generation": 1,
        "unfinished": 0,
        "frozen": 0,
        "parked": 0,
        "parked_expiring": 0,
        "oldest_unfinished_s": 0.0,
        "callers_without_rights": ["mobile-backend"],
        "parked_by_source": {},
        "ledger_expires": True,
        "expiring": [],
        "attention": [],
        "after": None,
    }


def test_a_frozen_group_shows_since_when_and_what_to_do(frozen: Stage) -> None:
    frozen.kept.park(APP, Parked("r", "a-queue", "why", 1.0, "{}"))
    frozen.clock.sleep(12_000)
    told = tell(frozen, "status")
    [group] = attention(told)
    assert (told["frozen"], told["unfinished"], told["parked"]) == (1, 0, 1)
    assert (group["GroupId"], group["state"], group["age"], group["queued"]) == ("room", "frozen", "3 h 20 min", 1)
    assert str(group["since"]).startswith("2026-11-22T00:00:0")
    assert str(group["reason"]).startswith("the receipt shows ")
    assert "`make inspect GROUP=room`" in str(group["next"])
    assert "`make release GROUP=room`" in str(group["next"])


def test_parked_records_are_counted_by_source_and_those_that_end_within_a_week_are_named(stage: Stage) -> None:
    """One that an earlier version parked has no end."""
    queue, week = "arn:aws:sqs:eu-west-1:123456789012:counters", stage.clock.now() + ENDING_S
    for name, source, expires_at in (("a", queue, week), ("b", queue, week + 1), ("c", "a topic", 0.0)):
        stage.kept.park(APP, Parked(name, source, "why", 1.0, "{}", expires_at))
    told = tell(stage, "status")
    assert (told["parked"], told["parked_by_source"], told["parked_expiring"]) == (3, {"sqs": 2, "other": 1}, 1)
    assert told["expiring"] == [{"id": "a", "source": queue, "expires_at": "2026-11-29T00:00:00Z"}]
    kept = tell(stage, "parked", action="list")["records"]
    assert isinstance(kept, list)
    assert [record["expires_at"] for record in kept] == ["2026-11-29T00:00:00Z", "2026-11-29T00:00:01Z", None]


def test_an_unfinished_group_shows_its_last_error(stage: Stage) -> None:
    stage.chat.fates = [NEVER_ARRIVED] * 50
    stage.post("second")
    stage.clock.sleep(60)
    now = stage.clock.monotonic()
    stage.invocation = invocation(now, now + 29)
    stage.post("second")
    told = tell(stage, "status")
    [group] = attention(told)
    assert (told["unfinished"], group["state"]) == (1, "waiting")
    assert str(group["last_error"]).startswith("a call did not land at 2026-11-22T00:01:")
    assert group["next"] == "if its last error comes again, mend what it names: the next sweep goes on with it"
    assert float(str(told["oldest_unfinished_s"])) >= 60


def test_pages_go_on_where_the_last_one_ended(stage: Stage) -> None:
    stage.chat.fates = [NEVER_ARRIVED] * 500
    for number in range(5):
        stage.chat.groups[f"room {number}"] = {}
        stage.post(f"k{number}", prefer="respond-async", GroupId=f"room {number}")
        stage.clock.sleep(1)
    met, after = list[object](), None
    for _ in range(3):
        told = tell(stage, "status", limit=2, **({"after": after} if after else {}))
        met += [group["GroupId"] for group in attention(told)]
        after = told["after"]
    assert (met, after) == ([f"room {number}" for number in range(5)], None)
    stage.clock.sleep(600)
    assert attention(tell(stage, "status"))[0]["next"] == "find out what holds it up with `make inspect GROUP='room 0'`"
