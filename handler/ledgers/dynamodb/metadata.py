"""What the table holds beside rows: generation and pause, windows of records, and the app's schedules (R14).

A schedule's own clock is the furthest of the askers' clocks, which are the only ones: `at` is how far that was when it
was last asked. An asker whose clock is behind learns by how much, and goes by the schedule's from then on. So a clock
that is ahead, or has been, costs the others neither turns nor time; only in the second after a jump ahead, what was
lent before it comes beside what is lent after it. What holds a schedule is compared with the asker's own clock.
"""

from __future__ import annotations

from typing import cast

from handler.core.model.row import Pause
from handler.core.ports.ledger import Generation
from handler.core.ports.schedules import NOTHING, AnySchedule, Claim, Hold, Lent
from handler.ledgers.dynamodb.items import ROW, Item, number, number_of, string, text_of, whole_of
from handler.ledgers.dynamodb.table import Outcome, Table

# The generation of a table that was never declared a restored copy.
FIRST = Generation(1, 0)

# Items of a page that is looked through for a row: one of the first is one, if there are any.
PAGE = 100

# How often a schedule is tried that others change at the same time.
LEASES_MAX = 10

_IS_FREE = "(attribute_not_exists(held_until) OR held_until <= :own)"


def generation(table: Table) -> Generation:
    """The generation, read strongly."""
    return _generation(table.get(_generation_key()))


def raise_generation(table: Table) -> Generation:
    """Begin the next one."""
    outcome = table.update(
        {
            "Key": _generation_key(),
            "UpdateExpression": "SET generation = if_not_exists(generation, :first) + :one, started = :unknown",
            "ExpressionAttributeValues": {
                ":first": number(FIRST.number),
                ":one": number(1),
                ":unknown": number(0),
            },
            "ReturnValues": "ALL_NEW",
        }
    )
    return _generation(outcome.item)


def start_generation(table: Table, known: Generation, started: int) -> Generation:
    """Stamp its start, unless another worker was quicker."""
    outcome = table.update(
        {
            "Key": _generation_key(),
            "UpdateExpression": "SET started = :started",
            "ConditionExpression": "generation = :number AND started = :known",
            "ExpressionAttributeValues": {
                ":started": number(started),
                ":number": number(known.number),
                ":known": number(known.started),
            },
            "ReturnValues": "ALL_NEW",
        }
    )
    return _generation(outcome.item)


def pause(table: Table, pause: Pause | None) -> Generation:
    """Put this pause in place of any other, or none."""
    values = {":first": number(FIRST.number), ":unknown": number(FIRST.started)}
    sets = "SET generation = if_not_exists(generation, :first), started = if_not_exists(started, :unknown)"
    ends = " REMOVE paused"
    if pause is not None:
        values[":paused"] = {"M": {"since": number(pause.since), "reason": string(pause.reason)}}
        sets, ends = f"{sets}, paused = :paused", ""
    outcome = table.update(
        {
            "Key": _generation_key(),
            "UpdateExpression": sets + ends,
            "ExpressionAttributeValues": values,
            "ReturnValues": "ALL_NEW",
        }
    )
    return _generation(outcome.item)


def windows(table: Table, app: int) -> str | None:
    """The notes of an app's windows, read strongly."""
    item = table.get(_windows_key(app))
    return text_of(item, "body") if item else None


def note_windows(table: Table, app: int, text: str, instead_of: str | None) -> bool:
    """Replace the notes of windows, in one conditional write."""
    item = {**_windows_key(app), "body": string(text)}
    if instead_of is None:
        return table.put_new(item).held
    return table.update(
        {
            "Key": _windows_key(app),
            "UpdateExpression": "SET body = :body",
            "ConditionExpression": "body = :before",
            "ExpressionAttributeValues": {":body": string(text), ":before": string(instead_of)},
        }
    ).held


def has_rows(table: Table) -> bool:
    """Whether the table holds any row, of whichever app."""
    request = {
        "FilterExpression": "sk = :row",
        "ExpressionAttributeValues": {":row": string(ROW)},
        "ProjectionExpression": "pk",
        "ConsistentRead": True,
    }
    return any(True for _ in table.scan(request, PAGE))


