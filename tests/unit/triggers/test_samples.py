"""The sample events are of every kind; each good one is done, each bad one is refused for the reason in its name."""

import json
from pathlib import Path

import pytest

from handler.core.errors import BadInput, UnknownEvent
from handler.core.ports.ledger import Parked
from handler.core.ports.system import Notice
from handler.triggers.event_kind import Event, Kind, detect
from handler.triggers.operator import handler as operator
from handler.vault.secret import parse
from tests.sandbox.environment import made_up_secret
from tests.unit.triggers.sources.source_events import text
from tests.unit.triggers.stage import APP, Stage

EVENTS = {path.stem: path for path in sorted((Path(__file__).parents[3] / "events").glob("*.json"))}
HTTP = [
    name
    for name in EVENTS
    if name.removeprefix("bad.").startswith(("alb", "function-url", "http-", "scf-function-url"))
]
GOOD = [name for name in HTTP if not name.startswith("bad.")]
STATUSES = {"http-v2.key-reused": 422, "http-v2.respond-async": 202}

BAD_INPUT = {
    "bad.http-v1.no-path": "path",
    "bad.http-v2.body-not-base64": "body",
    "bad.http-v2.body-not-json": "body",
    "bad.http-v2.headers-not-strings": "headers",
    "bad.http-v2.key-twice": "GroupCounter[1].Key",
    "bad.http-v2.key-with-a-space": "Idempotency-Key",
    "bad.http-v2.key-with-one-quote": "Idempotency-Key",
    "bad.http-v2.missing-key": "Idempotency-Key",
    "bad.http-v2.missing-mode": "Mode",
    "bad.http-v2.no-body": "body",
    "bad.http-v2.not-permitted": "GroupCounter[1].Key",
    "bad.http-v2.operator": "GroupCounter",
    "bad.http-v2.receipt-key": "GroupCounter[0].Key",
    "bad.http-v2.same-name-twice": "body",
    "bad.http-v2.too-many-keys": "GroupCounter",
    "bad.http-v2.unknown-field": "Operator",
    "bad.http-v2.value-not-whole": "GroupCounter[0].Value",
    "bad.http-v2.value-out-of-range": "GroupCounter[0].Value",
    "bad.scf-function-url.body-not-json": "body",
}
OTHER_PROBLEMS = {
    "bad.alb.no-token": 401,
    "bad.http-v2.no-such-group": 404,
    "bad.http-v2.no-such-route": 404,
    "bad.http-v2.no-token": 401,
    "bad.http-v2.not-permitted": 403,
    "bad.http-v2.unknown-token": 401,
    "bad.http-v2.wrong-method": 405,
}
BAD_TASKS = {
    "bad.timer.group-id-not-text": "Message.operations[0].GroupIds[2]",
    "bad.timer.message-not-json": "Message",
    "bad.timer.no-message": "Message",
    "bad.timer.time-without-offset": "Time",
    "bad.timer.too-long-ago": "Time",
    "bad.timer.two-sources": "Message.operations[1].GroupIds",
    "bad.timer.unknown-field": "Message.operations[0].GroupId",
    "bad.timer.unknown-task": "Message.task",
    "bad.operator.no-group": "GroupId",
    "bad.operator.no-reason": "reason",
    "bad.operator.no-such-operation": "IdempotencyKey",
    "bad.operator.no-such-record": "id",
    "bad.operator.not-a-cursor": "after",
    "bad.operator.not-a-verdict": "verdicts.G9iUfbxZAT_FwflfJMl6hA",
    "bad.operator.not-frozen": "GroupId",
    "bad.operator.unknown-task": "task",
}
TASKS = {
    "operator.status": {"paused": None, "frozen": 0, "unfinished": 0, "attention": [], "after": None},
    "operator.about": {"ledger": "memory"},
    "operator.operation": {"state": "applied", "attempt": None},
    "operator.pause": {"changed": True},
    "operator.resume": {"paused": None, "changed": False},
    "operator.parked-replay-all": {"replayed": 0, "refused": 0, "left": 0},
    "timer.check": {"attention": 0},
    "operator.inspect": {"to_be_judged": []},
    "scf-operator.inspect": {"to_be_judged": []},
    "operator.adopt": {"done": True, "changed": False},
    "operator.forget": {"done": False, "dry_run": True, "row": True, "complete": True},
    "operator.parked-list": {"next": None},
    "operator.parked-replay": {"outcome": "applied", "dropped": True},
    "operator.parked-drop": {"dropped": True},
    **{key: {"pending": 0} for key in ("timer.set", "scf-timer.set")},
    **{key: {"left": 0} for key in ("timer.sweep", "scf-timer.sweep")},
}
BATCHES = [
    *("sqs.increase", "sqs.redelivered-half", "sqs.page", "kinesis.increase", "dynamodb.insert", "sns.increase"),
    *("eventbridge.increase", "eventbridge-scheduler.increase", "msk.increase", "scf-ckafka.increase", "records.empty"),
    *("sqs.sns-notification", "sqs.eventbridge-event", "kinesis.envelopes", "kinesis.aggregate", "pipes.sqs"),
    *("pipes.kinesis", "kafka-self-managed.increase", "scf-cmq.increase", "scf-ckafka.numbers-as-text"),
]
REASONS = {
    "bad.dynamodb.keys-only": "dynamodb.NewImage: is missing: the stream's view type must include new images",
    "bad.dynamodb.value-not-whole": "dynamodb.NewImage.GroupCounter[0].Value: is not a whole number",
    "bad.eventbridge.no-payload": "GroupId: Field required",
    "bad.eventbridge.too-long-ago": "is older than DEDUPE_WINDOW_S",
    "bad.kinesis.broken-aggregate": "body: begins like an aggregate of the Kinesis producer library and is no whole "
    "one: its checksum is wrong",
    "bad.kinesis.data-not-base64": "body: is not base64 of text in UTF-8",
    "bad.msk.no-value": "body: is missing",
    "bad.msk.value-not-base64": "body: is not base64 of text in UTF-8",
    "bad.scf-ckafka.body-not-json": "body: is not JSON at line 1, column 1: Expecting value",
    "bad.scf-cmq.body-not-json": "body: is not JSON at line 1, column 1: Expecting value",
    "bad.sns.message-not-json": "body: is not JSON at line 1, column 1: Expecting value",
    "bad.sqs.body-not-an-object": "body: is not an object",
    "bad.sqs.body-not-json": "body: is not JSON at line 1, column 1: Expecting value",
    "bad.sqs.caller-not-permitted": "GroupCounter[0].Value: is outside of what the caller may do",
    "bad.sqs.caller-not-text": "Caller: is not a string",
    "bad.sqs.foreign-records": "record: is not an object",
    "bad.sqs.key-reused": "its key was used before with other content",
    "bad.sqs.key-with-a-space": "IdempotencyKey: must be 1 to 255 visible ASCII characters",
    "bad.sqs.no-such-group": None,
    "bad.sqs.page-by-hand": "Hmac: is missing or was not made with the app's current key; after a rotation, send the "
    "timer event again",
    "bad.sqs.s3-notification": "body: is an S3 notification, which tells of a file: send the payload itself to a "
    "queue, a topic or a stream",
    "bad.sqs.sns-without-payload": "body: is not JSON at line 1, column 1: Expecting value",
    "bad.sqs.too-long-ago": "is older than DEDUPE_WINDOW_S",
}
"""What is told of each; nothing but the vendor's refusal of one."""

