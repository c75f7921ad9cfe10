"""Times as events write them."""

from __future__ import annotations

import re
from datetime import datetime

from handler.core.errors import BadInput

_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def read_moment(time: object, field: str) -> float:
    """RFC 3339, with Z or an offset, as seconds since 1970; Python 3.10 reads less of it than later ones."""
    matched = _TIME.fullmatch(time) if isinstance(time, str) else None
    problem = BadInput(field, "must be a time of RFC 3339 with Z or an offset, such as 2026-11-22T00:00:00Z")
    if matched is None:
        raise problem
    day, clock, _, offset = matched.groups()
    try:
        return datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in {'Z', 'z'} else offset}").timestamp()
    except (ValueError, OverflowError):
        raise problem from None
