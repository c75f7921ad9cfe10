"""Orders and outcomes of the core in the auditor's words."""

from __future__ import annotations

from handler.core.outcomes import Applied, Frozen, KeyReused, Outcome, Rejected, Unknown
from tests.faults import evidence
from tests.faults.evidence import Asked, Told
from tests.faults.orders import STREAM, Order


def asked(order: Order) -> Asked:
    """An order, of which nobody has been told anything yet."""
    operation = order.operation
    name = f"{operation.key.rpartition('/')[2]} (operation {order.index})"
    return Asked(
        *(name, operation.group_id, operation.mode.value, operation.counters, order.index),
        by_stream=operation.caller == STREAM,
    )


def told(outcome: Outcome | None) -> Told:
    """An outcome."""
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
