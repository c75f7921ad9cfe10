"""From an event of a source to its letters: each is one record, and what it asks for or what is wrong with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

from handler.core.errors import BadInput, NotAccepted, OutcomeUnknown
from handler.core.model.operation import Operation
from handler.core.quick import quick, replace
from handler.core.runtime.windows import Horizon
from handler.triggers.concurrency import Failure
from handler.triggers.event_kind import MSK_SOURCE, Event, Kind, source_of
from handler.triggers.sources.adapters import EVENTBRIDGE, MSK, NAME_CHARACTERS, SOURCES, RawRecord, Source
from handler.triggers.sources.delivery import Refusal
from handler.triggers.sources.message import read_operation
from handler.triggers.timer.pages import is_page, read_page
from handler.triggers.timer.tick import Tick, check_age


@quick
@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One record of a batch. `asks` is None where it asks for nothing, and a tick where it is a page of one.

    `item` is what a partial reply calls it, None where the source takes none or the record has no name. `id`, `origin`
    and `text` are what it is parked with.
    """

    item: str | None
    id: str
    origin: str
    text: str
    asks: Operation | Tick | Refusal | Failure | None

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What is to be brought to groups, in order: an operation, or all those of a page."""
        if isinstance(self.asks, Tick):
            return self.asks.every
        return (self.asks,) if isinstance(self.asks, Operation) else ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What operations are made with. `horizon` is the failure of the ledger or the vault where it is not known.

    `check_page` raises BadInput for a page that was made by hand; `epoch` is part of the keys of Kafka's records that
    tell no time of their own.
    """

    receipt_key: str
    window_s: float
    horizon: Horizon | Failure
    check_page: Callable[[str], None]
    epoch: str

    def has_passed(self, sent: float | None) -> bool:
        """Whether the answer of a first delivery may be forgotten (R11). Raises the failure."""
        if sent is None:
            return False
        return self.known_horizon().has_passed(sent)

    def known_horizon(self) -> Horizon:
        """The horizon. Raises the failure."""
        if isinstance(self.horizon, Failure):
            raise self.horizon
        return self.horizon


def source_and_records(kind: Kind, event: Event) -> tuple[Source | None, list[object]]:
    """The one source of a batch, that of its first record of any source; none for an empty batch."""
    if kind is Kind.EVENTBRIDGE:
        return EVENTBRIDGE, [event]
    if kind is Kind.MSK:
        return MSK, list(_msk_records(event))
    # Every other kind of batch is recognised by its list.
    records = cast("list[object]", event["Records"])
    name = next(filter(None, map(source_of, records)), None)
    return SOURCES[name] if name else None, records


def read_record(record: object, source: Source, reading: Reading) -> SourceRecord:
    """Read one record, whatever it is."""
    item = _item(record, source)
    try:
        delivery = _delivery(record, source, reading.epoch)
    except BadInput as error:
        text = _shown(record)
        return SourceRecord(item, _digest(text), source.name, text, Refusal(str(error)))
    if delivery is None:
        return SourceRecord(item, "", source.name, "", None)
    try:
        text, asks = _asked(delivery, source, reading)
    except (NotAccepted, OutcomeUnknown) as failure:
        return SourceRecord(item, delivery.key, delivery.caller, "", failure)
    return SourceRecord(item, delivery.key, delivery.caller, text, asks)


def _asked(delivery: RawRecord, source: Source, reading: Reading) -> tuple[str, Operation | Tick | Refusal]:
    text = _shown(delivery.content)
    old = reading.has_passed(delivery.sent)
    try:
        text = source.text(delivery.content)
        if old:
            # R11: the answer of its first delivery may be forgotten, so nobody could tell whether it ran.
            return text, Refusal("is older than DEDUPE_WINDOW_S", for_parking=True)
        if source.takes_pages and is_page(text):
            reading.check_page(text)
            tick = read_page(text, reading.receipt_key, reading.window_s)
            check_age(tick, reading.known_horizon())
            return text, tick
        key, caller = delivery.key, delivery.caller
        return text, _placed(read_operation(text, key, caller, reading.receipt_key, reading.window_s), delivery)
    except BadInput as error:
        return text, Refusal(str(error), for_parking=old)


def _placed(operation: Operation, delivery: RawRecord) -> Operation:
    """The operation, known by its position where the source delivers all of its group in order, and by nothing else.

    A source may have several batches of a shard under way at once, but never two with records of one partition key. So
    only where that is the group itself has whatever comes before in the shard been accepted before.
    """
    if operation.key != delivery.key or operation.caller != delivery.caller or delivery.partition != operation.group_id:
        return operation
    group_id, mode, counters, window_s = operation.group_id, operation.mode, operation.counters, operation.window_s
    known_by = delivery.caller, delivery.key, window_s, delivery.position
    return Operation(group_id, mode, counters, *known_by, operation.origin)


def _delivery(record: object, source: Source, epoch: str) -> RawRecord | None:
    if not isinstance(record, dict):
        raise BadInput("record", "is not an object")
    if source.name in SOURCES and source_of(record) != source.name:
        raise BadInput("record", f"is not of the batch's source {source.name}")
    delivery = source.read(record)
    if delivery is not None and epoch and source.counts_offsets and delivery.sent is None:
        return replace(delivery, key=f"{delivery.key}@{epoch}")
    return delivery


def _item(record: object, source: Source) -> str | None:
    named = source.item(record) if source.item and isinstance(record, dict) else None
    return named if isinstance(named, str) and 1 <= len(named) <= NAME_CHARACTERS and named.isprintable() else None


def _msk_records(event: Event) -> Iterator[object]:
    """Every partition's records in their order, each with the ARN that the event says once for all of them."""
    partitions = event["records"]
    for records in partitions.values() if isinstance(partitions, dict) else ():
        for record in records if isinstance(records, list) else [records]:
            origin = {"eventSource": MSK_SOURCE, "eventSourceArn": event.get("eventSourceArn")}
            yield {**record, **origin} if isinstance(record, dict) else record


def _shown(content: object) -> str:
    if isinstance(content, str):
        return content
    try:
        return json.dumps(content, ensure_ascii=False, default=repr)
    except (TypeError, ValueError, RecursionError):
        return repr(type(content))


def _digest(text: str) -> str:
    """A record that shows no identity is known by what it holds."""
    return "record/" + hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()
