"""Event sources: read every record, accept group by group, park what will never be executed, and reply.

A record is acknowledged once its operation is accepted, finished or not: the next worker at its group finishes it, or
the sweep. A repeated record finds its own key and counts nothing twice. A parked record is our dead letter: it is kept
for an operator, with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import TypeAlias

from msgspec import to_builtins

from handler.core.errors import NotAccepted, OutcomeUnknown
from handler.core.model.operation import Operation
from handler.core.ports.ledger import Parked
from handler.core.ports.system import Evidence, Notice, naming
from handler.core.runtime.instance import TimeBudget
from handler.core.runtime.windows import Horizon
from handler.triggers.concurrency import Failure, contained, each
from handler.triggers.context import AppContext
from handler.triggers.event_kind import Event, Kind
from handler.triggers.invocation import Invocation
from handler.triggers.rights import RecordRights
from handler.triggers.sources.delivery import Refusal, check_time, deliver, time_budget
from handler.triggers.sources.records import Item, RecordReader, SourceRecord, source_and_records
from handler.triggers.sources.source import Source

# Nearly every valid payload is shorter than this, and an operator needs no more of an invalid one.
PARKED_BYTES = 32 * 1024


class Done(Enum):
    """Why a record needs no further delivery."""

    ACCEPTED = "accepted"
    PARKED = "parked"
    IGNORED = "ignored"


Result: TypeAlias = Done | Refusal | Failure


def run(kind: Kind, event: Event, invocation: Invocation, context: AppContext) -> dict[str, object]:
    """Execute a batch. Return a partial reply if the source takes one, else counts: SCF logs what is returned.

    Raises NotAccepted or OutcomeUnknown if a record was neither accepted nor parked and the reply cannot name it: the
    platform then delivers the batch again. Everything else is done by then.
    """
    source, raw_records = source_and_records(kind, event, reports_offsets=context.reports_offsets)
    if source is None:
        return {"batchItemFailures": []}
    context.check_limits(invocation)
    reader = _reader(source, context)
    records = [record for raw in raw_records for record in reader.read(raw)]
    groups = _by_group(records)
    budget = time_budget(invocation, len(groups), gives_back=source.takes_back)
    delivered = _delivered(records, groups, context, budget)
    results = _parked(records, delivered, context, budget, takes_back=source.takes_back)
    _report(source, records, results, context)
    _raise_for_unnamed(records, results)
    if source.item is None:
        counts = Counter(results)
        return {done.value: counts[done] for done in Done}
    return {"batchItemFailures": [{"itemIdentifier": to_builtins(item)} for item in _failed(records, results, context)]}


def _report(source: Source, records: Sequence[SourceRecord], results: Sequence[Result], context: AppContext) -> None:
    """Say in one line what became of the batch, and which operations it brought: sources get no other answer."""
    accepted = [
        operation.id
        for record, result in zip(records, results, strict=True)
        if result is Done.ACCEPTED
        for operation in record.operations
    ]
    counts = Counter(result.value if isinstance(result, Done) else "failed" for result in results)
    told = {"source": source.name, "records": len(records), **counts, **naming(accepted)}
    context.instance.reporter.report(Notice.DELIVERED, len(accepted), **told)


def _reader(source: Source, context: AppContext) -> RecordReader:
    """A reader of the source's records; without a known horizon it fails those that have a time."""
    horizon: Horizon | Failure
    try:
        horizon = context.horizon()
    except (NotAccepted, OutcomeUnknown) as failure:
        horizon = failure
    return RecordReader(
        source=source,
        receipt_key=context.instance.rules.receipt_key,
        window_s=context.window_s,
        horizon=horizon,
        check_page=partial(_check_page, context),
        rights=RecordRights(context.vault.current, context.instance.clock.now()),
        epoch=context.source_epoch,
    )


def _check_page(context: AppContext, text: str) -> None:
    from handler.triggers.timer.pages import check_genuine  # noqa: PLC0415  # pages are rare

    check_genuine(text, context.vault, context.instance.reporter)


def _by_group(records: Sequence[SourceRecord]) -> dict[str, list[Operation]]:
    groups: dict[str, list[Operation]] = {}
    for record in records:
        for operation in record.operations:
            groups.setdefault(operation.group_id, []).append(operation)
    return groups


