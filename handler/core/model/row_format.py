"""What the text of a row holds, as a JSON document of format 2. Fields that hold nothing are left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypedDict

from handler.core.model.operation import Counters, Origin

# Key and Value; the key by its number where the text of a row is meant.
PairsJson = list[tuple[int, int]]


# Source, place, teller, caller, key; what is empty at the end is left out. An empty caller is the source, an empty key
# the place, and a place in a list goes on where the source ends. Source and teller by their numbers where a row's text
# is meant: those of a batch are the same.
OriginJson = list[int | str | list[str]]


class MoreJson(TypedDict, total=False):
    """What few operations have: `position` is place and number, `origin` where it comes from."""

    position: tuple[str, str]
    origin: OriginJson


# Id, fingerprint, Mode, keys and Values, window in seconds, and what else there is.
EntryJson = tuple[str, str, str, PairsJson, float] | tuple[str, str, str, PairsJson, float, MoreJson]

# Reference to an operation, the vendor's code, when.
NoteJson = tuple[int, int, float]


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
    """`names` are keys, sources and tellers, by numbers, and `entries` the operations, which references lead to."""

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
    notes: list[NoteJson]


def check_fields(stored: Mapping[str, object], known: Mapping[str, object]) -> None:
    """Raise ValueError for fields that this version does not know: it would write the row again without them (R13)."""
    unknown = sorted(stored.keys() - known.keys())
    if unknown:
        raise ValueError(f"a row with {', '.join(unknown)} cannot be read by this version")


def pairs_of(stored: Iterable[tuple[str, int]]) -> Counters:
    """Keys and numbers, whose keys stand in full."""
    return tuple((key, value) for key, value in stored)


def origin_json(origin: Origin, named: Callable[[str], int | str]) -> OriginJson:
    """Write an origin; `named` is how a source stands there."""
    rest = origin.place.removeprefix(origin.source)
    place = rest if rest == origin.place else [rest]
    caller, key = origin.caller * (origin.caller != origin.source), origin.key * (origin.key != origin.place)
    stored = [named(origin.source), place, named(origin.teller) if origin.teller else "", caller, key]
    while stored[-1] == "":
        stored.pop()
    return stored


def origin_of(stored: OriginJson, name_of: Callable[[str], str]) -> Origin:
    """Read what `origin_json` wrote."""
    named, told, *rest = stored
    source = name_of(str(named))
    place = source + told[0] if isinstance(told, list) else str(told)
    teller, caller, key = map(str, (*rest, *("",) * (3 - len(rest))))
    return Origin(source, place, caller or source, key or place, name_of(teller) if teller else "")
