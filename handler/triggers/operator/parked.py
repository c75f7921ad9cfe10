"""An operator's actions on parked records: list them, execute one again, or drop it."""

from __future__ import annotations

from contextlib import suppress
from itertools import accumulate

from msgspec.structs import asdict, replace

from handler.core.errors import BadInput
from handler.core.model.operation import Operation, Origin
from handler.core.model.outcome import KeyReused, Outcome, Rejected, Stalled, state_of
from handler.core.ports.shelf import Parked
from handler.core.runtime.instance import TimeBudget
from handler.triggers.context import AppContext
from handler.triggers.event_kind import is_page
from handler.triggers.idempotency_key import read_key
from handler.triggers.operator.inspection import Json
from handler.triggers.operator.requests import PAGE_MAX, Drop, ListParked, Replay
from handler.triggers.sources.message import read_operation

# Both clouds refuse a reply of more than 6 MB, and JSON may need six bytes for a character: a page ends before that.
PAGE_CHARACTERS = 900_000


def page(order: ListParked, context: AppContext) -> Json:
    """As many records as were asked for and fit; `next` is what the next page comes after, null after the last."""
    found = context.shelf.parked(_app(context), order.limit + 1, order.after)
    lengths = accumulate(len(parked.payload) for parked in found[: order.limit])
    fitting = max(1, sum(length <= PAGE_CHARACTERS for length in lengths))
    shown = found[:fitting]
    return {"records": [asdict(parked) for parked in shown], "next": shown[-1].id if len(found) > fitting else None}


def replay(order: Replay, patience: TimeBudget, context: AppContext) -> Json:
    """Read the payload as its source's record was, and drop the record once its operation is accepted.

    One whose key belongs to other content, or that is refused for good, stays until it is dropped.
    """
    parked = _found(order.id, context)
    if parked is None:
        raise BadInput("id", "is that of no parked record")
    if is_page(parked.payload):
        raise BadInput("id", "is that of a page: send its timer's event again, which counts nothing twice, and drop it")
    operation, counters = _operation(parked, context), context.counters()
    if order.key is not None:
        operation = replace(operation, key=read_key(order.key, "IdempotencyKey"))
    counters.strike(operation.group_id, parked.id)
    # The operator sees a refusal at once, in the answer.
    [outcome] = counters.apply(operation.group_id, [_again(operation, parked)], replace(patience, gives_back=True))
    accepted = not isinstance(outcome, KeyReused | Rejected)
    return {**_told(outcome), "dropped": accepted and context.shelf.unpark(_app(context), order.id)}


def drop(order: Drop, context: AppContext) -> Json:
    """Give a record up; `dropped` is false where there was none."""
    parked = _found(order.id, context)
    if parked is not None and not is_page(parked.payload):
        # What cannot be read was never accepted, and there is no note of it.
        with suppress(BadInput):
            context.counters().strike(_operation(parked, context).group_id, parked.id)
    return {"dropped": context.shelf.unpark(_app(context), order.id)}


def _operation(parked: Parked, context: AppContext) -> Operation:
    receipt_key = context.instance.rules.receipt_key
    return read_operation(parked.payload, parked.id, parked.source, receipt_key, context.window_s)


def _again(operation: Operation, parked: Parked) -> Operation:
    """Should it be refused for good once it has been accepted, it is parked under a place of its own (R6).

    Under the old one it might be taken for the record that is dropped just now.
    """
    place = f"{parked.id}/{operation.id}"
    key = operation.key if operation.key != parked.id else place
    return replace(operation, origin=Origin(parked.source, place, operation.caller, key))


def _found(parked_id: str, context: AppContext) -> Parked | None:
    """The record of that id. A page comes after an id, and every text comes after its own beginning."""
    after = parked_id[:-1]
    while found := context.shelf.parked(_app(context), PAGE_MAX, after):
        for parked in found:
            if parked.id == parked_id:
                return parked
        after = found[-1].id
        if after > parked_id:
            break
    return None


def _told(outcome: Outcome) -> Json:
    """What became of an operation, in a word, with the vendor's code where it refused."""
    refused = {"ErrorCode": outcome.code, "ErrorInfo": outcome.info} if isinstance(outcome, Rejected | Stalled) else {}
    return {"outcome": state_of(outcome), **refused}


def _app(context: AppContext) -> int:
    return context.vault.current().sdkappid
