"""One invocation, as either cloud tells of it: AWS Lambda by an object, Tencent SCF by a dict without a clock."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

# A request id goes into every log line: this much of what a platform sends is plenty.
REQUEST_ID_CHARACTERS = 128

# Both clouds end an invocation after 15 minutes at the latest; what is far beyond that is no limit.
LIMIT_MS_MAX = 10**9


@dataclass(frozen=True, slots=True)
class Invocation:
    """Its id, when it began and when the platform will end it: moments of the local monotonic clock, in seconds."""

    request_id: str
    started: float
    deadline: float

    @classmethod
    def of(cls, context: object, monotonic: Callable[[], float]) -> Invocation:
        """Read the platform's context. Without one, or without a limit in it, the invocation has no deadline."""
        started = monotonic()
        if isinstance(context, dict):
            request_id, left_ms = context.get("request_id"), context.get("time_limit_in_ms")
        else:
            request_id = getattr(context, "aws_request_id", None)
            remaining = getattr(context, "get_remaining_time_in_millis", None)
            left_ms = remaining() if callable(remaining) else None
        return cls(_text(request_id), started, started + _seconds(left_ms))


def _text(request_id: object) -> str:
    if not isinstance(request_id, str) or not request_id.isprintable():
        return ""
    return request_id[:REQUEST_ID_CHARACTERS]


def _seconds(milliseconds: object) -> float:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return math.inf
    # NaN is in no range.
    return milliseconds / 1000 if -LIMIT_MS_MAX < milliseconds < LIMIT_MS_MAX else math.inf
