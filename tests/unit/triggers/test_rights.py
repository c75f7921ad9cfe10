"""What the secret allows holds however an operation comes: each caller, each kind of event, each right.

A refused operation costs the ledger nothing and is not lost: a source has it back, or it is parked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import pytest
from msgspec.structs import replace

from handler.core.ports.ledger import Parked
from handler.core.ports.system import Notice
from handler.triggers.event_kind import Event
from handler.triggers.http.auth import Platform
from handler.triggers.http.webhook_signature import Signature
from handler.vault.secret import parse
from tests.sandbox.dialects import event_of
from tests.sandbox.memory_ledger import MemoryLedger
from tests.sandbox.responses import response_of
from tests.unit.triggers.http.signing import KEY, signed_headers, whsec
from tests.unit.triggers.operator.operators import tell
from tests.unit.triggers.sources.source_events import (
    ARN,
    STREAM,
    TOPIC,
    batch_of,
    eventbridge,
    kinesis,
    notification,
    records,
    text,
)
from tests.unit.triggers.stage import APP, CALLER, UPDATE, Seen, Stage, body, headers

TOKEN: Final = whsec(KEY)
PAST, FUTURE = "2026-11-21T23:59:59Z", "2027-01-01T00:00:00Z"

Json = dict[str, object]
Come = Callable[[Stage], bool]


class CountingLedger(MemoryLedger):
    """Counts what it is asked for."""

    asked = 0

    def __getattribute__(self, name: str) -> object:
        found = object.__getattribute__(self, name)
        if callable(found) and not name.startswith("_"):
            self.asked += 1
        return found


def know(stage: Stage, *callers: Json, sources: Json | None = None) -> None:
    """Put a secret into the vault."""
    document = {"sdkappid": APP, "identifier": "administrator", "key": "k", "callers": callers}
    stage.vault.secret = stage.vault.fresh = parse(json.dumps({**document, "sources": sources or {}}))


def caller(name: str = CALLER, **rights: object) -> Json:
    return {"name": name, "token": TOKEN, **rights}


def answered(stage: Stage, seen: Seen) -> bool:
    """Whether a request was applied; else its refusal is one of the contract, and has cost the ledger nothing."""
    assert seen.status in {200, 401, 403}
    if seen.status != 200:
        kind = {401: "unauthorized", 403: "not-permitted"}[seen.status]
        assert (seen.body["type"], seen.body["accepted"]) == (f"/problems/{kind}", False)
    if isinstance(stage.ledger, CountingLedger):
        assert bool(stage.ledger.asked) == (seen.status == 200)
    return stage.like() == 5


def by_token(stage: Stage) -> bool:
    return answered(stage, stage.send("POST", UPDATE, headers("k", token=TOKEN), body()))


def by_signature(stage: Stage) -> bool:
    stage.http = replace(stage.http, authenticator=Signature(stage.callers, stage.clock))
    return answered(stage, stage.send("POST", UPDATE, signed_headers("k", body()), body()))


def by_platform(stage: Stage, name: str = CALLER) -> bool:
    stage.http = replace(stage.http, authenticator=Platform(stage.callers))
    event = event_of("http-v2", "POST", UPDATE, headers("k").items(), body())
    context = {**dict(event["requestContext"]), "authorizer": {"jwt": {"claims": {"sub": name}}}}  # type: ignore[call-overload]
    return answered(stage, Seen(response_of("http-v2", stage.answer({**event, "requestContext": context}))))


def by_record(stage: Stage, source: str = "aws:sqs", content: str | None = None, **named: str) -> bool:
    """What is not executed is not lost: SQS has it back, and what others deliver is parked."""
    content = content or text(5, **named)
    reply = stage.batch(eventbridge(json.loads(content)) if source == "bus" else batch_of(source, [content]))
    kept = len(stage.kept.page(APP, 10)) + len(reply.get("batchItemFailures") or ())  # type: ignore[arg-type]
    assert kept == (stage.like() is None)
    return stage.like() == 5


def by_replay(stage: Stage) -> bool:
    """An operator sends a parked record again: the producer's rights bound it still."""
    stage.kept.park(APP, Parked("r", ARN, "why", 1.0, text(5, Caller=CALLER)))
    told = tell(stage, "parked", action="replay", all=True)
    assert (told["replayed"], told["refused"], len(stage.kept.page(APP, 10))) in {(1, 0, 0), (0, 1, 1)}
    return stage.like() == 5


