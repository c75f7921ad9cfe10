"""When a schedule is over, and what the auditor has to know of its end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from handler.core.model.codec import ROW_BYTES
from handler.core.model.row import Row
from handler.core.ports.ledger import Parked
from handler.core.ports.system import Notice
from tests.faults.auditor.evidence import NOT_ACCEPTED, Facts
from tests.faults.simulator.draws import kept_s
from tests.faults.simulator.hazards import (
    ApiSteps,
    Broken,
    ClockJumps,
    Crash,
    ForeignData,
    Freeze,
    LedgerFails,
    Paused,
    Tidied,
)
from tests.faults.simulator.misfortunes import GROUP
from tests.faults.simulator.plan import A_DAY_S, Ask
from tests.faults.world.api_time import OddDates
from tests.faults.world.rules import APP
from tests.faults.world.vendor import CALL

if TYPE_CHECKING:
    from tests.faults.simulator.schedule import Schedule

# More than any world has.
PARKED_MAX = 100


def has_come(schedule: Schedule) -> bool:
    """Whether nothing more can happen where nobody lives: all is answered and settled, and nothing is on its way."""
    if schedule.to_come:
        return False
    row = schedule.memory.load(GROUP)
    wanted = [ask for ask in schedule.plan.asks if ask.insists and schedule.is_wanted(ask)]
    if wanted and not _is_full_for_good(schedule, row, wanted):
        return False
    if schedule.network.in_flight or schedule.faults.late or not schedule.misfortunes.are_over:
        return False
    if schedule.stream and not schedule.stream.is_over:
        return False
    if row is None or row.frozen:
        return True
    if not row.is_settled or (schedule.plan.to_the_end and row.remembered):
        return False
    return not row.remembered or row.base == receipt_of(schedule) or GROUP not in schedule.chat.groups


def _is_full_for_good(schedule: Schedule, row: Row | None, wanted: Sequence[Ask]) -> bool:
    """Whether whoever still asks is turned away from a frozen group that has no room, for as long as it is frozen."""
    if row is None or not row.frozen:
        return False
    told = [schedule.asked[order].told for ask in wanted for order in ask.orders if order in schedule.open]
    return all(answers and answers[-1].kind == NOT_ACCEPTED for answers in told)


def _has_outlived_its_bound(schedule: Schedule) -> bool:
    """Whether a request took effect when a ledger that has forgotten it had to think it dead.

    It was signed by an instance that had not heard the API's clock yet, and whose own was ahead by more than the guard:
    the signature is good for so much longer, and only the row that is lost knew of that (A9).
    """
    bound_s = schedule.plan.rules.bound_s + 1
    return any(line.kind == CALL and line.at > line.sent + bound_s for line in schedule.chat.landings)


def _clocks_differ(schedule: Schedule) -> bool:
    """Whether instances may tell the API's time so differently that one's `later` is not another's."""
    return any(schedule.plan.skews_s) or any(isinstance(one, ClockJumps | Freeze) for one in schedule.plan.hazards)


# Between the moment at which a call is opened, from which its distance counts, and its sending.
OPENED_S = 3.0

# After these nothing is corrected, refused among others or copied, and each instance's clock is right.
_ORDERLY = (Crash, LedgerFails, ForeignData, Tidied, Broken, Paused)


def _apart_s(schedule: Schedule) -> float:
    """How far apart calls of the group are for certain (R16)."""
    plan = schedule.plan
    is_orderly = not any(plan.skews_s) and all(isinstance(one, _ORDERLY) for one in plan.hazards)
    return max(0.0, plan.rules.group_interval_s - OPENED_S) if is_orderly else 0.0


def receipt_of(schedule: Schedule) -> int:
    return schedule.chat.groups.get(GROUP, {}).get(schedule.plan.rules.receipt_key, 0)


def facts_of(schedule: Schedule, *, finished: bool) -> Facts:
    """What is known about the world beside the log."""
    facts = schedule.misfortunes.excuses()
    row = schedule.memory.load(GROUP)
    facts.finished = finished
    facts.receipt_key = schedule.plan.rules.receipt_key
    facts.broken |= facts.restored and _has_outlived_its_bound(schedule)
    facts.conflicts = bool(schedule.memory.conflicts)
    facts.expired, facts.made = schedule.expired, schedule.chat.made
    # By a clock that is set, or seems to be, the time passes in a moment.
    is_timed = not any(isinstance(one, ApiSteps | OddDates) for one in schedule.plan.hazards)
    facts.kept_s = kept_s(schedule.plan.rules) if is_timed else 0.0
    # Where less is kept in mind than the deployed function does, the row of losses is soon forgotten. It is so at once
    # where the group is gone, because nothing of before can land there any more.
    # And where lost calls have given way to room for operations, the next interval is shorter by them (R13).
    has_given_way = schedule.plan.rules.row_bytes < ROW_BYTES and Notice.ATTEMPT_DROPPED in schedule.notices.told
    remembers = schedule.plan.rules.forget_s >= A_DAY_S and not has_given_way
    if remembers and not _clocks_differ(schedule) and not (facts.restored or facts.dismissed):
        facts.failed, facts.bound_s = sorted(schedule.network.failed), schedule.plan.rules.bound_s
    facts.sent = schedule.network.sent
    facts.apart_s = _apart_s(schedule)
    facts.parked = {one.id: (_content(one), one.reason) for one in schedule.kept.page(APP, PARKED_MAX)}
    facts.given_up = {record.id: at for record, at in schedule.given_up}
    facts.dropped = [_content(record) for record, _ in schedule.given_up if record.id not in facts.parked]
    if schedule.plan.feed and not schedule.plan.feed.apart:
        lanes = schedule.plan.feed.lanes
        facts.in_order = [[schedule.asked[order] for shard in lane for order in shard] for lane in lanes]
    facts.notices = frozenset([notice.value for notice in schedule.notices.told])
    # What has given way to room for operations is not kept in mind any more: nothing explains it when it lands (R13).
    if facts.broken and Notice.ATTEMPT_DROPPED.value in facts.notices:
        facts.tampered = facts.inexplicable = True
    if row is not None and row.frozen:
        facts.frozen = frozenset({GROUP.id})
    elif row is not None and row.base is not None:
        facts.receipts = {GROUP.id: (row.base, receipt_of(schedule))}
    return facts


def _content(parked: Parked) -> object:
    """What a parked record asks for: its Mode, and its counters in order."""
    payload = json.loads(parked.payload)
    return payload["Mode"], tuple((counter["Key"], counter["Value"]) for counter in payload["GroupCounter"])
