"""Orders and outcomes of the core in the auditor's words."""

from functools import lru_cache

from handler.core.model.operation import Counters
from handler.core.model.outcome import Applied, Frozen, KeyReused, Outcome, Rejected, Unknown
from tests.faults.auditor import evidence
from tests.faults.auditor.evidence import Asked, Told
from tests.faults.auditor.orders import STREAM, Order, place_of


def asked(order: Order) -> Asked:
    """An order, of which nobody has been told anything yet."""
    by_stream = order.operation.caller == STREAM
    return Asked(*_described(order), order.index, by_stream=by_stream, place=place_of(order))


@lru_cache(maxsize=4096)
def _described(order: Order) -> tuple[str, str, str, Counters]:
    operation = order.operation
    name = f"{operation.key.rpartition('/')[2]} (operation {order.index})"
    return name, operation.group_id, operation.mode.value, operation.counters


def told(outcome: Outcome | None) -> Told:
    if isinstance(outcome, Applied):
        content = (outcome.counters, outcome.observed_later)
        return Told(evidence.APPLIED, content, dict(outcome.counters), outcome.observed_later)
    if isinstance(outcome, Rejected):
        return Told(evidence.REJECTED, (outcome.code, outcome.info))
    if isinstance(outcome, KeyReused):
        return Told(evidence.REUSED)
    if isinstance(outcome, Frozen):
        return Told(evidence.FROZEN, outcome.reason)
    if outcome is None:
        return Told(evidence.ABSENT)
    return Told(evidence.DOUBTFUL if isinstance(outcome, Unknown) else evidence.WAITING, str(outcome))