def _generation(item: Item | None) -> Generation:
    return Generation(whole_of(item, "generation"), whole_of(item, "started"), _pause(item)) if item else FIRST


def _pause(item: Item) -> Pause | None:
    if "paused" not in item:
        return None
    paused = cast("Item", item["paused"]["M"])
    return Pause(whole_of(paused, "since"), text_of(paused, "reason"))


def _generation_key() -> Item:
    return {"pk": string("generation"), "sk": string("generation")}


def _windows_key(app: int) -> Item:
    return {"pk": string(f"windows#{app}"), "sk": string("windows")}


def lease(table: Table, claim: Claim) -> Lent:
    """Take the next calls of a schedule.

    One write if others have leased calls that are still to come; two if the schedule has to start again from now.
    """
    lag_s = claim.lag_s
    for _ in range(LEASES_MAX):
        now = claim.now + lag_s
        outcome = _extended(table, claim, now)
        if outcome.held and outcome.item:
            return Lent(max(number_of(outcome.item, "free_at") - claim.lasting_s - now, 0.0), lag_s)
        item = outcome.item or {}
        if _number(item, "held_until") > claim.now:
            return Lent(None, lag_s)
        at, free_at = _number(item, "at"), _number(item, "free_at")
        if at > now:
            lag_s = at - claim.now
        elif now + claim.ahead_max_s < free_at <= now + claim.ahead_max_s + claim.longest_s:
            return Lent(None, lag_s)
        elif not now <= free_at <= now + claim.ahead_max_s:
            # It is over, or further ahead than it can have been lent by these rules.
            wait_s = 0.0 if free_at < now else claim.ahead_max_s
            if _begun(table, claim, now, wait_s, item).held:
                return Lent(wait_s, lag_s)
    return NOTHING


def hold(table: Table, hold: Hold) -> None:
    """Lend nothing for so long."""
    table.update(
        {
            "Key": _key(hold.app, hold.schedule),
            "UpdateExpression": "SET held_until = :until",
            "ExpressionAttributeValues": {":until": number(hold.now + hold.seconds)},
        }
    )


def _extended(table: Table, claim: Claim, now: float) -> Outcome:
    """Take calls after those of others."""
    return table.update(
        {
            "Key": _key(claim.app, claim.schedule),
            "UpdateExpression": "SET free_at = free_at + :lasting, #at = :now",
            "ConditionExpression": f"free_at BETWEEN :now AND :ahead AND #at <= :now AND {_IS_FREE}",
            "ExpressionAttributeNames": {"#at": "at"},
            "ExpressionAttributeValues": {
                ":lasting": number(claim.lasting_s),
                ":now": number(now),
                ":ahead": number(now + claim.ahead_max_s),
                ":own": number(claim.now),
            },
            "ReturnValues": "ALL_NEW",
        }
    )


def _begun(table: Table, claim: Claim, now: float, wait_s: float, seen: Item) -> Outcome:
    """Start the schedule again with this claim, `wait_s` from now, on condition that it is still as seen."""
    values = {":until": number(now + wait_s + claim.lasting_s), ":now": number(now), ":own": number(claim.now)}
    is_as_seen = "attribute_not_exists(free_at)"
    if "free_at" in seen:
        values |= {":seen": seen["free_at"], ":seen_at": seen["at"]}
        is_as_seen = "free_at = :seen AND #at = :seen_at"
    return table.update(
        {
            "Key": _key(claim.app, claim.schedule),
            "UpdateExpression": "SET free_at = :until, #at = :now",
            "ConditionExpression": f"{is_as_seen} AND {_IS_FREE}",
            "ExpressionAttributeNames": {"#at": "at"},
            "ExpressionAttributeValues": values,
        }
    )


def _number(item: Item, name: str) -> float:
    return number_of(item, name) if name in item else 0.0


def _key(app: int, schedule: AnySchedule) -> Item:
    return {"pk": string(f"schedule#{app}"), "sk": string(schedule.value)}
