"""Parsers that all triggers share: strict JSON, and moments of RFC 3339.

JSON that two parsers could read differently is refused.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import NamedTuple

from handler.core.errors import BadInput

# The longest body of an operation, over HTTP or from a source.
BODY_BYTES = 64 * 1024

# What Python reads beside this differs from release to release: an hour 24, an offset of more than a day.
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])(\.[0-9]+)?"
    r"([Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)


def read_json(text: str, field: str) -> object:
    """Decode a JSON text; BadInput names `field`, and says where the text goes wrong without showing any of it."""
    try:
        document: object = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise BadInput(field, f"is not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except _AmbiguousError as error:
        raise BadInput(field, str(error)) from None
    except RecursionError:
        raise BadInput(field, "is nested too deeply") from None
    except ValueError:
        raise BadInput(field, "holds a number with too many digits") from None
    check_text(document, field)
    return document


def check_text(document: object, field: str) -> None:
    """Refuse a decoded document that JSON in UTF-8 cannot say, such as half a surrogate pair, or NaN."""
    try:
        _ENCODER.encode(document).encode()
    except UnicodeEncodeError:
        raise BadInput(field, "holds text that is not Unicode: half of a surrogate pair") from None
    except RecursionError:
        raise BadInput(field, "is nested too deeply") from None
    except (TypeError, ValueError):
        raise BadInput(field, "holds what JSON cannot say") from None


class _AmbiguousError(Exception):
    """JSON that Python reads and the standard leaves open or forbids."""


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _AmbiguousError("holds an object with the same name twice")
    return document


def _refused(_: str) -> object:
    raise _AmbiguousError("holds NaN or Infinity, which are not JSON")


def _decimal(digits: str) -> float:
    number = float(digits)
    if number in {float("inf"), float("-inf")}:
        raise _AmbiguousError("holds a number that is too large")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_constant=_refused, parse_float=_decimal)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


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


def written_if_known(seconds: float | None) -> str | None:
    """The same of a time that is None, or 0, where it is not known; then None."""
    return written(seconds) if seconds else None


def in_words(seconds: float) -> str:
    """A duration as people say it, in its two largest units."""
    left = max(0, int(seconds))
    units = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
    first = next((place for place, (_, size) in enumerate(units) if left >= size), len(units) - 1)
    parts = list[str]()
    for name, size in units[first : first + 2]:
        count, left = divmod(left, size)
        parts += [f"{count} {name}"] if count or not parts else []
    return " ".join(parts)


def read_moment(time: object, field: str) -> float:
    """RFC 3339, with Z or an offset, as whole seconds since 1970."""
    return float(read_time(time, field).seconds)
