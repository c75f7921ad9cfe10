"""Each notice is a line of JSON and a count, and an error shows no words but ours."""

import io
import json
import sys
import threading
from collections.abc import Iterator
from contextvars import copy_context

import pytest

from handler.core.errors import LedgerUnavailable
from handler.core.ports.system import Measure, Notice
from handler.telemetry import Reports
from handler.version import VERSION


class Printed:
    """What was printed since the last look."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._captured.readouterr().out.splitlines()]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    return Printed(capsys)


FIELDS = {"function_name": "counters-http", "function_request_id": "id-1", "correlation_id": "id-1"}


@pytest.fixture
def reports() -> Iterator[Reports]:
    """Reports inside an invocation; what it counted is not of interest."""
    made = Reports()
    with made.during(FIELDS):
        yield made


LEVELS = {
    "INFO": {
        *(Notice.APPLIED, Notice.DELIVERED, Notice.REPLAYED, Notice.PENDING, Notice.TURNED_AWAY, Notice.UNAUTHORIZED),
        *(Notice.SECRET_REFRESHED, Notice.HANDED_ON, Notice.OPERATOR_TASK),
    },
    "ERROR": {Notice.GROUP_FROZEN, Notice.GROUP_FAILED, Notice.UNKNOWN, Notice.APP_REFUSED, Notice.CALLS_KEEP_FAILING},
}


@pytest.mark.parametrize("notice", Notice)
def test_a_notice_is_one_line_with_its_evidence(reports: Reports, printed: Printed, notice: Notice) -> None:
    reports.report(notice, group="room", code=60020, reason=None)
    [line] = printed.lines()
    assert (line["message"], line["service"], line["version"], line["function_request_id"]) == (
        notice.value,
        "update-group-counter",
        VERSION,
        "id-1",
    )
    assert (line["group"], line["code"]) == ("room", 60020)
    assert line["level"] == next((level for level, notices in LEVELS.items() if notice in notices), "WARNING")


@pytest.mark.parametrize(
    ("code", "meaning"), [(10010, "the group does not exist or was dismissed"), (4, "not in the vendor's list")]
)
def test_a_code_of_the_vendor_stands_beside_its_words(
    reports: Reports, printed: Printed, code: int, meaning: str
) -> None:
    reports.report(Notice.REJECTED, group="room", code=code)
    [line] = printed.lines()
    assert (line["code"], line["meaning"]) == (code, meaning)


def test_counts_are_written_once_at_the_end(printed: Printed) -> None:
    """In the metric format that CloudWatch reads out of a log; what another line tells of has no line of its own."""
    reports = Reports()
    with reports.during(FIELDS):
        for _ in range(150):
            reports.count(Notice.APPLIED, 1, group="room")
        reports.count(Notice.APPLIED, 1, group="other")
        reports.report(Notice.LATE_LANDING, group="room")
    late, line = printed.lines()
    assert late["message"] == Notice.LATE_LANDING.value
    [described] = line["_aws"]["CloudWatchMetrics"]  # type: ignore[index]  # the format's own nesting
    assert (described["Namespace"], described["Dimensions"]) == ("UpdateGroupCounter", [["service"]])
    assert {metric["Name"] for metric in described["Metrics"]} == {"applied", "late_landing_corrected"}
    assert (line["applied"], line["late_landing_corrected"]) == ([151.0], [1.0])
    assert "room" not in json.dumps(line)


def test_of_very_many_values_no_document_has_more_than_cloudwatch_takes(printed: Printed) -> None:
    """A hundred of each metric in a document; each value is written once."""
    reports = Reports()
    with reports.during({}):
        for number in range(250):
            reports.measure(Measure.LEDGER_LATENCY_S, number / 1000)
            reports.count(Notice.APPLIED, 2)
    documents = printed.lines()
    values = [line.get("ledger_latency_s", []) for line in documents]
    assert [len(each) for each in values] == [100, 100, 50]  # type: ignore[arg-type]  # the format's own lists
    assert sorted(value for each in values for value in each) == [number / 1000 for number in range(250)]  # type: ignore[attr-defined]
    assert [line["applied"] for line in documents if "applied" in line] == [[500.0]]


def test_a_block_is_timed_whichever_way_it_ends(printed: Printed) -> None:
    moments = iter([0.0, 10.0, 10.5, 20.0, 20.25])
    reports = Reports(monotonic=lambda: next(moments))
    with reports.during({}):
        with reports.timing(Measure.LEDGER_LATENCY_S):
            pass
        with pytest.raises(KeyError), reports.timing(Measure.LEDGER_LATENCY_S):
            raise KeyError
    [line] = printed.lines()
    assert line["ledger_latency_s"] == [0.5, 0.25]


def test_metrics_can_be_switched_off_as_in_every_function_with_powertools(
    printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    reports = Reports()
    with reports.during({}):
        reports.report(Notice.APPLIED)
    assert [line["message"] for line in printed.lines()] == ["applied"]


def test_counts_that_could_not_be_written_are_not_counted_again(
    printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Part of them may have been read."""
    reports = Reports()
    reports.count(Notice.APPLIED, 1)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Broken())
        with pytest.raises(BrokenPipeError), reports.during(FIELDS):
            pass
    with reports.during({}):
        reports.count(Notice.APPLIED, 1)
    [line] = printed.lines()
    assert line["applied"] == [1.0]


