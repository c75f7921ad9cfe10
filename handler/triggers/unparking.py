"""What operators do about parked records: look through them, execute one anew, or give it up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from itertools import accumulate

from handler.core.errors import BadInput
from handler.core.instance import Patience
from handler.core.outcomes import Applied, Frozen, KeyReused, Outcome, Pending, Rejected, Stalled, Unknown
from handler.core.shelf import Parked
from handler.triggers.headers import read_key
from handler.triggers.inspection import Json
from handler.triggers.messages import read_operation
from handler.triggers.orders import PAGE_MAX, Drop, ListParked, Replay
from handler.triggers.pages import is_page
from handler.triggers.service import Service

# Both clouds refuse a reply of more than 6 MB, and JSON may need six bytes for a character: a page ends before that.
PAGE_CHARACTERS = 900_000

_WORDS: Mapping[type[Outcome], str] = {
    Applied: "applied",
    Rejected: "rejected",
    Unknown: "unknown",
    Pending: "pending",
    Stalled: "pending",
    Frozen: "frozen",
    KeyReused: "key-reused",
}


def page(order: ListParked, service: Service) -> Json:
    """As many records as were asked for and fit; `next` is what the next page comes after, null after the last."""
    found = service.shelf.parked(_app(service), order.limit + 1, order.after)
    lengths = accumulate(len(parked.payload) for parked in found[: order.limit])
    fitting = max(1, sum(length <= PAGE_CHARACTERS for length in lengths))
    shown = found[:fitting]
    return {"records": [asdict(parked) for parked in shown], "next": shown[-1].id if len(found) > fitting else None}


def replay(order: Replay, patience: Patience, service: Service) -> Json:
    """Read the payload as its source's record was, and drop the record once its operation is accepted.

    One whose key belongs to other content, or that is refused for good, stays until it is dropped.
    """
    parked = _parked(order.id, service)
    if is_page(parked.payload):
        raise BadInput("id", "is that of a page: send its timer's event again, which counts nothing twice, and drop it")
    receipt_key = service.instance.rules.receipt_key
    operation = read_operation(parked.payload, parked.id, parked.source, receipt_key, service.window_s)
    if order.key is not None:
        operation = replace(operation, key=read_key(order.key, "IdempotencyKey"))
    [outcome] = service.counters().apply(operation.group_id, [operation], patience)
    accepted = not isinstance(outcome, KeyReused | Rejected)
    return {**_told(outcome), "dropped": accepted and service.shelf.unpark(_app(service), order.id)}


def drop(order: Drop, service: Service) -> Json:
    """Give a record up; `dropped` is false where there was none."""
    return {"dropped": service.shelf.unpark(_app(service), order.id)}


def _parked(parked_id: str, service: Service) -> Parked:
    """The record of that id. A page comes after an id, and every text comes after its own beginning."""
    after = parked_id[:-1]
    while found := service.shelf.parked(_app(service), PAGE_MAX, after):
        for parked in found:
            if parked.id == parked_id:
                return parked
        after = found[-1].id
        if after > parked_id:
            break
    raise BadInput("id", "is that of no parked record")


def _told(outcome: Outcome) -> Json:
    """What became of an operation, in a word, with the vendor's code where it refused."""
    refused = {"ErrorCode": outcome.code, "ErrorInfo": outcome.info} if isinstance(outcome, Rejected | Stalled) else {}
    return {"outcome": _WORDS[type(outcome)], **refused}


def _app(service: Service) -> int:
    return service.vault.current().sdkappid
