"""The answer to `status`: what is wrong, since when, and the one next step for each group."""

from __future__ import annotations

import base64
import binascii
import shlex

import msgspec

from handler.core.errors import BadInput
from handler.core.model.row import Pause
from handler.core.operator.overview import Place, Standing, State, look_over, needs_attention, why
from handler.core.operator.verdicts import to_be_judged
from handler.core.ports.ledger import ParkedLabel
from handler.core.runtime.instance import TimeBudget
from handler.triggers.context import AppContext
from handler.triggers.operator.inspection import Json, pause_as_json, trouble_as_text
from handler.triggers.operator.requests import Status
from handler.triggers.parsing import in_words, written, written_if_known
from handler.version import VERSION

_PLACES = msgspec.json.Decoder(Place)


def answer(request: Status, budget: TimeBudget, context: AppContext) -> Json:
    """The numbers of all groups, and a page of the held and the unfinished: the frozen first, then the oldest."""
    instance, app = context.instance, context.sdkappid
    generation = instance.generation.read()
    after = None if request.after is None else _read_cursor(request.after)
    overview = look_over(instance, app, budget.until, limit=request.limit, after=after)
    page = overview.standings
    return {
        "version": VERSION,
        "paused": pause_as_json(generation.paused),
        "generation": generation.number,
        **overview.numbers(instance.api_clock.moment()),
        "callers_without_rights": context.vault.current().callers_without_rights,
        "parked_by_source": overview.dead_letters.kinds,
        "ledger_expires": context.parked.expires(),
        "expiring": [_ending(label) for label in overview.dead_letters.next],
        "attention": [_shown(one, context, generation.paused) for one in page],
        "after": _cursor(page[-1].place) if page and overview.more else None,
    }


def _shown(standing: Standing, context: AppContext, of_all: Pause | None) -> Json:
    instance, since = context.instance, standing.row.since
    now = instance.api_clock.moment()
    return {
        "GroupId": standing.group_id,
        "state": standing.state.value,
        "since": written_if_known(since),
        "age": in_words(now - since) if since else None,
        "reason": why(instance, context.sdkappid, standing, of_all),
        "queued": len(standing.row.owed) if standing.is_readable else None,
        "last_error": trouble_as_text(standing.trouble),
        "next": _next(standing, of_all, now),
    }


def _ending(label: ParkedLabel) -> Json:
    """A record that is dropped within a week unless an operator deals with it before."""
    return {"id": label.id, "source": label.source, "expires_at": written(label.expires_at)}


def _next(standing: Standing, of_all: Pause | None, now: float) -> str:
    """The one next step of the operator."""
    group = f"GROUP={shlex.quote(standing.group_id)}"
    if not standing.is_readable:
        return "deploy the later version again"
    if standing.state is State.FROZEN:
        row = standing.row
        decide = "release" if to_be_judged(row, row.generation) else "adopt"
        return f"look at it with `make inspect {group}`, then decide with `make {decide} {group}`"
    if standing.state is State.PAUSED:
        return f"once the reason is gone, `make resume {group}`"
    if of_all is not None:
        return "once the reason is gone, `make resume`"
    if needs_attention(standing, now):
        return f"find out what holds it up with `make inspect {group}`"
    if standing.trouble is not None:
        return "if its last error comes again, mend what it names: the next sweep goes on with it"
    return "nothing: the next sweep goes on with it"


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode()


def _read_cursor(text: str) -> Place:
    try:
        return _PLACES.decode(base64.urlsafe_b64decode(text.encode()))
    except (binascii.Error, ValueError):
        raise BadInput("after", "is no `after` of an earlier answer") from None
