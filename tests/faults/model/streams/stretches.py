"""Records of a stream that are added up before they are accepted, and taken apart where they are refused (R13, R6).

Batches come whole, halved and again, side by side. How records are added up, what an append finds, and what becomes of
a stretch that is refused, is asked of `handler.core`; that the watermark is a record of its own is another world.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from msgspec.structs import replace

from handler.core.model.operation import KEYS_PER_GROUP, NO_WATERMARKS, Mode, Watermarks
from handler.core.model.outcome import Rejected
from handler.core.model.placed import Content, Place, Placed
from handler.core.model.row import Attempt, Entry, Row
from handler.core.state import transitions
from handler.core.state.folding import Asked
from handler.core.state.merge import next_run, payload_of
from handler.core.state.parting import can_be_parted
from handler.core.state.transitions import Change, CounterReading
from handler.core.state.watermarks import sorted_out
from tests.faults.model.checker import replaced

DOUBLE = "DOUBLE"
INNOCENT = "REJECTED FOR ANOTHER'S FAULT"
WRONG_VALUE = "WRONG VALUE"
UNFINISHED = "UNFINISHED"

SHARD = Place("shard")
KEY = "k"
SEEN = CounterReading({}, later=True, at=0.0)
REFUSED = Rejected(10004, "")


class State(NamedTuple):
    """`mark` is the watermark, `seen` what each delivery has been told of it, and `taken` says which have been taken.

    `counted` and `rejected` are how many records of each content were.
    """

    row: Row
    seen: tuple[str, ...]
    taken: tuple[bool, ...]
    counted: tuple[int, ...]
    rejected: tuple[int, ...]
    mark: str = ""
    value: int = 0
    lost: int = 1
    """How many calls may still be lost."""
    full: int = 1
    """How often the row may have no room for an operation."""


Moves = Iterator[tuple[str, State]]


@dataclass(frozen=True)
class Rules:
    """What holds; each can be left out."""

    a_set_ends_a_stretch: bool = True
    what_is_beyond_is_added_up_again: bool = True
    nothing_is_accepted_behind_what_was_not: bool = True
    stretches_are_parted: bool = True
    shared_contents_are_halved: bool = True


@dataclass(frozen=True)
class Stretches:
    """The records of a shard, each with a Mode and an amount, and the batches of them, from 1 on.

    The API refuses the amounts in `bad`, and whatever would bring the counter over `most`.
    """

    records: tuple[tuple[Mode, int], ...]
    batches: Sequence[tuple[int, int]]
    bad: frozenset[int] = frozenset()
    most: int = 1000
    rules: Rules = field(default_factory=Rules)

    def initial(self) -> State:
        none = (0,) * len(self._contents)
        row = Row(version=0, generation=1, receipt_key="_receipt", base=0)
        return State(row, ("",) * len(self.batches), (False,) * len(self.batches), none, none)

    def moves(self, state: State) -> Moves:
        for number, (first, last) in enumerate(self.batches):
            if not state.taken[number] and self._is_delivered(state, first):
                for what, after in self._accept(state, number):
                    yield f"batch {first}-{last} {what}", after
        row = state.row
        if row.attempt is not None:
            yield self._called(state, row.attempt)
            if state.lost:
                yield "the call IS LOST", self._put(state._replace(lost=state.lost - 1), transitions.not_landed(row))
        elif row.queue:
            run = next_run(row.queue, {}, KEYS_PER_GROUP)
            attempt = Attempt(id="", weight=1, mode=run[0].mode, entries=run, signed_at=0, life_s=0)
            yield "a call is opened", self._put(state, Change(row.opened(attempt, row.queue[len(run) :])))

    def _is_delivered(self, state: State, first: int) -> bool:
        """A source delivers what stands behind others once those were taken."""
        taken = [batch for batch, is_taken in zip(self.batches, state.taken, strict=True) if is_taken]
        return all(any(begins <= earlier <= ends for begins, ends in taken) for earlier in range(1, first))

    def _accept(self, state: State, number: int) -> Moves:
        """One step of the store: it takes what is offered, or tells how far its watermark has come amid that."""
        passed = {SHARD.partition: state.seen[number]} if state.seen[number] else NO_WATERMARKS
        entries = self._offered(number, passed)
        marks = {SHARD.partition: state.mark} if state.mark else NO_WATERMARKS
        found = sorted_out(entries, state.row, {}, marks)
        if found.within and self.rules.what_is_beyond_is_added_up_again:
            seen = replaced(state.seen, number, found.within[SHARD.partition])
            yield "finds some of it accepted", state._replace(seen=seen)
            return
        fresh = entries if found.within else found.fresh
        yield "is accepted", self._appended(state._replace(taken=replaced(state.taken, number, item=True)), fresh)
        if state.full:
            for at in range(len(fresh)):
                behind = () if self.rules.nothing_is_accepted_behind_what_was_not else fresh[at + 1 :]
                part = self._appended(state._replace(full=state.full - 1), fresh[:at] + behind)
                yield f"finds NO ROOM for operation {at + 1}, and fails", part

    def _offered(self, number: int, passed: Watermarks) -> tuple[Entry, ...]:
        first, last = self.batches[number]
        items = [
            Placed(SHARD, (self._contents[self._content_of[at]],), (str(at + 1),)) for at in range(first - 1, last)
        ]
        if self.rules.a_set_ends_a_stretch:
            return Asked.of(items, KEYS_PER_GROUP).beyond(passed)
        return Asked(sorted(items, key=lambda item: item.mode is Mode.SET), KEYS_PER_GROUP).beyond(passed)

    def _appended(self, state: State, entries: tuple[Entry, ...]) -> State:
        return self._put(state, Change(transitions.appended(state.row, entries))) if entries else state

    def _called(self, state: State, attempt: Attempt) -> tuple[str, State]:
        """The call lands, or is refused and split, parted or rejected (R6)."""
        amount = payload_of(attempt)[KEY]
        value = amount if attempt.mode is Mode.SET else state.value + attempt.mode.sign * amount
        is_bad = any(dict(part.counters)[KEY] in self.bad for entry in attempt.entries for part in entry.parts)
        if value <= self.most and not is_bad:
            landed = self._put(state._replace(value=value), transitions.landed(state.row, 0, {attempt.id: 1}, SEEN))
            return "the call LANDS", landed._replace(counted=self._with(state.counted, attempt.mode, attempt.entries))
        if len(attempt.entries) > 1:
            return "the call IS REFUSED, and split", self._put(state, transitions.refused(state.row, split=True))
        if self._can_be_parted(attempt.entries[0]):
            return "the call IS REFUSED, and parted", self._put(state, transitions.parted(state.row))
        change = transitions.answered(state.row, REFUSED, 0.0)
        ended = [entry for entry in state.row.owed if entry.id in change.records]
        rejected = self._with(state.rejected, attempt.mode, ended)
        return "the call IS REFUSED for good", self._put(state._replace(rejected=rejected), change)

    def _can_be_parted(self, entry: Entry) -> bool:
        is_wanted = self.rules.shared_contents_are_halved or len(entry.parts) > 1
        return can_be_parted(entry) and is_wanted and self.rules.stretches_are_parted

    def _put(self, state: State, change: Change) -> State:
        """The row is written, and with it the watermark of what has its answer."""
        row = replace(change.row, version=0, remembered=())
        return state._replace(row=row, mark=max(state.mark, change.watermarks.get(SHARD.partition, "")))

    def _with(self, times: tuple[int, ...], mode: Mode, entries: Sequence[Entry]) -> tuple[int, ...]:
        more = Counter[Content]()
        for part in (part for entry in entries for part in entry.parts):
            more[Content(mode, part.counters)] += part.times
        return tuple(known + more[content] for known, content in zip(times, self._contents, strict=True))

    @cached_property
    def _contents(self) -> list[Content]:
        """The distinct contents, in the order of their first records."""
        return [Content(mode, ((KEY, amount),)) for mode, amount in dict.fromkeys(self.records)]

    @cached_property
    def _content_of(self) -> list[int]:
        distinct = list(dict.fromkeys(self.records))
        return [distinct.index(record) for record in self.records]

    def _due(self, content: int) -> int:
        """How many records of this content have to be rejected, where all others fit."""
        [(_, amount)] = self._contents[content].counters
        asked = self._content_of.count(content)
        return asked if amount in self.bad else max(0, asked - self.most)

    def broken(self, state: State) -> Iterator[str]:
        for content, times in enumerate(state.counted):
            if times + state.rejected[content] > self._content_of.count(content):
                yield DOUBLE
            if state.rejected[content] > self._due(content):
                yield INNOCENT

    def broken_at_end(self, state: State) -> Iterator[str]:
        """All records are counted or rejected, and the counter is what they come to in their order."""
        value = 0
        for mode, amount in self.records:
            if amount not in self.bad:
                value = amount if mode is Mode.SET else min(value + mode.sign * amount, self.most)
        known = [one + other for one, other in zip(state.counted, state.rejected, strict=True)]
        if state.row.owed or any(times < self._content_of.count(number) for number, times in enumerate(known)):
            yield UNFINISHED
        elif state.value != value:
            yield WRONG_VALUE
