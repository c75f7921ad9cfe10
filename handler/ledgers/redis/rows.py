"""Where rows and records lie in Redis, and a row as the fields of a hash (handler/ledgers/redis/scripts.py)."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, cast

import msgspec
from msgspec.structs import asdict, replace

from handler.core.errors import AnswerLost, LaterVersion
from handler.core.model.operation import Counters
from handler.core.model.outcome import Record, Records, decode_record, encode_record
from handler.core.model.pace import Pace
from handler.core.model.row import Attempt, Entry, Group, Row, Trouble
from handler.core.ports.ledger import Look
from handler.core.ports.schedules import AnySchedule
from handler.core.state.watermarks import firsts_of
from handler.core.state.watermarks import watermarks_of as last_positions
from handler.ledgers.row_parts import Parts, is_calm, join, split, watermarks_text

# An app's groups are spread over this many slots of a cluster, and its unfinished ones kept in as many lists.
BUCKETS = 16

ROW_FIELDS = ("v", "body", "base", "open", "begun", "tail", "marks", "known", "called")


class Keys(msgspec.Struct, frozen=True):
    """The names of everything, all of them under one prefix.

    What stands in braces is all that Redis Cluster looks at: what one script touches lies on one server.
    """

    prefix: str

    @property
    def generation(self) -> str:
        """The hash of the generation."""
        return f"{{{self.prefix}}}:generation"

    def turns(self, app: int, schedule: AnySchedule) -> str:
        """Until when a schedule of the app is lent out."""
        return f"{{{self.prefix}:{app}}}:{schedule.value}"

    def hold(self, app: int, schedule: AnySchedule) -> str:
        """What is there while nothing is lent of a schedule."""
        return f"{self.turns(app, schedule)}:held"

    def windows(self, app: int) -> str:
        """The notes of the app's windows."""
        return f"{{{self.prefix}:{app}}}:windows"

    def row(self, group: Group) -> str:
        """The hash of a group's row."""
        return f"{self._bucket(group)}:row:{group.id}"

    def records(self, group: Group, ids: Iterable[str]) -> list[str]:
        """The records of operations. The length tells where the group's id ends."""
        prefix = f"{self._bucket(group)}:record:{len(group.id)}:{group.id}:"
        return [prefix + operation_id for operation_id in ids]

    def watermarks(self, group: Group, partitions: Iterable[str]) -> list[str]:
        """How far places have been settled."""
        prefix = f"{self._bucket(group)}:mark:{len(group.id)}:{group.id}:"
        return [prefix + partition for partition in partitions]

    def unfinished(self, group: Group) -> str:
        """The sorted set that has the group while it is unfinished."""
        return f"{self._bucket(group)}:unfinished"

    def held(self, group: Group) -> str:
        """The sorted set that has the group while it is held."""
        return f"{self._bucket(group)}:held"

    def known(self, group: Group) -> str:
        """The sorted set of the keys that the groups of a bucket know (`member`)."""
        return f"{self._bucket(group)}:known"

    def every(self, kind: str, app: int) -> list[str]:
        """Every such set of an app: of the "unfinished", the "held" or the "known"."""
        return [f"{{{self.prefix}:{app}:{bucket}}}:{kind}" for bucket in range(BUCKETS)]

    def parked(self, app: int) -> tuple[str, str, str]:
        """The sorted set of the ids of parked records, and the hashes of their texts and labels."""
        prefix = f"{{{self.prefix}:{app}:parked}}"
        return f"{prefix}:ids", f"{prefix}:texts", f"{prefix}:labels"

    def notes(self, app: int) -> str:
        """The hash of notes."""
        return f"{{{self.prefix}:{app}:notes}}"

    def _bucket(self, group: Group) -> str:
        return f"{{{self.prefix}:{group.app}:{zlib.crc32(group.id.encode()) % BUCKETS}}}"


class _Rest(msgspec.Struct, frozen=True, array_like=True):
    """What an idle row has beside its other fields; earlier versions wrote the first three."""

    first_seen_at: int | None
    last_checked_at: int
    first_seen_generation: int
    trouble: Trouble | None = None
    frozen_at: int = 0


_REST = msgspec.json.Decoder(_Rest)


def fields_of(row: Row) -> list[str]:
    """Names and values of the hash of a row that is written whole; raises ValueError over the bound of a row."""
    parts = split(row)
    fields = {
        "v": str(parts.version),
        "body": parts.body,
        "queued": str(len(row.queue)),
        "state": "frozen" if row.is_held else "calm" if is_calm(row) else "busy",
        "key": row.receipt_key,
        "gen": str(row.generation),
        "rest": msgspec.json.encode(
            _Rest(row.first_seen_at, row.last_checked_at, row.first_seen_generation, row.trouble, row.frozen_at)
        ).decode(),
    }
    if row.watermarks:
        fields["marks"] = watermarks_text(row.watermarks)
    if row.called_ms:
        fields["called"] = str(row.called_ms)
    if parts.base is not None:
        fields["base"] = str(parts.base)
    if row.attempt is not None:
        fields["open"] = row.attempt.id
        fields |= {f"o:{entry.id}": row.attempt.id for entry in row.attempt.owed}
    fields |= {f"o:{entry.id}": "" for entry in row.queue}
    fields |= {f"p:{partition}": sequence for partition, sequence in last_positions(row.owed).items()}
    return [text for field in fields.items() for text in field]


