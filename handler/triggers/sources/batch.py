"""The records of one event, in order, and what they ask of each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TypeAlias

import msgspec

from handler.core.model.operation import Mode, Operation
from handler.core.model.placed import Content, Place, Placed
from handler.triggers.concurrency import Failure
from handler.triggers.sources.delivery import Refusal
from handler.triggers.sources.records import RecordReader, SourceRecord


class Done(Enum):
    """Why a record needs no further delivery."""

    ACCEPTED = "accepted"
    PARKED = "parked"
    IGNORED = "ignored"


Result: TypeAlias = Done | Refusal | Failure


class Batch:
    """Records are known by their numbers; one of a stream is read in full only where something is wrong with it."""

    def __init__(self, reader: RecordReader, raw_records: Sequence[object]) -> None:
        self._reader = reader
        self._raw: list[object] = []
        self._read: dict[int, SourceRecord] = {}
        self._asking: dict[str, list[int]] = {}
        self.groups: dict[str, list[Operation | Placed]] = {}
        """What is asked of each group, in the order of the records."""
        self._growing: dict[str, _Growing] = {}
        stream = reader.stream_reader()
        if stream is None:
            for raw in raw_records:
                self._add(raw)
            return
        for raw, found in zip(raw_records, stream.read(raw_records), strict=True):
            if found is None:
                self._add(raw)
            else:
                self._place(*found)
                self._raw.append(raw)

    def __len__(self) -> int:
        """How many records there are, those of an aggregate counted one by one."""
        return len(self._raw)

    def record(self, number: int) -> SourceRecord:
        """A record as it is parked, and as the reply names it."""
        return self._read.get(number) or self._reader.read(self._raw[number])[0]

    def results(self, delivered: Mapping[str, Sequence[Refusal | Failure | None]]) -> list[Result]:
        """What became of each record, by what became of all that was asked of each group."""
        results: list[Result] = [Done.ACCEPTED] * len(self)
        pages: dict[int, list[Refusal | Failure]] = {}
        for group_id, told in delivered.items():
            for number, result in zip(self._asking[group_id], told, strict=True):
                if result is not None:
                    results[number] = result
                    pages.setdefault(number, []).append(result)
        for number, record in self._read.items():
            if isinstance(record.request, tuple):
                results[number] = _result_of_page(pages.get(number, ()))
            elif not isinstance(record.request, Operation):
                results[number] = record.request or Done.IGNORED
        return results

    def operations(self, results: Sequence[Result]) -> list[str]:
        """The ids of the operations that were accepted; a stream's records that were added up have none."""
        return [
            operation.id
            for number, record in self._read.items()
            if results[number] is Done.ACCEPTED
            for operation in record.operations
        ]

    def _add(self, raw: object) -> None:
        for record in self._reader.read(raw):
            self._read[len(self)] = record
            for operation in record.operations:
                self._ask(operation.group_id, operation)
            self._raw.append(raw)

    def _ask(self, group_id: str, operation: Operation) -> None:
        """Ask this of a group, for the record that comes next."""
        self.groups.setdefault(group_id, []).append(operation)
        self._asking.setdefault(group_id, []).append(len(self._raw))
        self._growing.pop(group_id, None)

    def _place(self, group_id: str, place: Place, content: Content, sequence: str) -> None:
        """Ask this of a group, for the record that comes next, together with those that it follows in its place."""
        last = self._growing.get(group_id)
        if last is None or last.mode is not content.mode or last.place is not place:
            last = _Growing(place, content.mode, numbers=self._asking.setdefault(group_id, []))
            self._growing[group_id] = last
            self.groups.setdefault(group_id, []).append(Placed(place, last.contents, last.sequences))
        last.contents.append(content)
        last.sequences.append(sequence)
        last.numbers.append(len(self._raw))


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