def by_schedule(stage: Stage) -> bool:
    operation = {"GroupIds": ["room"], "GroupCounter": [{"Key": "like", "Value": 5}], "Mode": "Increase"}
    tick: Event = {"Type": "Timer", "TriggerName": "t", "Time": "2026-11-22T00:00:00Z"}
    stage.tick({**tick, "Message": {"operations": [operation]}})
    return stage.like() == 5


def named_by(source: str) -> Come:
    return partial(by_record, source=source, Caller=CALLER)


WAYS: Final[Mapping[str, Come]] = {
    "token": by_token,
    "signature": by_signature,
    "platform": by_platform,
    "SQS": named_by("aws:sqs"),
    "Kinesis": named_by("aws:kinesis"),
    "streams": named_by("aws:dynamodb"),
    "SNS": named_by("aws:sns"),
    "MSK": named_by("aws:kafka"),
    "CKafka": named_by("Ckafka"),
    "bus": named_by("bus"),
    "replay": by_replay,
    "another": partial(by_platform, name="another"),
    "own": by_record,
    "schedule": by_schedule,
}
"""How like + 5 in `room` comes: for `mobile-backend`, or in the last three for no caller that the secret lists."""

# What covers that operation, and nothing more.
LIKES: Final = {"modes": ["Increase"], "groups": ["ro*"], "keys": ["like"], "at_most": 5}

FREE: Final = caller()
NO_GRANT: Final = caller(may=[])
RIGHTS: Final[Mapping[str, tuple[Json, ...]]] = {
    "no rights are written": (FREE,),
    "one grant covers it": (caller(may=[{"groups": ["x"]}, LIKES]),),
    "an empty grant covers all": (caller(may=[{}]),),
    "another mode": (caller(may=[{**LIKES, "modes": ["Set", "Decrease"]}]),),
    "another group": (caller(may=[{**LIKES, "groups": ["Room", "roo"]}]),),
    "another key": (caller(may=[{**LIKES, "keys": ["lik", "Like", "?ike"]}]),),
    "a smaller amount": (caller(may=[{**LIKES, "at_most": 4}]),),
    "each a part": (caller(may=[{**LIKES, "modes": ["Set"]}, {**LIKES, "keys": ["view"]}]),),
    "no grant": (NO_GRANT,),
    "not over yet": (caller(not_after=FUTURE),),
    "over": (caller(not_after=PAST),),
    "a new token has more": (NO_GRANT, {**FREE, "token": "b" * 30}),
    "a new token has less": (FREE, {**NO_GRANT, "token": "b" * 30}),
    "the old token is over": (caller(not_after=PAST), {**FREE, "token": "b" * 30}),
    "the new token is over": (NO_GRANT, {**FREE, "token": "b" * 30, "not_after": PAST}),
    "another caller's": (caller(), {"name": "shop", "may": []}),
}

GRID: Final = """
                          token signature platform SQS Kinesis streams SNS MSK CKafka bus replay another own schedule
no rights are written     yes   yes       yes      yes yes     yes     yes yes yes    yes yes    yes     yes yes
one grant covers it       yes   yes       yes      yes yes     yes     yes yes yes    yes yes    yes     yes yes
an empty grant covers all yes   yes       yes      yes yes     yes     yes yes yes    yes yes    yes     yes yes
another mode              no    no        no       no  no      no      no  no  no     no  no     yes     yes yes
another group             no    no        no       no  no      no      no  no  no     no  no     yes     yes yes
another key               no    no        no       no  no      no      no  no  no     no  no     yes     yes yes
a smaller amount          no    no        no       no  no      no      no  no  no     no  no     yes     yes yes
each a part               no    no        no       no  no      no      no  no  no     no  no     yes     yes yes
no grant                  no    no        no       no  no      no      no  no  no     no  no     yes     yes yes
not over yet              yes   yes       yes      yes yes     yes     yes yes yes    yes yes    yes     yes yes
over                      no    no        no       no  no      no      no  no  no     no  no     yes     yes yes
a new token has more      no    no        yes      yes yes     yes     yes yes yes    yes yes    yes     yes yes
a new token has less      yes   yes       yes      yes yes     yes     yes yes yes    yes yes    yes     yes yes
the old token is over     no    no        yes      yes yes     yes     yes yes yes    yes yes    yes     yes yes
the new token is over     no    no        no       no  no      no      no  no  no     no  no     yes     yes yes
another caller's          yes   yes       yes      yes yes     yes     yes yes yes    yes yes    yes     yes yes
"""


