"""`GET /v1/operations` and `GET /v1/health`."""

from __future__ import annotations

import pytest

from handler.core.errors import LedgerUnavailable
from handler.core.ports.counter_api import Fault, Refused
from tests.sandbox.memory_parked import MemoryParked
from tests.unit.triggers.stage import Stage, headers, secret


def test_a_pending_operation_is_helped_on_by_asking(stage: Stage) -> None:
    stage.post("k", prefer="respond-async")
    assert stage.ask("k").body["state"] == "applied"


def test_a_pending_operation_that_cannot_be_helped_says_when_to_ask_again(stage: Stage) -> None:
    stage.post("first")
    stage.chat.fates = [Refused(60020, "arrears", Fault.APP, None)] * 2
    stage.post("k")
    seen = stage.ask("k")
    assert (seen.status, seen.body["state"], seen.body["ErrorCode"]) == (200, "pending", 60020)
    assert int(seen.headers["retry-after"]) >= 1


@pytest.mark.parametrize(("key", "group"), [("other", "room"), ("k", "other")])
def test_what_is_not_known_is_404(stage: Stage, key: str, group: str) -> None:
    stage.post("k")
    seen = stage.ask(key, group)
    assert (seen.status, seen.body["type"]) == (404, "/problems/no-such-operation")


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


def test_health_is_bad_while_the_ledger_is_away(stage: Stage) -> None:
    class Away(MemoryParked):
        def noted(self, app: int, name: str) -> str | None:
            raise LedgerUnavailable(f"the file of {app} with {name} is away")

    stage.use_parked(Away())
    seen = stage.send("GET", "/v1/health")
    assert (seen.status, "file" in str(seen.body)) == (503, False)
