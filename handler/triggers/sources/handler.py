"""Event sources: read every record, accept group by group, put aside what will never be executed, and reply.

A record is acknowledged once its operation is accepted, finished or not: whoever comes to the group next, or the sweep,
finishes it. A repeated record finds its own key and counts nothing twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import TypeAlias

from handler.core.errors import NotAccepted, OutcomeUnknown
from handler.core.model.operation import Operation
from handler.core.ports.system import Notice
from handler.core.runtime.windows import Horizon
from handler.triggers.concurrency import Failure, contained, each
from handler.triggers.context import AppContext
from handler.triggers.event_kind import Event, Kind
from handler.triggers.invocation import Invocation
from handler.triggers.sources.delivery import Refusal, Times, deliver
from handler.triggers.sources.parking import park
from handler.triggers.sources.records import Reading, SourceRecord, read_record, source_and_records
from handler.triggers.timer.pages import check_genuine


class Done(Enum):
    """Why a record needs no further delivery."""

    ACCEPTED = "accepted"
    PARKED = "parked"
    IGNORED = "ignored"


Fate: TypeAlias = Done | Refusal | Failure


def run(kind: Kind, event: Event, invocation: Invocation, context: AppContext) -> dict[str, object]:
    """Do what a batch asks for; a partial reply where the source takes one, else counts: SCF logs what is returned.

    Raises NotAccepted or OutcomeUnknown, once all that could be done is done, if some record was neither accepted nor
    parked and cannot be named in the reply: the platform then delivers the batch again.
    """
    source, records = source_and_records(kind, event)
    if source is None:
        return {"batchItemFailures": []}
    context.check_limits(invocation)
    reading = _reading(context)
    letters = [read_record(record, source, reading) for record in records]
    groups = _by_group(letters)
    times = Times.of(invocation, len(groups))
    delivered = _delivered(letters, groups, context, times, gives_back=source.takes_back)
    fates = _parked(letters, delivered, context, times, takes_back=source.takes_back)
    _raise_for_unnamed(letters, fates)
    if source.item is None:
        counts = Counter(fates)
        return {done.value: counts[done] for done in Done}
    return {"batchItemFailures": [{"itemIdentifier": item} for item in _failed(letters, fates, context)]}


def _reading(context: AppContext) -> Reading:
    """What records are read with; where it is not known how far back answers are kept, those with a time fail."""
    horizon: Horizon | Failure
    try:
        horizon = context.horizon()
    except (NotAccepted, OutcomeUnknown) as failure:
        horizon = failure
    check_page = partial(check_genuine, vault=context.vault, reporter=context.instance.reporter)
    return Reading(context.instance.rules.receipt_key, context.window_s, horizon, check_page, context.source_epoch)


def _by_group(letters: Sequence[SourceRecord]) -> dict[str, list[Operation]]:
    groups: dict[str, list[Operation]] = {}
    for letter in letters:
        for operation in letter.operations:
            groups.setdefault(operation.group_id, []).append(operation)
    return groups


def _delivered(
    letters: Sequence[SourceRecord],
    groups: Mapping[str, Sequence[Operation]],
    context: AppContext,
    times: Times,
    *,
    gives_back: bool,
) -> list[Fate]:
    """Bring every operation to its group."""
    if not groups:
        return [_fate(letter, {}) for letter in letters]
    counters, instance = context.counters(), context.instance
    instance.pace.expect(len(groups))

    def brought(group_id: str) -> list[Refusal | Failure | None]:
        return deliver(group_id, groups[group_id], counters, instance, times, gives_back=gives_back)

    delivered = each(groups, brought)
    in_order = {group_id: iter(results) for group_id, results in delivered.items()}
    return [_fate(letter, in_order) for letter in letters]


def _fate(letter: SourceRecord, delivered: Mapping[str, Iterator[Refusal | Failure | None]]) -> Fate:
    """What became of a letter; each group's results are in the order of its letters."""
    if letter.asks is None:
        return Done.IGNORED
    if isinstance(letter.asks, Refusal | Failure):
        return letter.asks
    if isinstance(letter.asks, Operation):
        return next(delivered[letter.asks.group_id]) or Done.ACCEPTED
    return _fate_of_page([next(delivered[operation.group_id]) for operation in letter.operations])


def _fate_of_page(fates: Sequence[Refusal | Failure | None]) -> Fate:
    """A page is as its timer's event: delivered again for a group that was not accepted, but not for a vendor's no."""
    failure = next((fate for fate in fates if isinstance(fate, Failure)), None)
    refusal = next((fate for fate in fates if isinstance(fate, Refusal) and not fate.is_told), None)
    return failure or refusal or Done.ACCEPTED


def _parked(
    letters: Sequence[SourceRecord], fates: Sequence[Fate], context: AppContext, times: Times, *, takes_back: bool
) -> list[Fate]:
    """Park what will never be executed, where its source would not keep it or no delivery would help.

    A stream would deliver it again and again before all else, and then give it up.
    """
    refused = {
        place: fate
        for place, (letter, fate) in enumerate(zip(letters, fates, strict=True))
        if isinstance(fate, Refusal) and (letter.item is None or fate.for_parking or not takes_back)
    }

    def parked(place: int) -> Fate:
        if refused[place].is_noted and not takes_back:
            return Done.PARKED
        times.check(context.instance.clock)
        park(letters[place], refused[place].reason, context)
        return Done.PARKED

    reporter = context.instance.reporter
    settled = each(refused, lambda place: contained(lambda: parked(place), reporter, record=letters[place].id))
    return [settled.get(place, fate) for place, fate in enumerate(fates)]


def _raise_for_unnamed(letters: Sequence[SourceRecord], fates: Sequence[Fate]) -> None:
    failures = [
        fate for letter, fate in zip(letters, fates, strict=True) if letter.item is None and isinstance(fate, Failure)
    ]
    if not failures:
        return
    problem = f"{len(failures)} of {len(letters)} records were not accepted, deliver them again: {failures[0]}"
    if any(isinstance(failure, OutcomeUnknown) for failure in failures):
        raise OutcomeUnknown(problem)
    raise NotAccepted(problem)


def _failed(letters: Sequence[SourceRecord], fates: Sequence[Fate], context: AppContext) -> Iterable[str]:
    """What the reply calls the records that failed, each once; a reason that nobody has told of yet is reported."""
    failed: dict[str, None] = {}
    for letter, fate in zip(letters, fates, strict=True):
        if isinstance(fate, Done) or letter.item is None:
            continue
        failed[letter.item] = None
        if isinstance(fate, Refusal) and not fate.is_told:
            context.instance.reporter.report(
                Notice.REJECTED, record=letter.id, source=letter.origin, reason=fate.reason
            )
    return failed
