"""Event sources: read every record, accept group by group, park what will never be executed, and reply.

A record is acknowledged once its operation is accepted, finished or not: the next worker at its group finishes it, or
the sweep. A repeated record finds its own key and counts nothing twice. A parked record is our dead letter: it is kept
for an operator, with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from msgspec import to_builtins

from handler.core.errors import GroupFailed, NotAccepted, OutcomeUnknown, TooManyCalls
from handler.core.model.operation import Operation
from handler.core.ports.ledger import Parked
from handler.core.ports.system import NAMED_MAX, Evidence, Notice, Reporter, naming
from handler.core.runtime.instance import TimeBudget
from handler.core.runtime.windows import Horizon
from handler.triggers.concurrency import Failure, contained, each
from handler.triggers.context import AppContext
from handler.triggers.event_kind import Event, Kind
from handler.triggers.invocation import Invocation
from handler.triggers.rights import RecordRights
from handler.triggers.sources.batch import Batch, Done, Result
from handler.triggers.sources.delivery import check_time, deliver, time_budget
from handler.triggers.sources.records import Item, RecordReader, Refusal, SourceRecord, source_and_records
from handler.triggers.sources.source import Source

# Nearly every valid payload is shorter than this, and an operator needs no more of an invalid one.
PARKED_BYTES = 32 * 1024


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
    batch = Batch(reader, raw_records)
    budget = time_budget(invocation, len(batch.groups), gives_back=source.takes_back)
    others = batch.others(_delivered(batch, context, budget))
    _park(batch, others, context, budget, takes_back=source.takes_back)
    counts = _report(source, batch, others, context)
    failed = {number: result for number, result in others.items() if not isinstance(result, Done)}
    _raise_for_unnamed(batch, failed)
    if source.item is None:
        return {done.value: counts[done.value] for done in Done}
    return {"batchItemFailures": [{"itemIdentifier": to_builtins(item)} for item in _named(batch, failed, context)]}


def _report(source: Source, batch: Batch, others: Mapping[int, Result], context: AppContext) -> Counter[str]:
    """Say in one line what became of the batch, and which operations it brought: sources get no other answer."""
    counts = Counter({Done.ACCEPTED.value: len(batch) - len(others)})
    counts.update([result.value if isinstance(result, Done) else "failed" for result in others.values()])
    accepted = batch.operations(others)
    times = max(counts[Done.ACCEPTED.value], len(accepted))
    told = naming(one.id for one in accepted[:NAMED_MAX]) | {"operations": len(accepted)}
    context.instance.reporter.report(Notice.DELIVERED, times, **told, source=source.name, records=len(batch), **+counts)
    return counts


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


def _delivered(
    batch: Batch, context: AppContext, budget: TimeBudget
) -> Mapping[str, Sequence[Refusal | Failure | None]]:
    """Deliver what is asked of every group."""
    if not batch.groups:
        return {}
    counters, instance = context.counters(), context.instance
    instance.updates.expect(len(batch.groups))

    def delivered(group_id: str) -> list[Refusal | Failure | None]:
        return deliver(group_id, batch.groups[group_id], counters, instance, budget)

    return each(batch.groups, delivered, context.crew)


def _park(
    batch: Batch, others: dict[int, Result], context: AppContext, budget: TimeBudget, *, takes_back: bool
) -> None:
    """Park each refused record that its source does not take back, or that no later delivery can help.

    A stream would deliver it again and again before all other records, and then drop it.
    """
    refused = {
        number: result
        for number, result in others.items()
        if isinstance(result, Refusal) and (not takes_back or result.for_parking or batch.record(number).item is None)
    }

    def parked(number: int) -> Result:
        if refused[number].is_noted and not takes_back:
            return Done.PARKED
        check_time(budget, context.instance.clock)
        park(batch.record(number), refused[number].reason, context)
        return Done.PARKED

    def settled(number: int) -> Result:
        reporter = context.instance.reporter
        return contained(lambda: parked(number), reporter, record=batch.record(number).id)

    if refused:
        others.update(each(refused, settled))


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


def _raise_for_unnamed(batch: Batch, failed: Mapping[int, Refusal | Failure]) -> None:
    failures = [
        result for number, result in failed.items() if isinstance(result, Failure) and batch.record(number).item is None
    ]
    if not failures:
        return
    problem = f"{len(failures)} of {len(batch)} records were not accepted, deliver them again: {failures[0]}"
    if any(isinstance(failure, OutcomeUnknown) for failure in failures):
        raise OutcomeUnknown(problem)
    raise NotAccepted(problem)


def _named(batch: Batch, failed: Mapping[int, Refusal | Failure], context: AppContext) -> Iterable[Item]:
    """The reply's name of each failed record, each once; reports what has failed them, if the log does not have it."""
    names: dict[Item, None] = {}
    failures: dict[str, Failure] = {}
    for number, result in failed.items():
        record = batch.record(number)
        if record.item is None:
            continue
        names[record.item] = None
        if not isinstance(result, Refusal):
            failures[str(result)] = result
        elif not result.is_reported:
            context.instance.reporter.report(Notice.REJECTED, reason=result.reason, **_whose(record))
    for failure in failures.values():
        _tell(failure, context.instance.reporter)
    return names


def _tell(failure: Failure, reporter: Reporter) -> None:
    """Log why records come again, as of a batch that fails as a whole: a reply that names them says no more."""
    if isinstance(failure, TooManyCalls):
        reporter.report(Notice.TURNED_AWAY, reason=str(failure), retry_after_s=failure.retry_after_s)
    elif not isinstance(failure, GroupFailed):
        reporter.failed(failure)