def _delivered(
    records: Sequence[SourceRecord], groups: Mapping[str, Sequence[Operation]], context: AppContext, budget: TimeBudget
) -> list[Result]:
    """Deliver every operation to its group, and return the result of each record."""
    if not groups:
        return [_result(record, {}) for record in records]
    counters, instance = context.counters(), context.instance
    instance.updates.expect(len(groups))

    def delivered(group_id: str) -> list[Refusal | Failure | None]:
        return deliver(group_id, groups[group_id], counters, instance, budget)

    in_order = {group_id: iter(results) for group_id, results in each(groups, delivered).items()}
    return [_result(record, in_order) for record in records]


def _result(record: SourceRecord, delivered: Mapping[str, Iterator[Refusal | Failure | None]]) -> Result:
    """The result of a record; the results of each group are in the order of its records."""
    request = record.request
    if request is None:
        return Done.IGNORED
    if isinstance(request, Operation):
        return next(delivered[request.group_id]) or Done.ACCEPTED
    if isinstance(request, tuple):
        return _result_of_page([next(delivered[operation.group_id]) for operation in request])
    return request


def _result_of_page(results: Sequence[Refusal | Failure | None]) -> Result:
    """A page is delivered again if one of its groups was not accepted, but not if the vendor rejected an operation."""
    failure = next((result for result in results if isinstance(result, Failure)), None)
    refusal = next((result for result in results if isinstance(result, Refusal) and not result.is_reported), None)
    return failure or refusal or Done.ACCEPTED


def _parked(
    records: Sequence[SourceRecord],
    results: Sequence[Result],
    context: AppContext,
    budget: TimeBudget,
    *,
    takes_back: bool,
) -> list[Result]:
    """Park each refused record that its source does not take back, or that no later delivery can help.

    A stream would deliver it again and again before all other records, and then drop it.
    """
    refused = {
        place: result
        for place, (record, result) in enumerate(zip(records, results, strict=True))
        if isinstance(result, Refusal) and (record.item is None or result.for_parking or not takes_back)
    }

    def parked(place: int) -> Result:
        if refused[place].is_noted and not takes_back:
            return Done.PARKED
        check_time(budget, context.instance.clock)
        park(records[place], refused[place].reason, context)
        return Done.PARKED

    reporter = context.instance.reporter
    settled = each(refused, lambda place: contained(lambda: parked(place), reporter, record=records[place].id))
    return [settled.get(place, result) for place, result in enumerate(results)]


def park(record: SourceRecord, reason: str, context: AppContext) -> None:
    """Keep a record for an operator. Raises LedgerUnavailable, AnswerLost or SecretUnavailable."""
    payload = record.text.encode(errors="backslashreplace")[:PARKED_BYTES].decode(errors="ignore")
    parked = Parked(record.id, record.source, reason, context.instance.clock.now(), payload)
    context.instance.park(context.sdkappid, parked)
    context.instance.reporter.report(Notice.PARKED, reason=reason, **_whose(record))


def _whose(record: SourceRecord) -> Evidence:
    """Evidence of a record, and of its operation where it could be read."""
    whose: Evidence = {"record": record.id, "source": record.source}
    request = record.request
    return whose | {"group": request.group_id, "operation": request.id} if isinstance(request, Operation) else whose


def _raise_for_unnamed(records: Sequence[SourceRecord], results: Sequence[Result]) -> None:
    failures = [
        result
        for record, result in zip(records, results, strict=True)
        if record.item is None and isinstance(result, Failure)
    ]
    if not failures:
        return
    problem = f"{len(failures)} of {len(records)} records were not accepted, deliver them again: {failures[0]}"
    if any(isinstance(failure, OutcomeUnknown) for failure in failures):
        raise OutcomeUnknown(problem)
    raise NotAccepted(problem)


def _failed(records: Sequence[SourceRecord], results: Sequence[Result], context: AppContext) -> Iterable[Item]:
    """The reply's name of each failed record, each once; reports each refusal that the log does not have yet."""
    failed: dict[Item, None] = {}
    for record, result in zip(records, results, strict=True):
        if isinstance(result, Done) or record.item is None:
            continue
        failed[record.item] = None
        if isinstance(result, Refusal) and not result.is_reported:
            context.instance.reporter.report(Notice.REJECTED, reason=result.reason, **_whose(record))
    return failed
