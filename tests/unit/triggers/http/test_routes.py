"""The routes: who may, what is read, how long it waits, and what is answered."""

import hashlib
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from handler.core.errors import LedgerUnavailable
from handler.core.model.operation import operation_id
from handler.core.model.outcome import Records
from handler.core.model.row import Group, Row
from handler.core.ports.counter_api import Fault, Refused
from handler.core.ports.schedules import Claim, Schedule
from handler.core.ports.system import Notice
from tests.sandbox.memory_ledger import MemoryLedger
from tests.sandbox.memory_parked import MemoryParked
from tests.unit.triggers.faulty import UNAVAILABLE, FaultyLedger
from tests.unit.triggers.stage import APP, CALLER, Stage, headers, invocation, secret


def test_a_key_belongs_to_one_caller_and_one_group(stage: Stage) -> None:
    stage.chat.groups["other"] = {}
    stage.post("k")
    assert stage.post("k", GroupId="other").body["GroupCounter"] == [{"Key": "like", "Value": 5}]


def test_an_app_that_is_refused_leaves_the_operation_owed_and_turns_new_ones_away(stage: Stage) -> None:
    stage.post("first")
    stage.chat.fates = [Refused(60020, "arrears", Fault.APP, None)] * 3
    second, third = stage.post("second"), stage.post("third")
    assert (second.status, second.body["accepted"], second.body["ErrorCode"]) == (503, True, 60020)
    assert (third.status, third.body["accepted"], third.body["ErrorCode"]) == (503, False, 60020)
    assert "retry-after" in second.headers.keys() & third.headers.keys()


def test_a_caller_that_does_not_wait_still_gets_what_is_known(stage: Stage) -> None:
    stage.post("k")
    assert stage.post("k", prefer="respond-async").headers["idempotency-replayed"] == "true"
    assert stage.post("k", prefer="respond-async", Mode="Set").status == 422


def test_a_short_invocation_is_answered_before_it_ends(stage: Stage) -> None:
    """Even where the caller would wait longer: the platform would cut the reply off."""
    stage.invocation = invocation(5000.0, 5000.0 + stage.context.instance.call_s + 0.1)
    stage.http = replace(stage.http, wait_s=60.0)
    stage.clock.moved_s = 0.2
    seen = stage.post()
    assert (seen.status, stage.chat.calls) == (202, 0)
    assert stage.clock.monotonic() < stage.invocation.deadline


def test_a_function_that_is_too_short_for_any_call_says_so(stage: Stage) -> None:
    """One settings error for its operator, instead of 202 for ever; nothing is accepted."""
    stage.invocation = invocation(5000.0, 5003.0)
    seen = stage.post()
    assert (seen.status, seen.body["type"], seen.body["accepted"]) == (503, "/problems/settings", False)
    [failure] = stage.told.failures
    assert str(failure).startswith("CHAT_TIMEOUT_S: one call needs 6.5 s in hand")
    assert stage.ask().status == 404


def test_a_function_that_is_too_short_for_any_call_still_accepts_for_others(stage: Stage) -> None:
    """A caller who does not wait needs no call now."""
    stage.invocation = invocation(5000.0, 5003.0)
    assert stage.post(prefer="respond-async").status == 202


class BrokenLedger(MemoryLedger):
    """A ledger that cannot be reached, or that has a mistake in it."""

    error: Exception = LedgerUnavailable("the ledger is away")

    def load(self, group: Group) -> Row | None:
        raise self.error

    def find(self, group: Group, ids: Sequence[str]) -> Records:
        raise self.error


def test_a_ledger_that_is_away_accepts_nothing(stage: Stage) -> None:
    stage.use_ledger(BrokenLedger(stage.clock))
    seen = stage.post()
    assert (seen.status, seen.body["accepted"], seen.headers["retry-after"]) == (503, False, "1")
    assert stage.told.failures == [BrokenLedger.error]


def test_a_mistake_in_the_program_claims_nothing_and_shows_nothing(stage: Stage) -> None:
    """It may have come after an acceptance, and its text may hold anything."""
    ledger = BrokenLedger(stage.clock)
    ledger.error = ValueError("sandbox-token")
    stage.use_ledger(ledger)
    seen = stage.post()
    assert (seen.status, seen.body["type"], seen.body["accepted"]) == (503, "/problems/outcome-unknown", True)
    assert b"sandbox-token" not in seen.response.body
    assert stage.told.failures == [ledger.error]


def test_what_became_of_operations_is_told(stage: Stage) -> None:
    stage.post("k")
    stage.post("k")
    assert stage.told.notices == [Notice.APPLIED, Notice.APPLIED, Notice.REPLAYED]


def saturate(stage: Stage) -> None:
    """Use the app's calls up, as other instances do, and let this one find out."""
    claim = Claim(
        app=APP,
        schedule=Schedule.UPDATES,
        calls=10,
        rate=195,
        ahead_max_s=1,
        longest_s=1,
        now=stage.clock.now(),
        lag_s=0,
    )
    while stage.ledger.lease(claim).wait_s is not None:
        pass
    while stage.context.instance.updates.turn(APP).is_taken:
        pass


def test_every_line_of_a_request_says_whose_operation_it_is_about(stage: Stage) -> None:
    """The key itself may be a secret of its caller's, so lines have a part of its SHA-256."""
    operation = {"group": "room", "operation": operation_id(CALLER, "order-7"), "caller": CALLER}
    digest = hashlib.sha256(b"order-7").hexdigest()[:16]
    for ask in (stage.post, stage.ask):
        stage.told.bound.clear()
        ask("order-7")
        assert stage.told.bound == operation | {"key_hash": digest}


