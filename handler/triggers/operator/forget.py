"""The answer to `forget`: what was, or would be, deleted of a group, its parked records among it."""

from __future__ import annotations

from collections.abc import Iterator

from handler.core.errors import BadInput
from handler.core.operator.forget import forget, preview
from handler.core.ports.ledger import Parked
from handler.core.protocol.visit import Visit
from handler.triggers.context import AppContext
from handler.triggers.operator.inspection import Json
from handler.triggers.operator.requests import PAGE_MAX, Forget
from handler.triggers.parsing import read_json, written_if_known
from handler.triggers.sources.envelopes import opened


def answer(request: Forget, visit: Visit, context: AppContext) -> Json:
    """Say what is there, or delete it: first what the ledger has on record, then the row, then parked records."""
    if request.dry_run:
        found = preview(visit, even_remembered=request.even_remembered)
    else:
        found = forget(visit, even_remembered=request.even_remembered)
    parked, unread, is_over = _parked(request, visit, context) if found.complete else (0, 0, False)
    complete = found.complete and is_over
    return {
        "done": complete and not request.dry_run,
        **({"dry_run": True, "obstacle": found.obstacle} if request.dry_run else {}),
        "row": found.row,
        "known_keys": found.known_keys,
        "records": found.records,
        "watermarks": found.watermarks,
        "remembered": found.remembered,
        "remembered_until": written_if_known(found.until),
        "parked": parked,
        "parked_unread": unread,
        "complete": complete,
    }


def _parked(request: Forget, visit: Visit, context: AppContext) -> tuple[int, int, bool]:
    """How many parked records are the group's, how many that cannot be read name it, and whether all were looked at."""
    count = unread = 0
    for record in _records(context):
        if visit.instance.clock.monotonic() >= visit.budget.until:
            return count, unread, False
        group_id = _group_of(record.payload)
        unread += group_id is None and request.group_id in record.payload
        if group_id == request.group_id:
            count += request.dry_run or context.parked.unpark(context.sdkappid, record.id)
    return count, unread, True


def _records(context: AppContext) -> Iterator[Parked]:
    after = ""
    while found := context.parked.page(context.sdkappid, PAGE_MAX, after):
        yield from found
        after = found[-1].id


def _group_of(payload: str) -> str | None:
    """The group of a parked record, as far as its payload can be read: it may be cut, or no JSON at all."""
    try:
        envelope = opened(payload)
        document = read_json(envelope.text if envelope is not None else payload, "body")
    except BadInput:
        return None
    group_id = document.get("GroupId") if isinstance(document, dict) else None
    return group_id if isinstance(group_id, str) else None
