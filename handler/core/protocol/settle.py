"""Settle: what landed gets its records, and the row stands on the receipt's new value (R5, R7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from handler.core.errors import AnswerLost
from handler.core.model.known_keys import knowing, newest_first
from handler.core.model.operation import Counters
from handler.core.model.outcome import Records
from handler.core.model.row import Entry, Row, Settlement
from handler.core.ports.system import Notice, naming
from handler.core.protocol.visit import Again, Visit
from handler.core.state import transitions
from handler.core.state.receipts import ReceiptReading
from handler.core.state.transitions import CounterReading

# A tick on all groups that know a key counts those that have known it for ten seconds by its time, and may come two
# seconds before that.
WRITTEN_WITHIN_S = 6


def settle(
    visit: Visit, row: Row, times: Mapping[str, int], *, receipt: ReceiptReading, counters: CounterReading
) -> Row | Again:
    """R5: write the records before the row or with it. More landings than the open attempt's are settled by R7.

    `times` says which attempts landed, and how often.
    """
    if row.attempt and row.base is not None and transitions.is_plain(row, times):
        records = transitions.settled_records(row.attempt, counters)
        keys = knowing(row.keys, transitions.landed_keys(row, times), counters.at)
        new_keys = None if keys is row.keys else keys
        settlement = Settlement(
            attempt=row.attempt, base=row.base, new_base=receipt.value, records=visit.lasting(records), keys=new_keys
        )
        _settle_plainly(visit, settlement, records)
        return Again()
    rules = visit.instance.rules
    change = transitions.landed(row, receipt.value, times, counters)
    kept_in_mind = transitions.forgotten(change.row, receipt.asked_after, rules.bound_of, rules.forget_s)
    follows = visit.put(replace(change, row=kept_in_mind))
    if isinstance(follows, Row):
        _report_applied(visit, row.owed, change.records)
        _report_late(visit, row, times, change.records)
        if change.row.keys is not row.keys:
            _stamp_again(visit, change.row.keys)
    return follows


def _report_applied(visit: Visit, owed: Iterable[Entry], records: Records) -> None:
    """Count what was applied, and report it where no other line does.

    A visit, or a source's batch, that waits for an operation says itself what became of it.
    """
    if not records:
        return
    others = [entry for entry in owed if entry.id in records and entry.id not in visit.wanted]
    reporter = visit.instance.reporter
    tell = reporter.report if any(entry.origin is None for entry in others) else reporter.count
    tell(Notice.APPLIED, len(records), group=visit.group.id, **naming(records))


def _report_late(visit: Visit, row: Row, times: Mapping[str, int], records: Records) -> None:
    """Report what landed beside the open attempt, or more than once (R7)."""
    late = set(times) - {row.attempt.id if row.attempt else ""}
    if late or max(times.values()) > 1:
        landed = ", ".join(f"{attempt_id} x {count}" for attempt_id, count in times.items())
        visit.report(Notice.LATE_LANDING, landed=landed, **naming(records))


def _settle_plainly(visit: Visit, settlement: Settlement, records: Records) -> None:
    """Take the answers if this very settlement is known to have been written; else the visit reads the row again."""
    try:
        done = visit.instance.ledger.settle(visit.group, settlement)
    except AnswerLost:
        return
    if done:
        visit.answers.update(records)
        _report_applied(visit, settlement.attempt.entries, records)
    if done and settlement.keys:
        _stamp_again(visit, settlement.keys)


def _stamp_again(visit: Visit, keys: Counters) -> None:
    """Stamp the keys that a slow settlement made known with the time of now.

    `keys` are what the row knows by it, the newest first. A tick that came meanwhile did not find the group, and must
    not find it when it comes again.
    """
    stamped, now = keys[0][1], visit.instance.api_clock.now()
    if now - stamped <= WRITTEN_WITHIN_S:
        return
    row = visit.instance.ledger.load(visit.group)
    if row is not None and any(since == stamped for _, since in row.keys):
        later = newest_first((key, now if since == stamped else since) for key, since in row.keys)
        visit.put(row.changed(keys=later))
