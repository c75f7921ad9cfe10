"""What a reply says: the counters, a definite refusal, or nothing that can be relied on."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TypeAlias

import msgspec

from handler.chat.transport import Answer
from handler.core.ports.counter_api import Counted, Refused, Reply, Unclear
from handler.core.ports.error_codes import Effect, meaning_of
from handler.redaction import presentable

# The `Date` of a reply, and the connection that it came on.
Heard: TypeAlias = "tuple[int | None, int | None]"


def reply_of(answer: Answer, keys: Collection[str], hidden: Iterable[str]) -> Reply:
    """Judge a whole reply to a call after which all of `keys` must be shown; `hidden` may not be in what is returned.

    Its `Date` counts only where the body is the API's own, because the clock of a proxy judges nothing (R4).
    """
    said = _understand(answer.body)
    if said is None:
        return Unclear("the reply is not a JSON object with an ErrorCode")
    heard = _seconds(answer.date), answer.connection
    if said.contradicts_itself:
        return Unclear("ActionStatus contradicts ErrorCode", *heard)
    verdict = meaning_of(said.code)
    if verdict.effect is Effect.LANDED:
        return _counted(said.counters, keys, heard)
    if verdict.effect is Effect.NOT_LANDED and verdict.fault is not None:
        return Refused(said.code, presentable(said.info, hidden), verdict.fault, *heard)
    return Unclear(f"ErrorCode {said.code}: {verdict.meaning}", *heard)


class _Said(msgspec.Struct, frozen=True):
    """The vendor's fields that every reply has; more may be added at any time and are ignored."""

    code: int
    status: object
    info: str
    counters: object

    @property
    def contradicts_itself(self) -> bool:
        return self.status is not None and (self.status == "OK") != (self.code == 0)


def _understand(body: bytes) -> _Said | None:
    try:
        document: object = json.loads(body, object_pairs_hook=_without_contradictions)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not _is_int(document.get("ErrorCode"), bits=32):
        return None
    info = document.get("ErrorInfo")
    return _Said(
        code=document["ErrorCode"],
        status=document.get("ActionStatus"),
        info=info if isinstance(info, str) else "",
        counters=document.get("GroupCounter"),
    )


def _without_contradictions(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose names each have one value; ValueError for a name with two, of which either may be meant."""
    document = dict(pairs)
    if len(document) != len(pairs) and any(document[name] != value for name, value in pairs):
        raise ValueError
    return document


def _counted(counters: object, keys: Collection[str], heard: Heard) -> Counted | Unclear:
    if not isinstance(counters, list):
        return Unclear("the reply shows no GroupCounter", *heard)
    values: dict[str, int] = {}
    for counter in counters:
        if not isinstance(counter, dict) or not isinstance(counter.get("Key"), str):
            return Unclear("a counter of the reply has no Key", *heard)
        if not _is_int(counter.get("Value"), bits=64):
            return Unclear("a counter of the reply has no Value", *heard)
        if counter["Key"] in values:
            return Unclear("the reply shows a counter twice", *heard)
        values[counter["Key"]] = counter["Value"]
    if not values.keys() >= set(keys):
        return Unclear("the reply does not show every counter of the call", *heard)
    return Counted(values, *heard)


def _is_int(value: object, bits: int) -> bool:
    """Whether it is a signed integer of that many bits; JSON's `true` is none."""
    return type(value) is int and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)


@lru_cache(maxsize=8)
def _seconds(date: str | None) -> int | None:
    """A `Date` header in seconds since 1970; None where it is missing or no date."""
    if date is None:
        return None
    try:
        moment = parsedate_to_datetime(date)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp())
    except (ValueError, OverflowError):
        return None
