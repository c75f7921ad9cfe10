"""One invocation, read from the context of either cloud: an object on AWS Lambda, a dict on Tencent SCF."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

# Request id and function's name go into every log line: this much of what a platform sends is plenty.
TEXT_CHARACTERS = 128

# Both clouds end an invocation after 15 minutes at the latest; what is far beyond that is no limit.
LIMIT_MS_MAX = 10**9

# How long an invocation works if the platform names no deadline.
UNLIMITED_S = 60.0

# The end of the current invocation, for objects that are built once for all invocations.
_DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)


def current_deadline() -> float:
    """When the platform ends this invocation: a moment of the monotonic clock, infinite if it names none."""
    return _DEADLINE.get()


class Invocation(msgspec.Struct, frozen=True):
    """Its id, its beginning and its end: moments of the local monotonic clock, in seconds; and whose it is."""

    request_id: str
    started: float
    deadline: float
    function_name: str = ""

    @classmethod
    def of(cls, context: object, monotonic: Callable[[], float]) -> Invocation:
        """Read the platform's context. Without one, or without a limit in it, the invocation has no deadline."""
        started = monotonic()
        if isinstance(context, dict):
            request_id, left_ms = context.get("request_id"), context.get("time_limit_in_ms")
            name = context.get("function_name")
        else:
            request_id, name = getattr(context, "aws_request_id", None), getattr(context, "function_name", None)
            remaining = getattr(context, "get_remaining_time_in_millis", None)
            left_ms = remaining() if callable(remaining) else None
        return cls(_text(request_id), started, started + _seconds(left_ms), _text(name))

    @property
    def log_fields(self) -> dict[str, str]:
        """What every log line of the invocation says of it, under the names that Powertools gives them."""
        request_id = self.request_id
        fields = {"function_name": self.function_name, "function_request_id": request_id, "correlation_id": request_id}
        return {name: value for name, value in fields.items() if value}

    def deadline_or(self, default_s: float) -> float:
        """The deadline; if the platform names none, `default_s` seconds after the beginning."""
        return self.started + default_s if math.isinf(self.deadline) else self.deadline

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Until the block ends, `current_deadline` is this one's, also in threads that run in a copy of the context."""
        token = _DEADLINE.set(self.deadline)
        try:
            yield
        finally:
            _DEADLINE.reset(token)


def _text(value: object) -> str:
    return value[:TEXT_CHARACTERS] if isinstance(value, str) and value.isprintable() else ""


def _seconds(milliseconds: object) -> float:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return math.inf
    # NaN is in no range.
    return milliseconds / 1000 if -LIMIT_MS_MAX < milliseconds < LIMIT_MS_MAX else math.inf
