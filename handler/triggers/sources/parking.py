"""Parking: a record that will never be executed is kept for an operator, with its reason."""

from __future__ import annotations

from handler.core.ports.shelf import Parked
from handler.core.ports.system import Notice
from handler.triggers.context import AppContext
from handler.triggers.sources.records import SourceRecord

# Nearly every payload that may be executed is shorter than this; of a wrong one nobody needs more.
PARKED_BYTES = 32 * 1024


def park(letter: SourceRecord, reason: str, context: AppContext) -> None:
    """Keep a letter; raises LedgerUnavailable, AnswerLost, or SecretUnavailable where nobody knows the app."""
    payload = letter.text.encode(errors="backslashreplace")[:PARKED_BYTES].decode(errors="ignore")
    parked = Parked(letter.id, letter.origin, reason, context.instance.clock.now(), payload)
    context.shelf.park(context.vault.current().sdkappid, parked)
    context.instance.reporter.report(Notice.PARKED, record=letter.id, source=letter.origin, reason=reason)