def cells() -> list[tuple[str, str, bool]]:
    """Each cell of the grid: rights, way, and whether the operation is applied."""
    heading, *rows = GRID.strip("\n").splitlines()
    width = heading.index("token")
    return [
        (row[:width].strip(), way, cell == "yes")
        for row in rows
        for way, cell in zip(heading.split(), row[width:].split(), strict=True)
    ]


@pytest.mark.parametrize(("rights", "way", "applied"), cells())
def test_rights_hold_for_every_caller_and_every_kind_of_event(
    stage: Stage, rights: str, way: str, *, applied: bool
) -> None:
    know(stage, *RIGHTS[rights])
    stage.use_ledger(CountingLedger(stage.clock))
    assert WAYS[way](stage) == applied


def test_the_grid_has_every_right_and_every_way() -> None:
    assert {(rights, way) for rights, way, _ in cells()} == {(rights, way) for rights in RIGHTS for way in WAYS}


@pytest.mark.parametrize(
    ("source", "named", "applied"),
    [
        ({}, {}, True),
        ({}, {"Caller": CALLER}, True),
        ({"callers": []}, {}, True),
        ({"callers": []}, {"Caller": ARN}, True),
        ({"callers": []}, {"Caller": CALLER}, False),
        ({"callers": ["shop"]}, {"Caller": "Shop"}, False),
        ({"callers": [CALLER]}, {"Caller": CALLER}, True),
        ({"may": [LIKES]}, {}, True),
        ({"may": [LIKES]}, {"Caller": CALLER}, True),
        ({"may": []}, {}, False),
        ({"may": []}, {"Caller": CALLER}, False),
        ({"callers": [CALLER], "may": [{"keys": ["view"]}]}, {"Caller": CALLER}, False),
        ({"may": [LIKES]}, {"Caller": "narrow"}, False),
    ],
)
def test_a_source_bounds_what_its_producers_ask_for_and_whom_they_name(
    stage: Stage, source: Json, named: dict[str, str], *, applied: bool
) -> None:
    """Both its own rights and those of the caller that is named have to cover a record."""
    know(stage, caller(), {"name": "narrow", "may": [{"keys": ["view"]}]}, sources={ARN: source})
    assert by_record(stage, **named) == applied


@pytest.mark.parametrize(("source", "applied"), [({}, True), ({"may": [LIKES]}, True), ({"may": []}, False)])
def test_a_source_bounds_records_that_are_known_by_their_place(stage: Stage, source: Json, *, applied: bool) -> None:
    """They are added up before they are accepted, and asked about before they are added up."""
    know(stage, caller(), sources={STREAM: source})
    stage.batch(records(*(kinesis(text(5), number, partitionKey="room") for number in range(2))))
    assert (stage.like(), len(stage.kept.page(APP, 10))) == ((10, 0) if applied else (None, 2))


@pytest.mark.parametrize(
    ("sources", "applied"),
    [
        ({}, True),
        ({ARN: {"callers": [TOPIC]}}, True),
        ({ARN: {"callers": []}}, False),
        ({ARN: {"may": []}}, False),
        ({TOPIC: {"may": []}}, False),
        ({"arn:another": {"may": [], "callers": []}}, True),
    ],
)
def test_an_envelope_names_a_caller_as_a_payload_does(stage: Stage, sources: Json, *, applied: bool) -> None:
    """A producer of the queue could have written it, so it frees from no bounds of the queue, nor of its topic."""
    know(stage, caller(), sources=sources)
    assert by_record(stage, content=notification(text(5))) == applied


