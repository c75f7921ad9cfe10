"""What every file of `events/` should be answered, and what the counters of the group are then, in playing order."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Expectation:
    """A status, or the name of the error that ends the invocation, or fields of the value returned.

    `then` are the counters of the group that differ afterwards; all others are as before.
    """

    status: int | None = None
    error: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    then: Mapping[str, int] = field(default_factory=dict)

    def is_met(self, answer: object) -> bool:
        if self.error is not None:
            return type(answer).__name__ == self.error
        if not isinstance(answer, Mapping):
            return False
        if self.status is not None and answer.get("statusCode") != self.status:
            return False
        return all(answer.get(name) == value for name, value in self.fields.items())


def _is(status: int, **then: int) -> Expectation:
    return Expectation(status=status, then=then)


def _bad(error: str = "BadInput") -> Expectation:
    return Expectation(error=error)


def _failed(*items: str, **then: int) -> Expectation:
    return Expectation(fields={"batchItemFailures": [{"itemIdentifier": item} for item in items]}, then=then)


def _counted(accepted: int = 0, parked: int = 0, **then: int) -> Expectation:
    """The counts of a source without partial replies."""
    return Expectation(fields={"accepted": accepted, "parked": parked, "ignored": 0}, then=then)


# What the samples of SQS call their records, but for the last digits.
_SQS = "059f36b4-87a3-44ab-83d2-66197581"

_SWEPT = {"task": "sweep", "left": 0}

EXPECTED: Mapping[str, Expectation] = {
    "http-v2.health": _is(200),
    "http-v1.decrease": _is(200, like=-2),
    "http-v2.increase": _is(200, like=3),
    "http-v2.increase-again-quoted": _is(200),
    "http-v2.key-reused": _is(422),
    "http-v2.operation": _is(200),
    "http-v2.base64-body": _is(200, gift=1),
    "http-v2.many-keys": Expectation(200, then={"like": 4, "gift": 3, "观看": 3, "share": -4}),
    "function-url.set": _is(200, viewers=120),
    "alb.increase": _is(200, like=5),
    "alb.operation": _is(200),
    "alb-multi-value.increase": _is(200, like=6),
    "scf-function-url.increase": _is(200, like=7),
    "scf-function-url.operation": _is(200),
    "timer.set": Expectation(fields={"accepted": 2, "applied": 2}, then={"daily_like": 0, "daily_gift": 0}),
    "scf-timer.set": Expectation(fields={"accepted": 1, "applied": 1}, then={"hourly_like": 0}),
    "http-v2.respond-async": _is(202),
    "timer.sweep": Expectation(fields=_SWEPT, then={"share": -3}),
    "scf-timer.sweep": Expectation(fields=_SWEPT),
    "timer.check": Expectation(fields={"task": "check", "attention": 0}),
    "sqs.increase": _failed(like=9),
    "sqs.redelivered-half": _failed(),
    "sqs.page": _failed(),
    "kinesis.increase": _failed(like=11),
    "dynamodb.insert": _failed(like=13),
    "sns.increase": _counted(accepted=1, like=14),
    "eventbridge.increase": _counted(accepted=1, like=15),
    "eventbridge-scheduler.increase": _counted(accepted=1, like=16),
    "msk.increase": _counted(accepted=2),
    "scf-ckafka.increase": _counted(accepted=3, like=18),
    "records.empty": _failed(),
    "sqs.sns-notification": _failed(wrapped=1),
    "sqs.eventbridge-event": _failed(wrapped=2),
    "kinesis.envelopes": _failed(wrapped=3),
    "kinesis.aggregate": _failed(wrapped=5),
    "pipes.sqs": _failed(wrapped=6),
    "pipes.kinesis": _failed(wrapped=7),
    "kafka-self-managed.increase": _counted(accepted=1, wrapped=8),
    "scf-cmq.increase": _counted(accepted=1, wrapped=9),
    "scf-ckafka.numbers-as-text": _counted(accepted=1, wrapped=10),
    "bad.alb.no-token": _is(401),
    "bad.dynamodb.keys-only": _failed(),
    "bad.dynamodb.value-not-whole": _failed(),
    "bad.firehose.transformation": _bad("UnknownEvent"),
    "bad.eventbridge.no-payload": _counted(parked=1),
    "bad.eventbridge.too-long-ago": _counted(parked=1),
    "bad.http-v1.no-path": _is(400),
    "bad.http-v2.body-not-base64": _is(400),
    "bad.http-v2.body-not-json": _is(400),
    "bad.http-v2.headers-not-strings": _is(400),
    "bad.http-v2.key-twice": _is(400),
    "bad.http-v2.key-with-a-space": _is(400),
    "bad.http-v2.key-with-one-quote": _is(400),
    "bad.http-v2.missing-key": _is(400),
    "bad.http-v2.missing-mode": _is(400),
    "bad.http-v2.no-body": _is(400),
    "bad.http-v2.no-such-group": _is(404),
    "bad.http-v2.no-such-route": _is(404),
    "bad.http-v2.no-token": _is(401),
    "bad.http-v2.not-permitted": _is(403),
    "bad.http-v2.operator": _is(400),
    "bad.http-v2.receipt-key": _is(400),
    "bad.http-v2.same-name-twice": _is(400),
    "bad.http-v2.too-many-keys": _is(400),
    "bad.http-v2.unknown-field": _is(400),
    "bad.http-v2.unknown-token": _is(401),
    "bad.http-v2.value-not-whole": _is(400),
    "bad.http-v2.value-out-of-range": _is(400),
    "bad.http-v2.wrong-method": _is(405),
    "bad.kinesis.broken-aggregate": _failed(wrapped=11),
    "bad.kinesis.data-not-base64": _failed(like=19),
    "bad.msk.no-value": _counted(parked=1),
    "bad.msk.value-not-base64": _counted(parked=1),
    "bad.operator.no-group": _bad(),
    "bad.operator.no-reason": _bad(),
    "bad.operator.no-such-operation": _bad(),
    "bad.operator.no-such-record": _bad(),
    "bad.operator.not-a-cursor": _bad(),
    "bad.operator.not-a-verdict": _bad(),
    "bad.operator.not-frozen": _bad(),
    "bad.operator.unknown-task": _bad(),
    "bad.pipes.transformed": _bad("UnknownEvent"),
    "bad.records.unknown-source": _bad("UnknownEvent"),
    "bad.scf-ckafka.body-not-json": _counted(accepted=1, parked=1, like=20),
    "bad.scf-cmq.body-not-json": _counted(parked=1),
    "bad.scf-function-url.body-not-json": _is(400),
    "bad.sns.message-not-json": _counted(parked=1),
    "bad.sqs.body-not-an-object": _failed(f"{_SQS}0012"),
    "bad.sqs.body-not-json": _failed(f"{_SQS}0010", like=21),
    "bad.sqs.caller-not-permitted": _failed(f"{_SQS}0413"),
    "bad.sqs.caller-not-text": _failed(f"{_SQS}0013"),
    "bad.sqs.foreign-records": _failed(like=22),
    "bad.sqs.key-reused": _failed(f"{_SQS}0015"),
    "bad.sqs.key-with-a-space": _failed(f"{_SQS}0014"),
    "bad.sqs.no-such-group": _failed(f"{_SQS}0016", like=23),
    "bad.sqs.page-by-hand": _failed("059f36b4-87a3-44ab-83d2-661975810302"),
    "bad.sqs.s3-notification": _failed(f"{_SQS}0411"),
    "bad.sqs.sns-without-payload": _failed(f"{_SQS}0412"),
    "bad.sqs.too-long-ago": _failed(),
    "bad.timer.group-id-not-text": _bad(),
    "bad.timer.message-not-json": _bad(),
    "bad.timer.no-message": _bad(),
    "bad.timer.time-without-offset": _bad(),
    "bad.timer.too-long-ago": _bad(),
    "bad.timer.two-sources": _bad(),
    "bad.timer.unknown-field": _bad(),
    "bad.timer.unknown-task": _bad(),
    "bad.unknown-kind": _bad("UnknownEvent"),
    "operator.about": Expectation(fields={"task": "about"}),
    "operator.pause": Expectation(fields={"task": "pause", "changed": True}),
    "operator.status": Expectation(fields={"task": "status", "paused": None, "frozen": 0, "unfinished": 0}),
    "operator.resume": Expectation(fields={"task": "resume", "paused": None, "changed": True}),
    "operator.operation": Expectation(fields={"state": "applied"}),
    "operator.inspect": Expectation(fields={"to_be_judged": []}),
    "scf-operator.inspect": Expectation(fields={"to_be_judged": []}),
    "operator.adopt": Expectation(fields={"done": True, "changed": False}),
    "operator.forget": Expectation(fields={"done": False, "dry_run": True, "row": True, "complete": True}),
    "operator.parked-list": Expectation(fields={"action": "list"}),
    "operator.parked-replay": Expectation(fields={"outcome": "applied", "dropped": True}, then={"like": 24}),
    "operator.parked-drop": Expectation(fields={"dropped": True}),
    "operator.parked-replay-all": Expectation(fields={"replayed": 0, "refused": 1, "left": 0}),
}
