"""Times as events write them."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import NamedTuple

from handler.core.errors import BadInput

# What Python reads beside this differs from release to release: an hour 24, an offset of more than a day.
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(\.[0-9]+)?"
    r"([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)


class Moment(NamedTuple):
    """A moment in whole seconds since 1970, rounded down, and as the one text that stands for it, in UTC."""

    seconds: int
    text: str


def read_time(time: object, field: str) -> Moment:
    """RFC 3339, with Z or an offset; however a moment is spelled, it has one text. The fraction is kept to its end."""
    matched = _TIME.fullmatch(time) if isinstance(time, str) else None
    problem = BadInput(
        field,
        "must be a time of RFC 3339 with Z or an offset, such as 2026-11-22T00:00:00Z, in the years 1 to 9999 of UTC "
        "and no leap second",
    )
    if matched is None:
        raise problem
    day, clock, fraction, offset = matched.groups()
    try:
        local = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in {'Z', 'z'} else offset}")
        moment = local.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise problem from None
    exact = (fraction or "").rstrip("0").rstrip(".")
    return Moment(int(moment.timestamp()), f"{moment.replace(tzinfo=None).isoformat()}{exact}Z")


def written(seconds: float) -> str:
    """Seconds since 1970 as people read them, in UTC and whole seconds."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_moment(time: object, field: str) -> float:
    """RFC 3339, with Z or an offset, as whole seconds since 1970."""
    return float(read_time(time, field).seconds)
