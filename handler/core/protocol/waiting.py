"""What a group waits for that only time, or a `Date` of the API, brings (R4 b, R9, R10, R12)."""

from __future__ import annotations

import msgspec

from handler.core.model.row import Attempt, Row
from handler.core.ports.counter_api import Fault, Refused, Unsent
from handler.core.protocol.backoff import LOOK_MAX_S
from handler.core.protocol.visit import Again, Stop, Visit
from handler.core.runtime.api_clock import NEAR_S
from handler.core.state.receipts import ReceiptReading, death, past_s


class Waiting(msgspec.Struct, frozen=True):
    """What a group waits for, in words, and how long at least. One that `lasts` may never end without an operator."""

    for_what: str
    left_s: float
    lasts: bool


def why_too_far_ahead(visit: Visit, row: Row, receipt: ReceiptReading) -> str | None:
    """The reason to freeze a group whose attempt lies ahead: every `Date` heard since, at least two, says so (R12)."""
    heard = None if receipt.asked_after is None else visit.heard(row)
    ahead_s = 0 if heard is None or row.attempt is None else row.attempt.signed_at - heard
    return f"its call is signed for a time {ahead_s} s ahead of the API's" if ahead_s > NEAR_S else None


def waiting(visit: Visit, row: Row) -> Waiting | None:
    """What a group that is not frozen waits for; None if only work is left."""
    if row.attempt is not None:
        return _for_a_death(visit, row.attempt)
    is_restored = row.generation < visit.instance.generation.current().number
    if is_restored or (row.base is None and row.first_seen_at is not None):
        return _for_a_past(visit, row)
    return None


def _for_a_death(visit: Visit, attempt: Attempt) -> Waiting:
    rules, now = visit.instance.rules, visit.instance.api_clock.now()
    left_s = death(attempt, rules.bound_of(attempt)) - now
    ahead_s = attempt.signed_at - now
    if ahead_s > rules.guard_s + 1:
        return Waiting(f"the time of its call, {ahead_s} s ahead of the API's clock", left_s, lasts=True)
    if left_s > 0:
        return Waiting("the end of its call, unless the receipt shows that it landed", left_s, lasts=False)
    # The first look after its end hears a `Date` that shows it; a look that does not shows that there is no `Date`.
    lasts = left_s < -(rules.guard_s + LOOK_MAX_S) and not visit.backoff.is_dead(attempt)
    for_what = "a Date of the API that shows its call to be over" if lasts else "a look that shows its call to be over"
    return Waiting(for_what, 0.0, lasts)


def _for_a_past(visit: Visit, row: Row) -> Waiting:
    """Wait for the end of calls that the row does not know of: they were signed before the first sight of it.

    Instances that do not know of a new generation yet may sign them for as long as they cache the old one (R10).
    """
    rules, heard, generation = visit.instance.rules, visit.heard(row), visit.instance.generation.current()
    if row.first_seen_at is None:
        return Waiting("a Date of the API, to note when the group was first seen", 0.0, lasts=heard is None)
    is_restored = row.generation < generation.number
    known_at = generation.started + rules.cache_s if is_restored and generation.started else 0.0
    moment = max(row.first_seen_at, known_at) + past_s(rules.bound_s, rules.guard_s)
    left_s = visit.instance.api_clock.left_s(moment)
    lasts = left_s == 0 and (heard is None or heard < moment)
    since = "the ledger was restored" if is_restored else "the group was first seen"
    return Waiting(f"the end of what was signed before {since}", left_s, lasts)


def ask_the_time(visit: Visit) -> Again | Stop | None:
    """Read the group to hear the API's time, if this instance has no evidence of it (R12); else None."""
    wait_s = visit.instance.api_clock.ask_in_s()
    if wait_s is None:
        return None
    if wait_s > 0:
        return Again(wait_s)
    reply = visit.calls.read(())
    if isinstance(reply, Unsent):
        # An attempt that is opened now could not be sent either.
        return visit.failed_to_send()
    visit.instance.api_clock.asked()
    if isinstance(reply, Refused) and reply.fault not in {Fault.OPERATION, Fault.SIGNATURE}:
        return visit.setback(reply)
    return Again()
