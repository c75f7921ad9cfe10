"""An operator's actions on parked records: list them, execute one or all again, or drop one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from itertools import accumulate

from msgspec.structs import asdict, replace

from handler.core.errors import BadInput, NotAccepted, OutcomeUnknown
from handler.core.model.operation import Operation, Origin
from handler.core.model.outcome import KeyReused, Outcome, Rejected, Stalled, state_of
from handler.core.ports.ledger import Parked
from handler.core.ports.system import Notice
from handler.core.runtime.instance import TimeBudget
from handler.triggers.context import AppContext
from handler.triggers.event_kind import is_page
from handler.triggers.idempotency_key import read_key
from handler.triggers.operator.inspection import Json
from handler.triggers.operator.requests import PAGE_MAX, Drop, ListParked, ParkedRequest, Replay, ReplayAll
from handler.triggers.parsing import written, written_if_known
from handler.triggers.rights import RecordRights
from handler.triggers.sources.envelopes import opened
from handler.triggers.sources.message import read_operation

# Both clouds refuse a reply of more than 6 MB, and JSON may need six bytes for a character: a page ends before that.
PAGE_CHARACTERS = 900_000

# How long the replay of one among many waits for its answer; the sweep finishes what is accepted by then.
REPLAY_WAIT_S = 5.0


def answer(request: ParkedRequest, budget: TimeBudget, context: AppContext) -> Json:
    """Take the action, and say what came of it."""
    if isinstance(request, ListParked):
        return page(request, context)
    if isinstance(request, Replay):
        return replay(request, budget, context)
    return replay_all(request, budget, context) if isinstance(request, ReplayAll) else drop(request, context)


def page(request: ListParked, context: AppContext) -> Json:
    """One page of records, as many as requested and fit. `next` is the `after` of the next page; null on the last."""
    found = context.parked.page(context.sdkappid, request.limit + 1, request.after)
    lengths = accumulate(len(parked.payload) for parked in found[: request.limit])
    fitting = max(1, sum(length <= PAGE_CHARACTERS for length in lengths))
    shown = found[:fitting]
    records = [
        {**asdict(parked), "at": written(parked.at), "expires_at": written_if_known(parked.expires_at)}
        for parked in shown
    ]
    return {"records": records, "next": shown[-1].id if len(found) > fitting else None}


def replay(request: Replay, budget: TimeBudget, context: AppContext) -> Json:
    """Read the payload as it was read from its source, and drop the record once its operation is accepted.

    The record stays if its key belongs to other content, or the vendor refuses the operation for good.
    """
    parked = _found(request.id, context)
    if parked is None:
        raise BadInput("id", "names no parked record")
    if is_page(parked.payload):
        raise BadInput("id", "names a page: send its timer event again, which counts nothing twice, and drop the page")
    operation = _permitted(parked, context)
    if request.key is not None:
        operation = replace(operation, key=read_key(request.key, "IdempotencyKey"))
    outcome = _executed(operation, parked, budget, context)
    return {**_shown(outcome), "dropped": _is_accepted(outcome) and context.parked.unpark(context.sdkappid, request.id)}


def _executed(operation: Operation, parked: Parked, budget: TimeBudget, context: AppContext) -> Outcome:
    counters = context.counters()
    counters.strike(operation.group_id, parked.id)
    # The operator sees a refusal at once, in the answer.
    [outcome] = counters.apply(operation.group_id, [_again(operation, parked)], replace(budget, gives_back=True))
    return outcome


def _is_accepted(outcome: Outcome) -> bool:
    return not isinstance(outcome, KeyReused | Rejected)


def replay_all(request: ReplayAll, budget: TimeBudget, context: AppContext) -> Json:
    """Replay one record after the other in order of id, and count what became of them.

    `refused` were refused again, or cannot be read, and stay; so do those that are `left`: pages, records beyond the
    limit or the time, and those that could not be accepted now. The limit is for what is executed: records that stay
    without a call do not stand in the way of those behind. `after` is where to go on if the time was too short;
    what is left is counted all the same, as far as the time allows.
    """
    fates, reached, is_over = Counter[_Fate](), request.after, False
    for parked in _records(request, context):
        is_over = is_over or not context.instance.may_call(budget, 0.0)
        executed = fates[_Fate.REPLAYED] + fates[_Fate.REFUSED]
        is_due = request.limit is None or executed < request.limit
        is_left = is_over or is_page(parked.payload) or not is_due
        fates[_Fate.LEFT if is_left else _replayed(parked, budget, context)] += 1
        if is_over and context.instance.clock.monotonic() >= budget.until:
            break
        reached = reached if is_over else parked.id
    return {**_counts(fates), **({"complete": False, "after": reached} if is_over else {})}


class _Fate(Enum):
    """What became of one record among many."""

    REPLAYED = "accepted, and dropped"
    REFUSED = "refused again"
    STAYS = "refused without a call: it cannot be read, or its key has the refusal, or other content, on record"
    LEFT = "left for another time"


def _counts(fates: Counter[_Fate]) -> Json:
    refused = fates[_Fate.REFUSED] + fates[_Fate.STAYS]
    return {"replayed": fates[_Fate.REPLAYED], "refused": refused, "left": fates[_Fate.LEFT]}


def _records(request: ReplayAll, context: AppContext) -> Iterator[Parked]:
    """The records after an id, those of one source if it is named, page by page; new ones may come meanwhile."""
    after = request.after
    while found := context.parked.page(context.sdkappid, PAGE_MAX, after):
        after = found[-1].id
        yield from (parked for parked in found if request.source in {None, parked.source})


def _replayed(parked: Parked, budget: TimeBudget, context: AppContext) -> _Fate:
    """Execute one of many records, and drop it once it is accepted."""
    instance = context.instance
    one = replace(budget, until=min(budget.until, instance.clock.monotonic() + REPLAY_WAIT_S))
    try:
        outcome = _executed(_permitted(parked, context), parked, one, context)
    except BadInput:
        return _Fate.STAYS
    except (NotAccepted, OutcomeUnknown) as error:
        instance.reporter.report(Notice.UNFINISHED, record=parked.id, reason=str(error))
        return _Fate.LEFT
    if isinstance(outcome, KeyReused):
        return _Fate.STAYS
    if isinstance(outcome, Rejected):
        return _Fate.STAYS if outcome.replayed else _Fate.REFUSED
    context.parked.unpark(context.sdkappid, parked.id)
    return _Fate.REPLAYED


def drop(request: Drop, context: AppContext) -> Json:
    """Drop a record; `dropped` is false if there was none."""
    parked = _found(request.id, context)
    if parked is not None and not is_page(parked.payload):
        # A record that cannot be read was never accepted, so no row has a note to park it.
        with suppress(BadInput):
            context.counters().strike(_operation(parked, context).group_id, parked.id)
    return {"dropped": context.parked.unpark(context.sdkappid, request.id)}


def _operation(parked: Parked, context: AppContext) -> Operation:
    receipt_key, envelope = context.instance.rules.receipt_key, opened(parked.payload)
    return read_operation(parked.payload, parked.id, parked.source, receipt_key, context.window_s, envelope)


def _permitted(parked: Parked, context: AppContext) -> Operation:
    """The operation, if its producer's rights cover it now: a replay is the producer's request, not the operator's."""
    operation, instance = _operation(parked, context), context.instance
    RecordRights(context.vault.current, instance.clock.now()).check(
        parked.source,
        operation.caller,
        mode=operation.mode,
        group_id=operation.group_id,
        counters=operation.counters,
    )
    return operation


def _again(operation: Operation, parked: Parked) -> Operation:
    """The operation under a name of its own, by which it is parked if the vendor refuses it after acceptance (R6).

    The old name could be taken for the record that is dropped now.
    """
    place = f"{parked.id}/{operation.id}"
    key = operation.key if operation.key != parked.id else place
    return replace(operation, origin=Origin(source=parked.source, place=place, caller=operation.caller, key=key))


def _found(parked_id: str, context: AppContext) -> Parked | None:
    """The record with this id. A page holds what comes after an id, and every id comes after its own beginning."""
    after = parked_id[:-1]
    while found := context.parked.page(context.sdkappid, PAGE_MAX, after):
        for parked in found:
            if parked.id == parked_id:
                return parked
        after = found[-1].id
        if after > parked_id:
            break
    return None


def _shown(outcome: Outcome) -> Json:
    """The outcome in a word, with the vendor's code if it refused."""
    refused = {"ErrorCode": outcome.code, "ErrorInfo": outcome.info} if isinstance(outcome, Rejected | Stalled) else {}
    return {"outcome": state_of(outcome), **refused}
