"""Parse the event of a source into records; each carries the operation it requests, or the reason it is invalid."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, cast

import msgspec
from msgspec.structs import replace

from handler.core.errors import BadInput, NotAccepted, OutcomeUnknown
from handler.core.model.operation import Operation
from handler.core.runtime.windows import Horizon
from handler.triggers.concurrency import Failure
from handler.triggers.event_kind import Event, Kind, is_page, source_of
from handler.triggers.rights import RecordRights
from handler.triggers.sources.adapters import EVENTBRIDGE, PIPED, REPORTING, SOURCES
from handler.triggers.sources.envelopes import opened
from handler.triggers.sources.message import read_operation
from handler.triggers.sources.queue import QueueReader
from handler.triggers.sources.source import Offset, RawRecord, Source, is_name
from handler.triggers.sources.stream import StreamReader

Item: TypeAlias = str | Offset


class Refusal(msgspec.Struct, frozen=True):
    """Why a record will never be executed.

    `for_parking`: it is parked even where it could be reported as failed, because no later delivery can succeed.
    `is_reported`: the log has the refusal already. `is_noted`: the row has a note to park it (R6), unless its source
    takes it back.
    """

    reason: str
    for_parking: bool = False
    is_reported: bool = False
    is_noted: bool = False


class SourceRecord(msgspec.Struct, frozen=True):
    """What a record of a batch requests, or one of those that it holds.

    `request` is an operation, those of a page of a tick, nothing (None), or why there is none.
    `item` names the record in a partial reply; it is None if the source takes no partial replies, or the record has no
    name. The record is parked with `id`, `source` (its ARN, topic or name) and `text`.
    """

    item: Item | None
    id: str
    source: str
    text: str
    request: Operation | tuple[Operation, ...] | Refusal | Failure | None

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations to deliver, in order."""
        if isinstance(self.request, Operation):
            return (self.request,)
        return self.request if isinstance(self.request, tuple) else ()


class RecordReader(msgspec.Struct, frozen=True):
    """Reads the records of one source.

    `horizon` is the failure of the ledger or the vault if it is not known. `check_page` raises BadInput for a page that
    this app has not signed. `rights` are asked for each operation of a producer, before any other is looked at. `epoch`
    is part of the keys of Kafka's records that name no cluster, or no time.
    """

    source: Source
    receipt_key: str
    window_s: float
    horizon: Horizon | Failure
    check_page: Callable[[str], None]
    rights: RecordRights
    epoch: str

    def stream_reader(self) -> StreamReader | None:
        """What reads the records of a stream that are known by their place alone; None for any other source."""
        if not self.source.is_stream or isinstance(self.horizon, Failure):
            return None
        return StreamReader(self.receipt_key, self.horizon, self.rights)

    def queue_reader(self) -> QueueReader | None:
        """What reads the messages of a queue many at once; None for any other source."""
        if not self.source.is_queue or isinstance(self.horizon, Failure):
            return None
        return QueueReader(
            receipt_key=self.receipt_key, window_s=self.window_s, horizon=self.horizon, rights=self.rights
        )

    def read(self, record: object) -> Sequence[SourceRecord]:
        """Read one delivered record, valid or not: what it holds, in order, or one that requests nothing."""
        item, name = _item(record, self.source), self.source.name
        try:
            raw_records = self._raw(record)
        except BadInput as error:
            text = _shown(record)
            return [SourceRecord(item, _digest(text), name, text, Refusal(str(error)))]
        if not raw_records:
            return [SourceRecord(item, "", name, "", None)]
        return [self._read(raw, item) for raw in raw_records]

    def _raw(self, record: object) -> Sequence[RawRecord]:
        name = self.source.name
        if not isinstance(record, dict):
            raise BadInput("record", "is not an object")
        if name in SOURCES and source_of(record) != name:
            raise BadInput("record", f"is not of the batch's source {name}")
        return self.source.read(record)

    def _read(self, raw: RawRecord, item: Item | None) -> SourceRecord:
        if self.epoch and self.source.counts_offsets and (raw.sent is None or not self.source.names_cluster):
            raw = replace(raw, key=f"{raw.key}@{self.epoch}")
        try:
            text, request = self._request(raw)
        except (NotAccepted, OutcomeUnknown) as failure:
            return SourceRecord(item, raw.key, raw.caller, "", failure)
        return SourceRecord(item, raw.key, raw.caller, text, request)

    def _request(self, raw: RawRecord) -> tuple[str, Operation | tuple[Operation, ...] | Refusal]:
        text = _shown(raw.content)
        is_old = self._is_old(raw.sent)
        try:
            text = self.source.text(raw.content)
            envelope = opened(text)
            is_old = is_old or (envelope is not None and self._is_old(envelope.sent))
            if is_old:
                # R11: the answer of a first delivery may be forgotten, so a repeat could not be told from it.
                return text, Refusal("is older than DEDUPE_WINDOW_S", for_parking=True)
            if self.source.takes_pages and is_page(text):
                return text, self._page(text)
            operation = read_operation(text, raw.key, raw.caller, self.receipt_key, self.window_s, envelope)
            self.rights.check(
                raw.caller,
                operation.caller,
                mode=operation.mode,
                group_id=operation.group_id,
                counters=operation.counters,
            )
            return text, _positioned(operation, raw)
        except BadInput as error:
            return text, Refusal(str(error), for_parking=is_old)

    def _page(self, text: str) -> tuple[Operation, ...]:
        # Pages are rare: a batch without one does not wait for the timer's modules.
        from handler.triggers.timer.pages import read_page  # noqa: PLC0415
        from handler.triggers.timer.tick import check_age  # noqa: PLC0415

        self.check_page(text)
        tick = read_page(text, self.receipt_key, self.window_s)
        check_age(tick, self._known_horizon())
        return tick.every

    def _is_old(self, sent: float | None) -> bool:
        return sent is not None and self._known_horizon().has_passed(sent)

    def _known_horizon(self) -> Horizon:
        if isinstance(self.horizon, Failure):
            raise self.horizon
        return self.horizon


