"""The entry points: an event comes in, a reply goes out. Both recognise every kind of event of either cloud.

Callers of HTTP wait for a cold start, so what only other kinds need is loaded when one of them comes.
"""

from __future__ import annotations

import time

from handler import bootstrap
from handler.core.errors import CounterError, OutcomeUnknown
from handler.telemetry import Reports
from handler.triggers.event_kind import BATCHES, Kind, detect
from handler.triggers.http import handler as http
from handler.triggers.invocation import Invocation


def lambda_handler(event: object, context: object) -> dict[str, object]:
    """AWS Lambda."""
    return _handle(event, context)


def main_handler(event: object, context: object) -> dict[str, object]:
    """Tencent SCF."""
    return _handle(event, context)


def _handle(event: object, context: object) -> dict[str, object]:
    """Reply to an HTTP event, whatever happens; raise for others, so that the platform repeats or parks them."""
    invocation = Invocation.of(context, time.monotonic)
    reports = bootstrap.reports()
    with reports.during(invocation.request_id), invocation.going_on():
        try:
            return _reply(event, invocation, reports)
        except CounterError as error:
            failure = error
        except Exception as error:  # noqa: BLE001  # whatever it is, its text stays in here
            reports.failed(error)
            failure = OutcomeUnknown(f"an unexpected {type(error).__name__}; the log says where")
        # Without where it came from and what led to it: whoever writes the traceback may write the values in it as
        # well, among them the secret, and other people's texts may show anything.
        failure.__context__ = None
        raise failure.with_traceback(None) from None


def _reply(event: object, invocation: Invocation, reports: Reports) -> dict[str, object]:
    kind, content = detect(event)
    if kind is Kind.TIMER:
        from handler.triggers.timer import handler as timer

        return timer.run(content, invocation, bootstrap.app_context())
    if kind in BATCHES:
        from handler.triggers.sources import handler as batch

        return batch.run(kind, content, invocation, bootstrap.app_context())
    if kind is Kind.OPERATOR:
        from handler.triggers.operator import handler as operator

        return operator.run(content, invocation, bootstrap.app_context())
    return http.answer(kind, content, invocation, bootstrap.http_context, reports.failed)
