"""The entry points: an event comes in, a reply goes out. Both recognise every kind of event of either cloud.

HTTP callers wait for a cold start, so the triggers of other events are imported when the first such event comes.
"""

from __future__ import annotations

import time

from handler import bootstrap
from handler.core.errors import CounterError, OutcomeUnknown, SettingsError
from handler.telemetry import Reports
from handler.triggers.context import AppContext
from handler.triggers.event_kind import BATCHES, HTTP, Kind, detect
from handler.triggers.http import handler as http
from handler.triggers.invocation import Invocation


def lambda_handler(event: object, context: object) -> dict[str, object]:
    """The entry point of AWS Lambda."""
    return _handle(event, context)


def main_handler(event: object, context: object) -> dict[str, object]:
    """The entry point of Tencent SCF."""
    return _handle(event, context)


def _handle(event: object, context: object) -> dict[str, object]:
    """Reply to every HTTP event, also after an error; raise for others, so that the platform repeats or parks them."""
    invocation = Invocation.of(context, time.monotonic)
    reports = bootstrap.reports()
    with reports.during(invocation.log_fields), invocation.going_on():
        try:
            return _reply(event, invocation, reports)
        except CounterError as error:
            failure = error
        except Exception as error:  # noqa: BLE001  # its text must not leave the function
            reports.failed(error)
            failure = OutcomeUnknown(f"an unexpected {type(error).__name__}; the log says where")
        # The error leaves without its traceback and its cause: a platform or a tool that writes them down may write
        # the values of their frames, the secret among them, and the texts of libraries, which may show anything.
        failure.__context__ = None
        raise failure.with_traceback(None) from None


def _reply(event: object, invocation: Invocation, reports: Reports) -> dict[str, object]:
    kind, content = detect(event)
    if kind in HTTP:
        return http.answer(kind, content, invocation, bootstrap.http_context, reports)
    context = _context_for(kind, reports)
    if kind is Kind.TIMER:
        from handler.triggers.timer import handler as timer

        return timer.run(content, invocation, context)
    if kind in BATCHES:
        from handler.triggers.sources import handler as batch

        return batch.run(kind, content, invocation, context)
    from handler.triggers.operator import handler as operator

    return operator.run(content, invocation, context)


def _context_for(kind: Kind, reports: Reports) -> AppContext:
    """What the instance works with; an event that belongs to another function is refused, and one line says so."""
    context = bootstrap.app_context()
    try:
        context.check_takes(kind)
    except SettingsError as error:
        reports.failed(error)
        raise
    return context