UNKNOWN = ["bad.unknown-kind", "bad.records.unknown-source", "bad.pipes.transformed", "bad.firehose.transformation"]


def event(name: str) -> Event:
    read: Event = json.loads(EVENTS[name].read_text("utf-8"))
    return read


@pytest.fixture
def stage() -> Stage:
    """The groups of the samples, their callers, and the key by which their page is signed."""
    stage = Stage()
    stage.vault.secret = stage.vault.fresh = parse(json.dumps(made_up_secret()))
    stage.chat.groups = {"live-room": {}, "quiet-room": {}}
    return stage


def put_aside(stage: Stage) -> int:
    """How many records were parked, or named with a reason."""
    return stage.told.notices.count(Notice.PARKED) + stage.told.notices.count(Notice.REJECTED)


def do(stage: Stage, name: str) -> Event:
    """What an operator's or a timer's sample returns."""
    if "operator" not in name:
        return stage.tick(event(name))
    return operator.run(event(name), stage.invocation, stage.context)


def test_every_sample_is_of_a_kind_and_has_its_line_here() -> None:
    """The live test's have their own."""
    assert {detect(event(name))[0] for name in EVENTS if name not in UNKNOWN} == set(Kind)
    bad = {name for name in EVENTS if name.startswith("bad.")}
    assert bad == {*BAD_INPUT, *BAD_TASKS, *OTHER_PROBLEMS, *REASONS, *UNKNOWN}
    operators = {name for name in EVENTS if name.removeprefix("scf-").startswith("operator.")}
    assert {name for name in operators if event(name)["task"] != "verify"} <= TASKS.keys()