@pytest.mark.parametrize(
    ("read", "statuses"),
    [(None, [200, 404]), (["*"], [200, 404]), (["ro*m"], [200, 403]), (["other"], [403, 404]), ([], [403, 403])],
)
def test_a_caller_asks_after_operations_of_the_groups_it_may_read(
    stage: Stage, read: list[str] | None, statuses: list[int]
) -> None:
    """Its own operations only, with any right; a refusal tells nothing of what the ledger knows."""
    know(stage, caller())
    assert by_token(stage)
    know(stage, caller() if read is None else caller(read=read))
    ledger = CountingLedger(stage.clock)
    stage.use_ledger(ledger if statuses[0] == 403 else stage.ledger)
    target = "/v1/operations?IdempotencyKey=k&GroupId="
    asked = [stage.send("GET", target + group, headers(token=TOKEN)) for group in ("room", "other")]
    assert [seen.status for seen in asked] == statuses
    assert [seen.body["field"] for seen in asked if seen.status == 403] == ["GroupId"] * statuses.count(403)
    assert ledger.asked == 0 or 404 in statuses


def test_a_refusal_says_what_is_not_covered_and_nothing_of_what_is(stage: Stage) -> None:
    know(stage, caller(may=[{**LIKES, "at_most": 4}, {"groups": ["vip-*"]}]), {"name": "shop", "may": [LIKES]})
    refused = stage.send("POST", UPDATE, headers("k", token=TOKEN), body())
    assert refused.body["detail"] == "GroupCounter[0].Value: is outside of what the caller may do"
    assert refused.body["field"] == "GroupCounter[0].Value"
    assert not [word for word in ("ro*", "vip", "shop", "4") if word in str(refused.body).replace("403", "")]
    assert (stage.told.notices[-1], stage.told.reasons[-1]) == (Notice.NOT_PERMITTED, refused.body["detail"])
    assert (stage.told.bound["caller"], stage.told.bound["group"]) == (CALLER, "room")


def test_an_entry_that_is_over_is_unknown_and_one_line_says_so(stage: Stage) -> None:
    """The caller hears what any unknown one hears; a later `not_after` may be in the fresh secret."""
    know(stage, caller(not_after=PAST))
    late, unknown = (stage.send("POST", UPDATE, headers("k", token=token), body()) for token in (TOKEN, "x" * 30))
    assert (late.status, late.body) == (unknown.status, unknown.body)
    assert stage.told.notices.count(Notice.CALLER_EXPIRED) == 1
    over = stage.vault.secret
    know(stage, caller(not_after=FUTURE))
    stage.vault.secret = over
    assert by_token(stage)
    stage.vault.secret = over
    assert by_platform(stage)


def test_what_was_accepted_with_other_rights_stays_owed(stage: Stage) -> None:
    """A refusal speaks of its request alone: the caller may still ask after the operation."""
    know(stage, caller())
    assert by_token(stage)
    know(stage, caller(may=[]))
    assert stage.send("POST", UPDATE, headers("k", token=TOKEN), body()).status == 403
    asked = stage.send("GET", "/v1/operations?IdempotencyKey=k&GroupId=room", headers(token=TOKEN))
    assert (asked.status, asked.body["state"]) == (200, "applied")


def test_a_caller_over_its_own_rate_is_turned_away_and_others_are_not(stage: Stage) -> None:
    """What it did not get it may repeat, over HTTP only: records wait for the app's turns, and are never shed."""
    know(stage, caller(calls_per_second=1), {"name": "shop", "token": "b" * 30})
    seen = [stage.send("POST", UPDATE, headers(f"k{number}", token=TOKEN), body()) for number in range(5)]
    assert [each.status for each in seen][-2:] == [429, 429]
    refused = seen[-1]
    assert (refused.body["type"], refused.body["accepted"]) == ("/problems/caller-rate-exceeded", False)
    assert refused.headers["retry-after"] == "1"
    assert stage.told.reasons[-1] == "the caller's own calls per second are used up"
    asked = stage.send("GET", "/v1/operations?IdempotencyKey=k0&GroupId=room", headers(token=TOKEN))
    assert asked.status == 429
    assert stage.send("POST", UPDATE, headers("k", token="b" * 30), body()).status == 200
    before = stage.like()
    stage.batch(batch_of("aws:sqs", [text(5, Caller=CALLER)] * 5))
    assert stage.like() == (before or 0) + 25


def test_a_request_that_is_not_permitted_takes_nothing_of_the_quota(stage: Stage) -> None:
    know(stage, caller(calls_per_second=1, may=[LIKES]))
    for number in range(50):
        refused = stage.send("POST", UPDATE, headers(f"k{number}", token=TOKEN), body(Mode="Set"))
        assert refused.status == 403
    assert by_token(stage)
