"""The records of one event, in order, and what they ask of each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TypeAlias

import msgspec

from handler.core.model.operation import Mode, Operation
from handler.core.model.placed import Content, Place, Placed
from handler.triggers.concurrency import Failure
from handler.triggers.sources.queue import QueueReader
from handler.triggers.sources.records import RecordReader, Refusal, SourceRecord
from handler.triggers.sources.stream import Request, StreamReader


class Done(Enum):
    """Why a record needs no further delivery."""

    ACCEPTED = "accepted"
    PARKED = "parked"
    IGNORED = "ignored"


Result: TypeAlias = Done | Refusal | Failure


class Batch:
    """Records are known by their numbers; most are read in full only where something is wrong with them."""

    def __init__(self, reader: RecordReader, raw_records: Sequence[object]) -> None:
        self._reader = reader
        self._raw: list[object] = []
        self._read: dict[int, SourceRecord] = {}
        self._asking: dict[str, list[int]] = {}
        self.groups: dict[str, list[Operation | Placed]] = {}
        """What is asked of each group, in the order of the records."""
        self._growing: dict[str, _Growing] = {}
        self._operations: list[tuple[int, Operation]] = []
        """Each with the number of its record."""
        stream, queue = reader.stream_reader(), reader.queue_reader()
        if stream is not None:
            self._read_stream(stream, raw_records)
        elif queue is not None:
            self._read_queue(queue, raw_records)
        else:
            for raw in raw_records:
                self._add(raw)

    def __len__(self) -> int:
        """How many records there are, those of an aggregate counted one by one."""
        return len(self._raw)

    def record(self, number: int) -> SourceRecord:
        """A record as it is parked, and as the reply names it."""
        return self._read.get(number) or self._reader.read(self._raw[number])[0]

    def others(self, delivered: Mapping[str, Sequence[Refusal | Failure | None]]) -> dict[int, Result]:
        """What became of each record that was not accepted, by what became of all that was asked of each group."""
        others: dict[int, Result] = {}
        pages: dict[int, list[Refusal | Failure]] = {}
        for group_id, told in delivered.items():
            # Nearly always nothing is, of ten thousand records perhaps.
            if told.count(None) == len(told):
                continue
            for number, result in zip(self._asking[group_id], told, strict=True):
                if result is not None:
                    others[number] = result
                    pages.setdefault(number, []).append(result)
        for number, record in self._read.items():
            if isinstance(record.request, tuple):
                others[number] = _result_of_page(pages.get(number, ()))
            elif not isinstance(record.request, Operation):
                others[number] = record.request or Done.IGNORED
        return {number: others[number] for number in sorted(others) if others[number] is not Done.ACCEPTED}

    def operations(self, others: Mapping[int, Result]) -> list[Operation]:
        """The operations that were accepted; a stream's records that were added up are none."""
        return [operation for number, operation in self._operations if number not in others]

    def _read_stream(self, stream: StreamReader, raw_records: Sequence[object]) -> None:
        """Read the records of a stream; those that follow one another in a group and a place stand together."""
        for raw, found in zip(raw_records, stream.read(raw_records), strict=True):
            if found is None:
                self._add(raw)
                continue
            request, sequence = found
            last = self._growing.get(request.group_id)
            if last is None or last.mode is not request.content.mode or last.place is not request.place:
                last = self._begun(request)
            last.contents.append(request.content)
            last.sequences.append(sequence)
            last.numbers.append(len(self._raw))
            self._raw.append(raw)

    def _begun(self, request: Request) -> _Growing:
        """What the records of the group that come next stand together in, behind all that was asked of it before."""
        numbers = self._asking.setdefault(request.group_id, [])
        begun = self._growing[request.group_id] = _Growing(request.place, request.content.mode, numbers)
        self.groups.setdefault(request.group_id, []).append(Placed(begun.place, begun.contents, begun.sequences))
        return begun

    def _read_queue(self, queue: QueueReader, raw_records: Sequence[object]) -> None:
        for raw, operation in zip(raw_records, queue.read(raw_records), strict=True):
            if operation is None:
                self._add(raw)
                continue
            self._ask(operation)
            self._raw.append(raw)

    def _add(self, raw: object) -> None:
        for record in self._reader.read(raw):
            self._read[len(self._raw)] = record
            for operation in record.operations:
                self._ask(operation)
            self._raw.append(raw)

    def _ask(self, operation: Operation) -> None:
        """Ask this of its group, for the record that comes next."""
        group_id, number = operation.group_id, len(self._raw)
        self.groups.setdefault(group_id, []).append(operation)
        self._asking.setdefault(group_id, []).append(number)
        self._operations.append((number, operation))
        self._growing.pop(group_id, None)


class _Growing(msgspec.Struct):
    """What the last of a group's `Placed` holds while the batch is read; `numbers` are those of all its records."""

    place: Place
    mode: Mode
    numbers: list[int]
    contents: list[Content] = []
    sequences: list[str] = []


def _result_of_page(results: Sequence[Refusal | Failure]) -> Result:
    """A page is delivered again if one of its groups was not accepted, but not if the vendor rejected an operation."""
    failure = next((result for result in results if isinstance(result, Failure)), None)
    refusal = next((result for result in results if isinstance(result, Refusal) and not result.is_reported), None)
    return failure or refusal or Done.ACCEPTED
