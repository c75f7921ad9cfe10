"""Logs and metrics: one JSON log line and one metric for each notice, and a log line for each failure.

CloudWatch reads metrics out of the log (Embedded Metric Format), so nothing here makes a call or needs AWS. The texts
of errors that libraries raise are never written: that of an HTTP library may hold a URL with its signature.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from io import TextIOBase
from typing import TextIO, cast

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.metrics.functions import is_metrics_disabled

from handler.core.errors import CounterError
from handler.core.ports.error_codes import meaning_of
from handler.core.ports.system import Measure, Notice
from handler.version import VERSION

# Powertools' own variable: it keeps the log lines and metrics of one stage apart from those of another.
SERVICE_VARIABLE = "POWERTOOLS_SERVICE_NAME"
SERVICE = "update-group-counter"
NAMESPACE = "UpdateGroupCounter"

_EXPECTED = frozenset(
    {
        Notice.APPLIED,
        Notice.DELIVERED,
        Notice.REPLAYED,
        Notice.PENDING,
        Notice.TURNED_AWAY,
        Notice.UNAUTHORIZED,
        Notice.SECRET_REFRESHED,
        Notice.HANDED_ON,
        Notice.OPERATOR_TASK,
    }
)
_FOR_AN_OPERATOR = frozenset(
    {Notice.GROUP_FROZEN, Notice.GROUP_FAILED, Notice.UNKNOWN, Notice.APP_REFUSED, Notice.CALLS_KEEP_FAILING}
)

# When the current invocation began, on the monotonic clock.
_BEGAN: ContextVar[float | None] = ContextVar("began", default=None)

_ENCODER = msgspec.json.Encoder(enc_hook=str)

# One document holds this many values of a metric at most, and a hundred metrics, which are more than there are here
# (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
VALUES = 100

# The innermost frames of an unexpected error are enough to find it.
FRAMES = 12


class Reports:
    """A `Reporter` that logs at once, counts, and writes the counts when the invocation ends. Threads may share it.

    `service` and the release (`version`) stand in every line, and `service` is the one dimension of every metric.
    """

    def __init__(self, service: str = SERVICE, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._is_cold = True
        self._log = Logger(
            service=service,
            version=VERSION,
            stream=cast("TextIO", _StandardOutput()),
            location=None,
            use_rfc3339=True,
            # Every request waits for its line, and with these it takes a fifth less time than with Powertools' own.
            json_serializer=_json,
            json_deserializer=str,
        )
        # It describes the metrics, and this project's encoder writes them, for the same reason.
        self._metrics = EphemeralMetrics(namespace=NAMESPACE, service=service)
        # POWERTOOLS_METRICS_DISABLED.
        self._is_silent = is_metrics_disabled()
        self._counts: defaultdict[Notice, int] = defaultdict(int)
        self._values: defaultdict[Measure, list[float]] = defaultdict(list)
        self._lock = threading.Lock()

    def report(self, notice: Notice, times: int = 1, /, **evidence: str | float | None) -> None:
        """Log a notice with its evidence, the vendor's `code` in words too, and count it.

        Inside an invocation the line says how long that has lasted so far.
        """
        self._count(notice, times)
        began = _BEGAN.get()
        if began is not None:
            evidence["duration_s"] = round(self._monotonic() - began, 3)
        code: object = evidence.get("code")
        if isinstance(code, int):
            evidence["meaning"] = meaning_of(code).meaning
        self._line(notice)(notice.value, extra=evidence)

    def count(self, notice: Notice, times: int, /, **evidence: str | float | None) -> None:
        """Count a notice that another line tells of; its own line is at debug level."""
        self._count(notice, times)
        self._log.debug(notice.value, extra=evidence)

    def bind(self, **fields: str) -> None:
        """Put fields on every further line of the invocation; its threads have those that were bound before them."""
        self._log.thread_safe_append_keys(**fields)

    def measure(self, measure: Measure, value: float) -> None:
        """Take one value of a measure, which is written when the invocation ends."""
        with self._lock:
            self._values[measure].append(value)

    @contextmanager
    def timing(self, measure: Measure) -> Iterator[None]:
        """Take how long the block lasts, whichever way it ends."""
        began = self._monotonic()
        try:
            yield
        finally:
            self.measure(measure, self._monotonic() - began)

    def warn(self, problem: str) -> None:
        """Log a warning: something works, and an operator should still change it."""
        self._log.warning(problem)

    def failed(self, error: Exception) -> None:
        """Log an error: one of this project by its text, any other by its type and frames only."""
        if isinstance(error, CounterError):
            self._log.error(str(error), extra={"error": type(error).__name__})
            return
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        places = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        self._log.error("an unexpected error", extra={"error": type(error).__name__, "frames": places})

    @contextmanager
    def during(self, fields: Mapping[str, str]) -> Iterator[None]:
        """Put the invocation's fields on each of its log lines, and write its metrics at its end."""
        self._log.thread_safe_append_keys(cold_start=self._is_cold, **fields)
        self._is_cold = False
        began = _BEGAN.set(self._monotonic())
        try:
            yield
        finally:
            _BEGAN.reset(began)
            self._log.thread_safe_clear_keys()
            self._write_counts()

    def _count(self, notice: Notice, times: int) -> None:
        if times:
            with self._lock:
                self._counts[notice] += times

    def _line(self, notice: Notice) -> Callable[..., None]:
        if notice in _EXPECTED:
            return self._log.info
        return self._log.error if notice in _FOR_AN_OPERATOR else self._log.warning

    def _write_counts(self) -> None:
        with self._lock:
            counts, self._counts = self._counts, defaultdict(int)
            values, self._values = self._values, defaultdict(list)
            if self._is_silent:
                return
            left = {notice.value: (MetricUnit.Count, [float(count)]) for notice, count in counts.items()}
            left.update({measure.value: (_unit_of(measure), taken) for measure, taken in values.items()})
            while left:
                metrics = {name: {"Unit": unit.value, "Value": taken[:VALUES]} for name, (unit, taken) in left.items()}
                sys.stdout.write(f"{_json(self._metrics.serialize_metric_set(metrics))}\n")
                left = {name: (unit, taken[VALUES:]) for name, (unit, taken) in left.items() if len(taken) > VALUES}


def _json(line: Mapping[str, object]) -> str:
    return _ENCODER.encode(line).decode()


def _unit_of(measure: Measure) -> MetricUnit:
    return MetricUnit.Seconds if measure.value.endswith("_s") else MetricUnit.Count


class _StandardOutput(TextIOBase):
    """The process's standard output at the time of each write, so that a later redirection holds for log lines too."""

    def write(self, text: str) -> int:
        """Write through."""
        return sys.stdout.write(text)

    def flush(self) -> None:
        """Flush through."""
        sys.stdout.flush()