def test_a_request_has_one_line_that_says_what_became_of_it(stage: Stage) -> None:
    """Whichever worker has settled and counted it."""
    stage.post("applied")
    stage.chat.fates = [Refused(10004, "no", Fault.OPERATION, None)]
    stage.post("refused")
    told = [notice for notice, times in zip(stage.told.notices, stage.told.times, strict=True) if not times]
    assert told == [Notice.APPLIED, Notice.REJECTED]
    assert stage.told.evidence[-1]["code"] == 10004


def test_where_the_apps_rate_is_used_up_nothing_new_is_accepted(stage: Stage) -> None:
    saturate(stage)
    seen = stage.post("new")
    assert (seen.status, seen.body["accepted"], seen.headers["retry-after"]) == (429, False, "2")
    assert stage.post("new", prefer="respond-async").status == 429


@pytest.mark.parametrize("token", [None, "unknown"])
def test_a_refused_caller_is_counted_once(stage: Stage, token: str | None) -> None:
    sent = {} if token is None else headers("k", token=token)
    assert stage.send("GET", "/v1/operations?GroupId=room&IdempotencyKey=k", sent).status == 401
    assert (stage.told.notices, stage.told.times) == ([Notice.UNAUTHORIZED], [1])


def test_what_is_turned_away_is_told_with_whose_it_is(stage: Stage) -> None:
    saturate(stage)
    stage.post("new")
    assert (stage.told.notices, stage.told.bound["caller"]) == ([Notice.TURNED_AWAY], CALLER)
    [evidence] = stage.told.evidence
    assert evidence == {"reason": "the app's calls per second are used up", "retry_after_s": 2.0}


def test_where_the_apps_rate_is_used_up_what_is_finished_is_still_told(stage: Stage) -> None:
    stage.post("old")
    saturate(stage)
    assert (stage.post("old").status, stage.post("old").headers["idempotency-replayed"]) == (200, "true")


def test_a_pending_operation_that_cannot_be_helped_says_when_to_ask_again(stage: Stage) -> None:
    stage.post("first")
    stage.chat.fates = [Refused(60020, "arrears", Fault.APP, None)] * 2
    stage.post("k")
    seen = stage.ask("k")
    assert (seen.status, seen.body["state"], seen.body["ErrorCode"]) == (200, "pending", 60020)
    assert int(seen.headers["retry-after"]) >= 1


def test_another_callers_operation_is_404(stage: Stage) -> None:
    stage.post("k")
    stage.vault.secret = secret(other="token-2")
    seen = stage.send("GET", "/v1/operations?GroupId=room&IdempotencyKey=k", headers(token="token-2"))
    assert seen.status == 404


@pytest.mark.parametrize("key", ["k", '"', '"quoted"', "a\\b", "a b".replace(" ", "%20"), "k&GroupId=other", "k+1/2?"])
def test_the_location_of_an_accepted_operation_finds_it(stage: Stage, key: str) -> None:
    stage.chat.groups["@TGS#1 &中"] = {}
    written = '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    location = stage.post(written, prefer="respond-async", GroupId="@TGS#1 &中").headers["location"]
    assert stage.send("GET", f"/v1/{location}", headers()).body["state"] == "applied"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *(("", "GroupId"), ("IdempotencyKey=k", "GroupId"), ("GroupId=&IdempotencyKey=k", "GroupId")),
        *(("GroupId=room", "IdempotencyKey"), ("GroupId=room&IdempotencyKey=", "IdempotencyKey")),
        *(("GroupId=room&IdempotencyKey=a%20b", "IdempotencyKey"), ("GroupId=a%00&IdempotencyKey=k", "GroupId")),
        (f"GroupId={'a' * 257}&IdempotencyKey=k", "GroupId"),
    ],
)
def test_a_parameter_that_is_missing_or_wrong_is_named(stage: Stage, query: str, field: str) -> None:
    assert stage.send("GET", f"/v1/operations?{query}", headers(token="unknown")).status == 401
    seen = stage.send("GET", f"/v1/operations?{query}", headers())
    assert (seen.status, seen.body["field"]) == (400, field)


class Away(MemoryParked):
    """A ledger without its notes."""

    def noted(self, app: int, name: str) -> str | None:
        raise LedgerUnavailable(f"the file of {app} with {name} is away")


def test_health_is_bad_while_the_ledger_is_away(stage: Stage) -> None:
    stage.use_parked(Away())
    seen = stage.send("GET", "/v1/health")
    assert (seen.status, "file" in str(seen.body)) == (503, False)


def test_good_health_is_told_from_memory_for_five_seconds(stage: Stage) -> None:
    """Anyone may ask, so that a look for each would cost."""
    looks: list[str] = []

    class Counted(MemoryParked):
        def noted(self, app: int, name: str) -> str | None:
            looks.append(name)
            return super().noted(app, name)

    stage.use_parked(Counted())
    for passed_s in (0.0, 4.9, 0.2):
        stage.clock.sleep(passed_s)
        assert stage.send("GET", "/v1/health").status == 200
    assert len(looks) == 2


def test_good_health_is_forgotten_once_a_request_could_not_use_the_ledger(stage: Stage) -> None:
    assert stage.send("GET", "/v1/health").status == 200
    ledger = FaultyLedger(stage)
    ledger.away["room"] = UNAVAILABLE
    stage.use_ledger(ledger)
    stage.use_parked(Away())
    assert [stage.send("GET", "/v1/health").status, stage.post("k").status] == [200, 503]
    assert stage.send("GET", "/v1/health").status == 503
