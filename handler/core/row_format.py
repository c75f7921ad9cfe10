"""What the text of a row holds, as a JSON document of format 2. Fields that hold nothing are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

# Key and Value; the key by its number where the text of a row is meant.
PairsJson = list[tuple[int, int]]


class MoreJson(TypedDict, total=False):
    """What few operations have: `position` is place and number."""

    position: tuple[str, str]


# Id, fingerprint, Mode, keys and Values, window in seconds, and what else there is.
EntryJson = tuple[str, str, str, PairsJson, float] | tuple[str, str, str, PairsJson, float, MoreJson]


class BareAttemptJson(TypedDict):
    """What each attempt has."""

    id: str
    weight: int
    mode: str
    time: int
    life: int


class AttemptJson(BareAttemptJson, total=False):
    """`entries` are references, and `settled` are places in `entries`."""

    entries: list[int]
    base: int
    correction: PairsJson
    settled: list[int]


class RememberedJson(AttemptJson, total=False):
    """A past attempt, and what became of it."""

    refused: bool
    folded: PairsJson
    for_good: bool


class BareRowJson(TypedDict):
    """What each row has."""

    format: int
    version: int
    generation: int
    receipt_key: str


class RowJson(BareRowJson, total=False):
    """`names` are the keys, by their numbers, and `entries` the operations, which references lead to."""

    base: int
    names: list[str]
    entries: list[EntryJson]
    attempt: AttemptJson
    queue: list[int]
    remembered: list[RememberedJson]
    debt: PairsJson
    frozen: str
    sighted: int
    looked: int
    sighted_in: int
    marks: list[tuple[str, str]]
    keys: PairsJson


def check_fields(stored: Mapping[str, object], known: Mapping[str, object]) -> None:
    """Raise ValueError for fields that this version does not know: it would write the row again without them (R13)."""
    unknown = sorted(stored.keys() - known.keys())
    if unknown:
        raise ValueError(f"a row with {', '.join(unknown)} cannot be read by this version")