class Broken(io.StringIO):
    """Nobody reads what is written."""

    def write(self, _: str) -> int:
        """Fail as a pipe without a reader does."""
        raise BrokenPipeError


def test_counts_are_written_even_if_the_invocation_fails(printed: Printed) -> None:
    reports = Reports()

    def failing() -> None:
        with reports.during(FIELDS):
            reports.count(Notice.APPLIED, 1)
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert [line["applied"] for line in printed.lines()] == [[1.0]]


def test_a_line_may_tell_of_what_is_counted_already(printed: Printed) -> None:
    reports = Reports()
    with reports.during(FIELDS):
        reports.report(Notice.APPLIED, 0, group="room")
    assert [line["message"] for line in printed.lines()] == ["applied"]


def test_one_line_may_count_for_many(printed: Printed) -> None:
    reports = Reports()
    with reports.during(FIELDS):
        reports.report(Notice.PENDING, 150, operations=150)
    told, counted = printed.lines()
    assert (told["message"], counted["pending"]) == ("pending", [150.0])


def test_every_line_of_an_invocation_says_whose_it_is_and_only_the_first_ones_that_it_began_cold(
    printed: Printed,
) -> None:
    """Under the names that Powertools gives these fields in every function."""
    reports = Reports()
    for _ in range(2):
        with reports.during(FIELDS):
            reports.warn("something")
            reports.failed(LedgerUnavailable("the ledger is away"))
    assert [line["cold_start"] for line in printed.lines() if FIELDS.items() <= line.items()] == [
        True,
        True,
        False,
        False,
    ]


def test_what_is_bound_is_on_the_further_lines_of_the_invocation_and_evidence_goes_before_it(printed: Printed) -> None:
    reports = Reports()
    with reports.during({}):
        reports.bind(caller="shop", operation="a")
        reports.warn("first")
        reports.report(Notice.LATE_LANDING, operation="b")
    with reports.during({}):
        reports.warn("third")
    lines = printed.lines()
    assert [(line.get("caller"), line.get("operation")) for line in lines if "level" in line] == [
        ("shop", "a"),
        ("shop", "b"),
        (None, None),
    ]


def test_a_notice_says_how_long_its_invocation_has_lasted(printed: Printed) -> None:
    moments = iter([100.0, 100.0125])
    reports = Reports(monotonic=lambda: next(moments))
    with reports.during({}):
        reports.report(Notice.PENDING)
    assert printed.lines()[0]["duration_s"] == 0.013


def test_a_request_id_ends_with_its_invocation(printed: Printed) -> None:
    reports = Reports()
    with reports.during(FIELDS):
        pass
    with reports.during({}):
        reports.warn("first")
    reports.warn("second")
    assert ["function_request_id" in line for line in printed.lines()] == [False, False]


def test_a_thread_of_an_invocation_logs_its_request_id(printed: Printed) -> None:
    """Two invocations at the same time are told apart, and their workers too."""
    reports = Reports()
    barrier = threading.Barrier(2)

    def invocation(request_id: str) -> None:
        with reports.during({"function_request_id": request_id}):
            barrier.wait()
            worker = threading.Thread(target=copy_context().run, args=(reports.warn, request_id))
            worker.start()
            worker.join()

    threads = [threading.Thread(target=invocation, args=(request_id,)) for request_id in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((line["message"], line["function_request_id"]) for line in printed.lines()) == [
        ("a", "a"),
        ("b", "b"),
    ]


def test_an_error_of_ours_is_logged_in_its_own_words(reports: Reports, printed: Printed) -> None:
    reports.failed(LedgerUnavailable("the ledger is away"))
    [line] = printed.lines()
    assert (line["level"], line["message"], line["error"]) == ("ERROR", "the ledger is away", "LedgerUnavailable")


def test_an_unexpected_error_is_logged_by_its_type_and_place(reports: Reports, printed: Printed) -> None:
    def failing() -> None:
        try:
            int("sandbox-token")
        except ValueError as error:
            raise KeyError("usersig=sandbox-token") from error

    with pytest.raises(KeyError) as raised:
        failing()
    reports.failed(raised.value)
    [line] = printed.lines()
    assert (line["message"], line["error"]) == ("an unexpected error", "KeyError")
    assert "test_telemetry.py" in str(line["frames"])
    assert "sandbox-token" not in json.dumps(line)


def test_reports_go_to_standard_output_as_it_is_at_the_moment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever redirects it later means these lines too, and a second object writes no line twice."""
    Reports()
    Reports().warn("once")
    assert capsys.readouterr().out.count("once") == 1