def test_the_good_requests_are_answered_and_count_once(stage: Stage) -> None:
    """In the order of their names, because some of them ask after an earlier one, or repeat it."""
    statuses = {name: stage.answer(event(name))["statusCode"] for name in GOOD}
    assert statuses == dict.fromkeys(GOOD, 200) | STATUSES
    for name in GOOD:
        stage.answer(event(name))
    counters = {key: value for key, value in stage.chat.groups["live-room"].items() if key != "_receipt"}
    assert counters == {"like": 7, "gift": 3, "观看": 3, "share": -3, "viewers": 120}


@pytest.mark.parametrize("name", sorted({*BAD_INPUT, *OTHER_PROBLEMS}))
def test_a_bad_request_is_refused_by_its_field_and_status(stage: Stage, name: str) -> None:
    reply = stage.answer(event(name))
    told = json.loads(str(reply["body"]))
    status = OTHER_PROBLEMS.get(name, 400)
    assert (reply["statusCode"], told["status"], told.get("field")) == (status, status, BAD_INPUT.get(name))


@pytest.mark.parametrize(("name", "field"), BAD_TASKS.items())
def test_a_bad_task_is_refused_by_its_field(stage: Stage, name: str, field: str) -> None:
    stage.post("first", GroupId="live-room")
    with pytest.raises(BadInput) as refused:
        do(stage, name)
    assert refused.value.field == field


@pytest.mark.parametrize(("name", "fields"), TASKS.items())
def test_a_good_task_is_done(stage: Stage, name: str, fields: Event) -> None:
    stage.post("first", GroupId="live-room")
    if "IdempotencyKey" in event(name):
        stage.post(str(event(name)["IdempotencyKey"]), GroupId="live-room")
    if "id" in event(name):
        stage.kept.park(APP, Parked(str(event(name)["id"]), "a-source", "why", 1.0, text(1, "live-room")))
    answer = do(stage, name)
    assert {field: answer[field] for field in fields} == fields


def test_the_good_batches_count_once_however_often_they_are_played(stage: Stage) -> None:
    """Some records of theirs share a key, and one takes off what another adds."""
    for name in BATCHES * 2:
        assert stage.batch(event(name)).get("batchItemFailures", []) == []
    counters = stage.chat.groups["live-room"]
    assert (counters["like"], counters["wrapped"], put_aside(stage)) == (11, 10, 0)


@pytest.mark.parametrize(("name", "reason"), REASONS.items())
def test_a_bad_record_is_put_aside_for_its_reason(stage: Stage, name: str, reason: str | None) -> None:
    """After the samples of its queue, one of whose keys it uses again."""
    stage.batch(event("sqs.increase"))
    stage.batch(event(name))
    assert reason is None or reason in stage.told.reasons
    assert put_aside(stage) == (2 if name == "bad.sqs.foreign-records" else 1)


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_event_of_no_kind_is_refused(name: str) -> None:
    with pytest.raises(UnknownEvent):
        detect(event(name))
