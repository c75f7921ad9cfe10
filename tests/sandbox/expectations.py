"""What every file of `events/` should be answered, and what the counters of the group are then, in playing order."""

from __future__ import annotations

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
        """Whether the answer is the one expected."""
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
    "bad.alb.no-token": _is(401),
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
    "bad.http-v2.receipt-key": _is(400),
    "bad.http-v2.same-name-twice": _is(400),
    "bad.http-v2.too-many-keys": _is(400),
    "bad.http-v2.unknown-field": _is(400),
    "bad.http-v2.unknown-token": _is(401),
    "bad.http-v2.value-not-whole": _is(400),
    "bad.http-v2.value-out-of-range": _is(400),
    "bad.http-v2.wrong-method": _is(405),
    "bad.scf-function-url.body-not-json": _is(400),
    "bad.timer.group-id-not-text": _bad(),
    "bad.timer.message-not-json": _bad(),
    "bad.timer.no-message": _bad(),
    "bad.timer.time-without-offset": _bad(),
    "bad.timer.too-long-ago": _bad(),
    "bad.timer.unknown-field": _bad(),
    "bad.timer.unknown-task": _bad(),
    "bad.unknown-kind": _bad("UnknownEvent"),
}