def lists_of(row: Row) -> str:
    """In which lists of its bucket the group stands: a letter for each (handler/ledgers/redis/scripts.py)."""
    return "u" * row.is_unfinished + "h" * row.is_held


def row_of(stored: Sequence[str | None]) -> Row | None:
    """The row of `ROW_FIELDS`, if there is one."""
    version, body, base, opened, begun, tail, watermarks, known, called = stored
    if version is None or body is None:
        return None
    # Each ends with a line feed, which JSON escapes; other ends of lines may stand in a key.
    texts = tuple((tail or "").split("\n")[:-1])
    whole_base = None if base is None else int(base)
    return join(
        Parts(
            version=int(version),
            body=body,
            base=whole_base,
            open=opened,
            begun=begun,
            tail=texts,
            watermarks=watermarks,
            keys=known_keys(known),
            called_ms=None if called is None else int(called),
        )
    )


def records_of(ids: Sequence[str], stored: object) -> Records:
    """The records that there are of these operations."""
    found = zip(ids, cast("list[str | None]", stored), strict=True)
    return {operation_id: decode_record(text) for operation_id, text in found if text is not None}


def appended_look(reply: list[Any], ids: Sequence[str]) -> Look:
    """What an append gives back. It may have been done where its result cannot be read (R17)."""
    row, records, passed, within = reply
    reached = dict(zip(within[::2], within[1::2], strict=True))
    try:
        return Look(row_of(row), records_of(ids, records), frozenset(passed), reached)
    except LaterVersion:
        raise AnswerLost("the row may have been changed, and a later version has written what is there") from None


def begun_row(
    stored: Sequence[str | None], attempt: Attempt, receipt_key: str, generation: int, pace: Pace | None
) -> Row:
    """The row of a group that was idle, and in which `attempt` was opened: what its script gives back makes it up."""
    *always, known = stored
    version, base, rest = map(str, always)
    return Row(
        version=int(version),
        generation=generation,
        receipt_key=receipt_key,
        base=int(base),
        attempt=replace(attempt, base=int(base)),
        keys=known_keys(known) or (),
        called_ms=pace.now_ms if pace else 0,
        **asdict(_REST.decode(rest)),
    )


def known_text(keys: Counters) -> str:
    """The keys that a row knows as a script takes them: it makes a member of its bucket's set for each (`known_in`)."""
    return json.dumps([(key, str(since)) for key, since in keys], ensure_ascii=False)


def known_keys(text: str | None) -> Counters | None:
    """Read what `known_text` wrote, if the row was last written since there is such a text."""
    return None if text is None else tuple((key, int(since)) for key, since in json.loads(text))


def known_range(key: str, after: str) -> tuple[str, str]:
    """Where the members of a key lie, those of groups after one: `<length>:<key>:<group>`, a line feed, and since when.

    The length is in bytes. Ids have no line feed, nor anything else that sorts before what can be printed.
    """
    prefix = f"{len(key.encode())}:{key}"
    return f"[{prefix}:{after}\x0b" if after else f"[{prefix}:", f"({prefix};"


def known_in(key: str, members: Sequence[str]) -> list[tuple[str, int]]:
    """Groups with the second since which they have known the key."""
    start = len(f"{len(key.encode())}:{key}:")
    return [(group_id, int(since)) for group_id, _, since in (member[start:].partition("\n") for member in members)]


def paced(pace: Pace | None) -> tuple[int, int, int]:
    """A pace as a script takes it: the range of stamps that are too young, and the new one; zeros for none."""
    return (*pace.too_young, pace.now_ms) if pace else (0, 0, 0)


def appended_texts(entry: Entry, text: str) -> tuple[str, str, str, str, str]:
    """An operation as the script takes it: place, first and last number are empty where there is no position."""
    at = entry.position
    return (entry.id, text, at.partition, entry.first, at.sequence) if at else (entry.id, text, "", "", "")


def stretches(entries: Sequence[Entry]) -> list[str]:
    """Place, first and last number of each place in which some of these stand, in the order of `places_of`."""
    lasts = last_positions(entries)
    return [text for partition, first in firsts_of(entries).items() for text in (partition, first, lasts[partition])]


def record_fields(record: Record, now: float) -> tuple[str, int]:
    """A record as text, and how long it lives from now on in milliseconds: at least the one that Redis asks for."""
    return encode_record(record), max(1, round((record.expires_at - now) * 1000))
