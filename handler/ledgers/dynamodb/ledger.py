"""The ledger on DynamoDB: one table for all groups, a row and its records under one partition key.

An undisturbed operation is four plain calls, and three write units as long as each of its items stays below a kilobyte:
its record is looked for, the attempt opened, the record written, the attempt settled. Rows that this instance
has seen are remembered, and every write has a condition that fails where the memory is out of date.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext

from botocore.client import BaseClient

from handler.clouds.aws import AwsSession, MakeSession
from handler.core.model.operation import NO_WATERMARKS, Watermarks
from handler.core.model.outcome import Records
from handler.core.model.pace import Pace
from handler.core.model.row import Attempt, Entry, Group, Pause, Row, Settlement
from handler.core.ports.ledger import Generation, Look
from handler.core.ports.schedules import Claim, Hold, Lent
from handler.core.ports.system import Clock, Timed
from handler.core.state.watermarks import firsts_of, watermarks_of
from handler.ledgers.dynamodb import accept, indexes, metadata, updates
from handler.ledgers.dynamodb.client import Client
from handler.ledgers.dynamodb.items import record_key, row_key
from handler.ledgers.dynamodb.parked import DynamoDbParked
from handler.ledgers.dynamodb.records import find_records, is_ahead, put_ahead, read_watermarks, write_actions
from handler.ledgers.dynamodb.remains import DynamoDbRemains
from handler.ledgers.dynamodb.rows import Rows
from handler.ledgers.dynamodb.schema import create_table
from handler.ledgers.dynamodb.table import ACTIONS_MAX, Table, absent

# A call takes some milliseconds; a second is what it usually takes at most.
USUAL_TIMEOUT_S = 1.0

# A generation is raised by an operator, once in a blue moon; until this has passed, instances may not know.
GENERATION_CACHE_S = 300.0

# Records and marks that a transaction holds beside the row.
BESIDE_MAX = ACTIONS_MAX - 1


class DynamoDbLedger:
    """A `Ledger` in the table `table`; nothing is opened before the first call.

    Region and endpoint are found as boto3 finds them where they are not given. `create` makes a missing table.
    `session` makes the session of boto3 from which the client comes, so that a test can have one that fails. `timed`
    measures each round trip.
    """

    def __init__(
        self,
        table: str,
        clock: Clock,
        *,
        region: str | None = None,
        endpoint: str | None = None,
        create: bool = False,
        session: MakeSession = AwsSession,
        timed: Timed = nullcontext,
    ) -> None:
        def prepare(client: BaseClient) -> None:
            if create:
                create_table(client, table)

        self.timeout_s = USUAL_TIMEOUT_S
        self.generation_cache_s = GENERATION_CACHE_S
        self._clock = clock
        self._client = Client(region, endpoint, session, prepare, timed)
        self._table = Table(table, self._client, clock)
        self._rows = Rows(self._table)

    def parked(self) -> DynamoDbParked:
        """Parked records and notes in the same table; they need no closing of their own."""
        return DynamoDbParked(self._table, self._clock)

    def load(self, group: Group) -> Row | None:
        """The row, read strongly."""
        stored = self._rows.load(group)
        return stored.row if stored else None

    def find(self, group: Group, ids: Sequence[str]) -> Records:
        """The records that are still in the table, read strongly."""
        return find_records(self._table, group, ids)

    def watermarks(self, group: Group, partitions: Collection[str]) -> Watermarks:
        """The marks that are still in the table, read strongly."""
        return read_watermarks(self._table, group, partitions)

    def look(self, group: Group, ids: Sequence[str]) -> Look:
        """Row and records, each read strongly, in one call for up to 99 records."""
        stored, records = self._rows.look(group, ids)
        return Look(stored.row if stored else None, records)

    def begin(
        self, group: Group, attempt: Attempt, receipt_key: str, generation: int, pace: Pace | None = None
    ) -> Row | None:
        """The fast path of R1: the record is looked for, then the row written if it is still the one last seen."""
        return accept.begin(self._rows, group, attempt, receipt_key, generation, pace)

    def append(self, group: Group, entries: Sequence[Entry], bytes_max: int) -> Look | None:
        """The slow path of R1: the records are looked for, then the queue lengthened unless anything was settled."""
        return accept.append(self._rows, group, entries, bytes_max)

    def swap(self, group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> bool:
        """Compare-and-swap of the row, its records and marks with it in one transaction.

        Marks and records of landings that do not fit in go before it, if the row is the one to be replaced (R5).
        """
        becomes, request = updates.swapped(group, row, self._rows.remembered(group))
        now = self._clock.now()
        early = write_actions(group, records, watermarks, now, ahead=True)[:-BESIDE_MAX]
        late = write_actions(group, records, watermarks, now, ahead=False)[-BESIDE_MAX:]
        if early:
            seen = self._rows.load(group)
            if (seen.row.version if seen else 0) != row.version - 1:
                return False
            put_ahead(self._table, early)
        return self._rows.change_with(group, request, becomes, late)

    def create(self, group: Group, row: Row) -> bool:
        """Write a first row, in one transaction with a check of each record."""
        becomes, request = updates.created(group, row)
        checks = [absent(record_key(group, entry.id)) for entry in row.queue]
        partitions = firsts_of(row.queue).items()
        checks += [("ConditionCheck", updates.unreached(group, partition, first)) for partition, first in partitions]
        return self._rows.create(group, request, becomes, checks)

    def refuse(self, group: Group, records: Records) -> bool:
        """Write rejections of a group without a row, in one transaction with a check of that."""
        puts = write_actions(group, records, NO_WATERMARKS, self._clock.now(), ahead=False)
        return not self._table.transact([absent(row_key(group)), *puts])

    def delete(self, group: Group, version: int) -> bool:
        """Delete a row, in one conditional write."""
        return self._rows.delete(group, updates.deleted(group, version))

    def remains(self, group: Group) -> DynamoDbRemains:
        """Records and marks of the group."""
        return DynamoDbRemains(self._table, group)

    def settle(self, group: Group, settlement: Settlement) -> bool:
        """The partial update of R5: records and marks in one call for up to 100 of them, then the row.

        If another worker has written an answer first, the row still moves on, because landing is a fact, but that
        worker's answer stays.
        """
        remembered = self._rows.remembered(group)
        if not (remembered and settlement.applied_to(remembered.row)) and not settlement.applied_to(self.load(group)):
            return False
        attempt, now = settlement.attempt, self._clock.now()
        actions = write_actions(group, settlement.records, watermarks_of(attempt.entries), now, ahead=True)
        others = put_ahead(self._table, actions)
        seen, held = self._rows.change(group, updates.settled(group, settlement))
        if held:
            return not any(map(is_ahead, others))
        # Another worker that found the records of this settlement may have moved the row on.
        is_closed = seen is None or seen.row.attempt is None or seen.row.attempt.id != attempt.id
        return bool(settlement.records) and not others and is_closed

    def unfinished(self, app: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of unfinished groups in the order of their code points; those that are idle lose their mark."""
        return indexes.unfinished(self._table, app, limit, after)

    def held(self, app: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of held groups in the order of their code points."""
        return indexes.held(self._table, app, limit, after)

    def rows(self, app: int, ids: Sequence[str]) -> Mapping[str, Row]:
        """The rows of these groups, read strongly, in one call for up to 100 of them."""
        return indexes.rows(self._table, app, ids)

    def groups_with_key(self, app: int, key: str, by: int, limit: int, after: str = "") -> Sequence[str]:
        """Ids of groups that know the key, in the order of their code points."""
        return indexes.groups_with_key(self._table, app, key, by, limit, after)

    def generation(self) -> Generation:
        """The generation in the table; a new table is of the first."""
        return metadata.generation(self._table)

    generation_now = generation  # which is read strongly

    def raise_generation(self) -> Generation:
        """Begin a new one."""
        return metadata.raise_generation(self._table)

    def start_generation(self, known: Generation, started: int) -> Generation:
        """Stamp its start, in one conditional write."""
        return metadata.start_generation(self._table, known, started)

    def pause(self, pause: Pause | None) -> Generation:
        """Begin or end a pause, in one write."""
        return metadata.pause(self._table, pause)

    def windows(self, app: int) -> str | None:
        """The notes of windows, in one read."""
        return metadata.windows(self._table, app)

    def note_windows(self, app: int, text: str, instead_of: str | None) -> bool:
        """Replace the notes of windows, in one conditional write."""
        return metadata.note_windows(self._table, app, text, instead_of)

    def has_rows(self, app: int) -> bool:  # noqa: ARG002  # looking for those of one app would take the whole table
        """Whether the table holds any row."""
        return metadata.has_rows(self._table)

    def lease(self, claim: Claim) -> Lent:
        """Take calls of a schedule, which goes by the askers' clocks."""
        return metadata.lease(self._table, claim)

    def hold(self, hold: Hold) -> None:
        """Lend nothing for so long by the asker's clock."""
        metadata.hold(self._table, hold)

    def close(self) -> None:
        """Close the connections; another call opens new ones."""
        self._client.close()
