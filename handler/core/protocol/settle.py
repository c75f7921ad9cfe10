"""Write what a landing settles (R5), and see that what was long in being written is not taken for older than it is."""

from __future__ import annotations

from handler.core.errors import AnswerLost
from handler.core.model.known_keys import newest_first
from handler.core.model.operation import Counters
from handler.core.model.records import Records
from handler.core.model.row import Settlement
from handler.core.ports.system import Notice
from handler.core.protocol.visit import Visit

# A tick on all groups that know a key counts those that have known it for ten seconds by its time, and may come two
# seconds before that.
WRITTEN_WITHIN_S = 6


def settle_plainly(visit: Visit, settlement: Settlement, records: Records) -> None:
    """Take the answers where this very settlement is known to have been written; else the row is read again."""
    try:
        done = visit.instance.ledger.settle(visit.group, settlement)
    except AnswerLost:
        return
    if done and records:
        visit.answers.update(records)
        visit.instance.reporter.report(Notice.APPLIED, group=visit.group.id, operations=len(records))
    if done and settlement.keys:
        stamp_anew(visit, settlement.keys)


def stamp_anew(visit: Visit, keys: Counters) -> None:
    """After a settlement that was long in being written: the keys that it made known are known since now.

    `keys` are what the row knows by it, the newest first. A tick that has come meanwhile did not find the group, and
    must not find it when it comes again.
    """
    stamped, now = keys[0][1], visit.instance.api_clock.now()
    if now - stamped <= WRITTEN_WITHIN_S:
        return
    row = visit.instance.ledger.load(visit.group)
    if row is not None and any(since == stamped for _, since in row.keys):
        later = newest_first((key, now if since == stamped else since) for key, since in row.keys)
        visit.put(row.changed(keys=later))