def source_and_records(
    kind: Kind, event: Event, *, reports_offsets: bool = False
) -> tuple[Source | None, list[object]]:
    """The source of a batch, which is that of its first known record, and its records; None for an empty batch.

    `reports_offsets`: the mapping of Kafka takes partial replies.
    """
    if kind is Kind.EVENTBRIDGE:
        return EVENTBRIDGE, [event]
    if kind is Kind.KAFKA:
        return (REPORTING if reports_offsets else SOURCES)[str(event["eventSource"])], list(_kafka_records(event))
    # Every other kind of batch is recognised by its list.
    records = cast("list[object]", event["Records"])
    name = next(filter(None, map(source_of, records)), None)
    return (PIPED if kind is Kind.PIPES else SOURCES)[name] if name else None, records


def _positioned(operation: Operation, raw: RawRecord) -> Operation:
    """Identify the operation by its position alone, where the source delivers all records of its group in order (R13).

    A source may deliver several batches of a shard at the same time, but never two with records of one partition key.
    So only if that key is the group does the watermark of a position cover everything before it.
    """
    if operation.key != raw.key or operation.caller != raw.caller or raw.partition != operation.group_id:
        return operation
    return replace(operation, position=raw.position)


def _item(record: object, source: Source) -> Item | None:
    named = source.item(record) if source.item and isinstance(record, dict) else None
    if isinstance(named, Offset):
        return named
    return named if isinstance(named, str) and is_name(named) else None


def _kafka_records(event: Event) -> Iterator[object]:
    """The records of every partition in their order, each with what the event states once for all of them."""
    partitions = event["records"]
    stated = {"eventSource": event["eventSource"], "eventSourceArn": event.get("eventSourceArn")}
    for name, records in partitions.items() if isinstance(partitions, dict) else ():
        for record in records if isinstance(records, list) else [records]:
            yield {**record, **stated, "eventSourceKey": name} if isinstance(record, dict) else record


def _shown(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, bytes):
        return base64.b64encode(content).decode()
    try:
        return json.dumps(content, ensure_ascii=False, default=repr)
    except (TypeError, ValueError, RecursionError):
        return repr(type(content))


def _digest(text: str) -> str:
    """The id of a record without an identity of its own: a hash of its content."""
    return "record/" + hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()
