"""The ledger in Redis (6.2 or newer) or Valkey: two round trips for an operation without contention.

Rows and records must stay: the server must not evict (maxmemory-policy noeviction), and it keeps through a restart what
its persistence keeps (`appendfsync always`: all that it acknowledged). A restart or a failover begins a new generation,
whose rows are verified before anything is sent for them (R10). `wait` asks for replicas on top: a write counts only
once that many have it, which is the only safeguard where the servers do not tell their `run_id`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import cast

from handler.config.ledger_url import RedisUrl
from handler.core.model.lift import open_between
from handler.core.model.operation import NO_WATERMARKS, Watermarks
from handler.core.model.outcome import Records
from handler.core.model.pace import Pace
from handler.core.model.row import Attempt, Entry, Group, Pause, Row, Settlement
from handler.core.model.row_size import row_is_full
from handler.core.ports.ledger import Generation, Look
from handler.core.ports.schedules import NOTHING, Claim, Hold, Lent
from handler.core.ports.system import Clock, Timed
from handler.core.state.watermarks import WATERMARK_S, firsts_of, partitions_of, watermarks_of
from handler.ledgers.redis import indexes, metadata, scripts
from handler.ledgers.redis.client import RedisClient, Use
from handler.ledgers.redis.connections import Command, settings_of
from handler.ledgers.redis.parked import RedisParked
from handler.ledgers.redis.remains import RedisRemains
from handler.ledgers.redis.rows import (
    ROW_FIELDS,
    Keys,
    appended_look,
    appended_texts,
    begun_row,
    fields_of,
    known_text,
    lists_of,
    paced,
    record_fields,
    records_of,
    row_of,
    stretches,
)
from handler.ledgers.redis.topology import ClusterServers, Servers
from handler.ledgers.row_parts import begun_text, entry_texts

# The longest that Redis may take for an answer; it takes a millisecond.
TIMEOUT_S = 1.0

# A new server is noticed by every connection at once. A generation that an operator has raised, and a pause, are
# noticed by each write that opens an attempt or replaces a row, where one server holds everything. A cluster has them
# on another server than most groups, and during a pause nothing is opened: then they are asked for this often.
ASKS_AFTER_S = 5.0

PREFIX = "update-group-counter"

WATERMARK_MS = int(WATERMARK_S * 1000)


class RedisLedger:
    """A `Ledger` in the server at `url`; nothing is opened before the first call.

    `warn` takes, once, what makes the promise weaker. `prefix` begins the name of every key. `renewed` gives the
    server's new URL, if it has one, where the server refuses to be used. `timed` measures each round trip.
    """

    def __init__(
        self,
        url: RedisUrl,
        clock: Clock,
        *,
        warn: Callable[[str], None],
        timeout_s: float = TIMEOUT_S,
        prefix: str = PREFIX,
        renewed: Callable[[], RedisUrl | None] = lambda: None,
        timed: Timed = nullcontext,
    ) -> None:
        self.timeout_s = timeout_s
        self.generation_cache_s = 0.0
        self._clock = clock
        self._keys = Keys(prefix)

        def servers_at(url: RedisUrl) -> Servers:
            kind = ClusterServers if url.cluster else Servers
            return kind(settings_of(url, timeout_s), self._keys.generation, warn)

        def others() -> Servers | None:
            other = renewed()
            return servers_at(other) if other else None

        self._client = RedisClient(
            servers_at(url), self._keys.generation, wait=url.wait, timeout_s=timeout_s, renewed=others, timed=timed
        )
        self._asks_at = clock.monotonic() + ASKS_AFTER_S

    def parked(self) -> RedisParked:
        """Parked records and notes in the same server; they need no closing of their own."""
        return RedisParked(self._client, self._keys, self._clock)

    def load(self, group: Group) -> Row | None:
        """The row, from the primary."""
        (row,) = self._client.ask(self._keys.row(group), self._row_command(group), use=Use.READ_ROW)
        return row_of(cast("list[str | None]", row))

    def find(self, group: Group, ids: Sequence[str]) -> Records:
        """The records that have not expired."""
        if not ids:
            return {}
        return records_of(ids, self._client.ask(self._keys.row(group), self._records_command(group, ids))[0])

    def watermarks(self, group: Group, partitions: Collection[str]) -> Watermarks:
        """The watermarks that have not expired."""
        if not partitions:
            return NO_WATERMARKS
        (stored,) = self._client.ask(self._keys.row(group), ("MGET", *self._keys.watermarks(group, partitions)))
        found = zip(partitions, cast("list[str | None]", stored), strict=True)
        return {partition: sequence for partition, sequence in found if sequence is not None}

    def look(self, group: Group, ids: Sequence[str]) -> Look:
        """Row and records, in one round trip."""
        if not ids:
            return Look(self.load(group), {})
        commands = self._row_command(group), self._records_command(group, ids)
        row, records = self._client.ask(self._keys.row(group), *commands, use=Use.READ_ROW)
        return Look(row_of(cast("list[str | None]", row)), records_of(ids, records))

    def begin(
        self, group: Group, attempt: Attempt, receipt_key: str, generation: int, pace: Pace | None = None
    ) -> Row | None:
        """The fast path of R1, in one script."""
        ids, partitions = [entry.id for entry in attempt.entries], partitions_of(attempt.entries)
        keys = self._written_keys(group, self._generation_key(group), *self._beside(group, ids, partitions))
        texts = group.id, attempt.id, begun_text(attempt), receipt_key, generation, self._known_generation
        bounds = open_between(receipt_key, attempt.mode)
        arguments: list[str | int] = [*texts, *bounds, *paced(pace), len(ids), *ids, *stretches(attempt.entries)]
        reply = self._run(scripts.BEGIN, keys, arguments, Use.WRITE)
        return begun_row(reply, attempt, receipt_key, generation, pace) if isinstance(reply, list) else None

    def append(self, group: Group, entries: Sequence[Entry], bytes_max: int) -> Look | None:
        """The slow path of R1, in one script."""
        ids, partitions = [entry.id for entry in entries], partitions_of(entries)
        keys = self._written_keys(group, self._keys.held(group), *self._beside(group, ids, partitions))
        texts = [text for named in zip(entries, entry_texts(entries), strict=True) for text in appended_texts(*named)]
        reply = self._run(scripts.APPEND, keys, [group.id, bytes_max, len(ids), *texts, *partitions], Use.WRITE)
        if reply == "full":
            raise row_is_full()
        if not isinstance(reply, list):
            return None
        return appended_look(reply, ids)

    def swap(self, group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> bool:
        """Compare-and-swap of the row, its records and watermarks with it, in one script."""
        shared = self._keys.held(group), self._generation_key(group), self._keys.known(group)
        keys = self._written_keys(group, *shared, *self._beside(group, records, watermarks))
        texts = (text for record in records.values() for text in record_fields(record, self._clock.now()))
        head = group.id, row.version - 1 or "", self._known_generation, lists_of(row), known_text(row.keys)
        arguments: list[str | int] = [*head, len(records), WATERMARK_MS, *texts, *watermarks.values(), *fields_of(row)]
        return self._run(scripts.SWAP, keys, arguments, Use.WRITE_ROW) == 1

    def create(self, group: Group, row: Row) -> bool:
        """Write a first row, in one script."""
        firsts = firsts_of(row.queue)
        ids, shared = [entry.id for entry in row.queue], (self._keys.held(group), self._generation_key(group))
        keys = self._written_keys(group, *shared, *self._beside(group, ids, firsts))
        head = group.id, self._known_generation, lists_of(row), known_text(row.keys), len(ids)
        arguments: list[str | int] = [*head, *firsts.values(), *fields_of(row)]
        return self._run(scripts.CREATE, keys, arguments, Use.WRITE_ROW) == 1

    def refuse(self, group: Group, records: Records) -> bool:
        """Write rejections of a group without a row, in one script."""
        texts = [text for record in records.values() for text in record_fields(record, self._clock.now())]
        keys = [self._keys.row(group), *self._keys.records(group, records)]
        return self._run(scripts.REFUSE, keys, texts, Use.WRITE_ROW) == 1

    def delete(self, group: Group, version: int) -> bool:
        """Delete a row, in one script."""
        others = self._keys.held(group), self._keys.known(group)
        return self._run(scripts.DELETE, self._written_keys(group, *others), [group.id, version], Use.WRITE_ROW) == 1

    def remains(self, group: Group) -> RedisRemains:
        """Records and marks of the group."""
        return RedisRemains(self._client, self._keys, self._clock, group)

    def settle(self, group: Group, settlement: Settlement) -> bool:
        """The partial update of R5, in one script; a record that exists stays as it is."""
        now, attempt, records = self._clock.now(), settlement.attempt, settlement.records
        watermarks = watermarks_of(attempt.entries)
        texts = [text for record in records.values() for text in record_fields(record, now)]
        texts += [text for pair in watermarks.items() for text in pair]
        known = "" if settlement.keys is None else known_text(settlement.keys)
        head = group.id, attempt.id, settlement.base, settlement.new_base, known, len(records), WATERMARK_MS
        keys = self._written_keys(group, self._keys.known(group), *self._beside(group, records, watermarks))
        ids = [entry.id for entry in attempt.entries]
        return self._run(scripts.SETTLE, keys, [*head, *texts, *ids], Use.WRITE) == 1

    def unfinished(self, app: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of unfinished groups, merged from the lists of all buckets in the order of their code points."""
        return indexes.listed(self._client, self._keys.every("unfinished", app), limit, after)

    def held(self, app: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of held groups, merged in the same way."""
        return indexes.listed(self._client, self._keys.every("held", app), limit, after)

    def rows(self, app: int, ids: Sequence[str]) -> Mapping[str, Row]:
        """The rows of these groups, in one round trip, or in one for each bucket of a cluster."""
        return indexes.rows(self._client, self._keys, app, ids)

    def groups_with_key(self, app: int, key: str, by: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of groups that know the key, as all buckets have them, in the order of their code points."""
        return indexes.groups_with_key(self._client, self._keys, app, key, by, limit, after)

    def generation(self) -> Generation:
        """The generation, as far as it is known here, which is a look-up and, most of the time, no round trip."""
        known, now = self._client.generation, self._clock.monotonic()
        if (self._client.is_cluster or known.paused) and now >= self._asks_at:
            self._asks_at = now + ASKS_AFTER_S
            return self._client.renew_generation()
        return known

    def generation_now(self) -> Generation:
        """The generation in the store, in one round trip."""
        return self._client.renew_generation()

    def raise_generation(self) -> Generation:
        """Begin a new one, in one script."""
        return self._client.raise_generation()

    def start_generation(self, known: Generation, started: int) -> Generation:
        """Stamp its start, in one round trip."""
        return self._client.start_generation(known, started)

    def pause(self, pause: Pause | None) -> Generation:
        """Begin or end a pause, in one script."""
        return self._client.pause(pause)

    def windows(self, app: int) -> str | None:
        """The notes of windows, in one round trip."""
        key = self._keys.windows(app)
        (text,) = self._client.ask(key, ("GET", key))
        return cast("str | None", text)

    def note_windows(self, app: int, text: str, instead_of: str | None) -> bool:
        """Replace the notes of windows, in one script."""
        return self._client.run(metadata.NOTE_WINDOWS, [self._keys.windows(app)], [text, instead_of or ""]) == 1

    def has_rows(self, app: int) -> bool:
        """Whether any bucket has a group that is unfinished or held, or in which something has landed."""
        return indexes.has_rows(self._client, self._keys, app)

    def lease(self, claim: Claim) -> Lent:
        """Take calls of a schedule, which goes by the server's clock, in one script."""
        keys = [self._keys.turns(claim.app, claim.schedule), self._keys.hold(claim.app, claim.schedule)]
        reply = self._client.run(metadata.LEASE, keys, [claim.lasting_s, claim.ahead_max_s, claim.longest_s])
        return Lent(float(reply)) if isinstance(reply, str) else NOTHING

    def hold(self, hold: Hold) -> None:
        """Lend nothing for so long by the server's clock, in one script."""
        self._client.run(metadata.HOLD, [self._keys.hold(hold.app, hold.schedule)], [int(hold.seconds * 1000)])

    def close(self) -> None:
        """Close the connections that are idle; another call opens new ones."""
        self._client.close()

    @property
    def _known_generation(self) -> str:
        known = self._client.generation
        return "" if self._client.is_cluster else f"{known.number} paused" if known.paused else str(known.number)

    def _run(
        self, script: scripts.Script, keys: Sequence[str], arguments: Sequence[str | int | float], use: Use
    ) -> object:
        """Run a script on a row; one that has found the generation to be older than the store's does nothing."""
        reply = self._client.run(script, keys, arguments, use)
        if reply == "stale":
            self._client.renew_generation()
            return None
        return reply

    def _row_command(self, group: Group) -> Command:
        return ("HMGET", self._keys.row(group), *ROW_FIELDS)

    def _records_command(self, group: Group, ids: Sequence[str]) -> Command:
        return ("MGET", *self._keys.records(group, ids))

    def _written_keys(self, group: Group, *others: str) -> list[str]:
        return [self._keys.row(group), self._keys.unfinished(group), *others]

    def _generation_key(self, group: Group) -> str:
        # All keys of a script must lie on one server. In a cluster the generation does not, and nothing stands for it.
        return self._keys.row(group) if self._client.is_cluster else self._keys.generation

    def _beside(self, group: Group, ids: Iterable[str], partitions: Iterable[str]) -> list[str]:
        return [*self._keys.records(group, ids), *self._keys.watermarks(group, partitions)]
