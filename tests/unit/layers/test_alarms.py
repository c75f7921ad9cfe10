"""Alarms, dashboard and saved queries of serverless.yml look at what the function writes, and say what to do."""

import json
import re
from pathlib import Path
from typing import TypeAlias, cast

import pytest
import yaml

from handler.core import errors
from handler.core.operator.overview import LATE_S
from handler.core.ports.system import Measure, Notice
from handler.telemetry import NAMESPACE

ROOT = Path(__file__).parents[3]
SERVERLESS = yaml.safe_load((ROOT / "serverless.yml").read_text("utf-8"))
OPTIONAL = (
    SERVERLESS["custom"]["watchedUrl"],
    SERVERLESS["custom"]["watchedGateway"],
    SERVERLESS["custom"]["streams"]["on"]["resources"],
)
OURS = [{"Name": "service", "Value": "${self:provider.environment.POWERTOOLS_SERVICE_NAME}"}]
GAUGES = {"frozen_groups", "parked_records", "parked_expiring", "unfinished_groups", "oldest_unfinished_s"}
FIELDS = {"level", "message", "service", "group", "operation", "attempt", "caller", "key_hash", "code", "meaning"}
FIELDS |= {"duration_s", "task", "GroupId", "reason"}
SECTIONS = re.findall(r"^### (.*)$", (ROOT / "layers/README.md").read_text("utf-8"), re.MULTILINE)
FUNCTIONS = tuple(name.capitalize() for name in SERVERLESS["functions"])

Properties: TypeAlias = dict[str, object]


def resources(kind: str, *parts: dict[str, dict[str, Properties]]) -> dict[str, Properties]:
    """The properties of the stack's resources of one type, by name; of those parts alone, if any are given."""
    every = parts or (SERVERLESS["resources"][-1], *OPTIONAL)
    found = {name: made for part in every for name, made in part["Resources"].items() if made["Type"] == kind}
    return {name: cast("Properties", made["Properties"]) for name, made in found.items()}


ALARMS = resources("AWS::CloudWatch::Alarm")
FILTERS = resources("AWS::Logs::MetricFilter")
QUERIES = resources("AWS::Logs::QueryDefinition")


def widgets() -> list[dict[str, object]]:
    body = cast("dict[str, dict[str, str]]", resources("AWS::CloudWatch::Dashboard")["Dashboard"])["DashboardBody"]
    return cast("list[dict[str, object]]", json.loads(body["Fn::Sub"])["widgets"])


def shown(widget: dict[str, object]) -> set[str]:
    """The function's own metrics of a widget, with what `.` and `...` repeat written out."""
    found: set[str] = set()
    namespace, name = "", ""
    for first, *others in cast("list[list[object]]", cast("Properties", widget["properties"]).get("metrics", [])):
        if isinstance(first, str) and first != "...":
            namespace = namespace if first == "." else first
            name = name if others[0] == "." else str(others[0])
            found |= {name} if namespace == NAMESPACE else set()
    return found


def written() -> set[str]:
    """Every name that the function counts or measures under, and those that a filter makes of log lines."""
    filtered = [cast("list[dict[str, str]]", each["MetricTransformations"])[0] for each in FILTERS.values()]
    return {each.value for each in (*Notice, *Measure)} | {each["MetricName"] for each in filtered}


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_when_it_begins_and_when_it_ends_and_where_the_runbook_has_more(name: str) -> None:
    alarm = ALARMS[name]
    topic = [{"Fn::If": ["OwnTopic", {"Ref": "Alarms"}, {"Ref": "AlarmTopic"}]}]
    assert alarm["AlarmActions"] == alarm["OKActions"] == topic
    named = re.search(r"\. Runbook, layers/README\.md: ([a-z0-9 ]+)\.$", str(alarm["AlarmDescription"]))
    assert named
    assert named[1].capitalize() in SECTIONS


@pytest.mark.parametrize("name", [name for name, alarm in ALARMS.items() if alarm["Namespace"] == NAMESPACE])
def test_an_alarm_on_the_functions_own_metrics_looks_at_one_that_is_written_and_at_its_own_stage(name: str) -> None:
    """A misspelt metric would be silent for ever, and another stage's would wake the wrong people."""
    assert ALARMS[name]["MetricName"] in written()
    assert ALARMS[name]["Dimensions"] == OURS


@pytest.mark.parametrize(
    ("name", "metric", "threshold"),
    [
        ("FrozenAlarm", "frozen_groups", 0),
        ("ParkedAlarm", "parked_records", 0),
        ("ExpiringAlarm", "parked_expiring", 0),
        ("UnfinishedAlarm", "oldest_unfinished_s", LATE_S),
    ],
)
def test_an_alarm_on_a_gauge_stays_red_until_a_sweep_has_seen_the_cause_gone(
    name: str, metric: str, threshold: int
) -> None:
    """A minute without a sweep changes nothing."""
    alarm = ALARMS[name]
    assert (alarm["MetricName"], alarm["Threshold"], alarm["Statistic"]) == (metric, threshold, "Maximum")
    assert (alarm["TreatMissingData"], alarm["EvaluationPeriods"], alarm["Period"]) == ("ignore", 1, 60)


def test_a_sweep_that_does_not_look_has_an_alarm_of_its_own() -> None:
    """Whether it is not started or ends before it has looked, it writes no gauge."""
    alarm = ALARMS["SweepAlarm"]
    assert alarm["MetricName"] in GAUGES
    assert (alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]) == (
        "SampleCount",
        "LessThanThreshold",
        1,
    )
    assert (alarm["TreatMissingData"], alarm["EvaluationPeriods"]) == ("breaching", 5)


def test_no_alarm_looks_at_a_notice_that_is_written_once_for_a_state_that_lasts() -> None:
    watched = {alarm["MetricName"] for alarm in ALARMS.values()}
    assert watched.isdisjoint({"group_frozen", "record_parked", "unfinished"})
    assert watched >= {"call_failed", "app_refused", "late_landing_corrected", "calls_keep_failing", "group_failed"}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_each_function_is_watched_for(function: str, metric: str) -> None:
    alarm = ALARMS[f"{function}{metric}Alarm"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/Lambda", metric, "Sum")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": f"{function}LambdaFunction"}}]


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name != "Sweep"])
def test_a_function_that_takes_four_fifths_of_its_time_is_slow(function: str) -> None:
    """A sweep uses its whole time where there is much to do."""
    alarm = ALARMS[f"{function}SlowAlarm"]
    timeout_s = SERVERLESS["functions"][function.lower()]["timeout"]
    assert (alarm["MetricName"], alarm["ExtendedStatistic"]) == ("Duration", "p99")
    assert alarm["Threshold"] == 800 * timeout_s


@pytest.mark.parametrize("door", SERVERLESS["custom"]["doors"].values())
def test_each_door_is_watched_for_answers_with_5xx(door: dict[str, object]) -> None:
    part = str(door["resources"]).removeprefix("${self:custom.").removesuffix("}")
    alarm = resources("AWS::CloudWatch::Alarm", SERVERLESS["custom"][part])["AnswersAlarm"]
    assert alarm["MetricName"] == ("Url5xxCount" if door["url"] else "5xx")


def test_the_secrets_failures_are_counted_from_the_lines_of_every_function() -> None:
    assert len(FILTERS) == len(FUNCTIONS)
    for each in FILTERS.values():
        named = re.findall(r'\$\.error = "(\w+)"', str(each["FilterPattern"]))
        assert {getattr(errors, name) for name in named} == {errors.SecretUnavailable, errors.SettingsError}
        [made] = cast("list[dict[str, object]]", each["MetricTransformations"])
        assert (made["MetricNamespace"], made["Dimensions"]) == (NAMESPACE, [{"Key": "service", "Value": "$.service"}])
    groups = {str(cast("dict[str, str]", each["LogGroupName"])["Ref"]) for each in FILTERS.values()}
    assert groups == {f"{name}LogGroup" for name in FUNCTIONS}


def test_the_first_row_of_the_dashboard_says_whether_it_is_well() -> None:
    """The gauges, all alarms that every deployment has, and the latest pauses."""
    first = [widget for widget in widgets() if widget["y"] == 0]
    assert [widget["type"] for widget in first] == ["metric", "alarm", "log"]
    assert shown(first[0]) == GAUGES
    listed = cast("dict[str, list[str]]", first[1]["properties"])["alarms"]
    common = [*resources("AWS::CloudWatch::Alarm", SERVERLESS["resources"][-1]), "AnswersAlarm"]
    assert sorted(listed) == sorted(f"${{{name}.Arn}}" for name in common)


def test_the_dashboard_shows_metrics_that_the_function_writes() -> None:
    seen = set().union(*map(shown, widgets()))
    assert seen <= written()
    assert seen >= {
        "applied",
        "rejected",
        "turned_away",
        "update_latency_s",
        "read_latency_s",
        "ledger_latency_s",
        "call_failed",
    }


def test_the_share_of_the_rate_that_is_used_is_counted_from_the_updates_of_a_minute() -> None:
    [widget] = [
        each for each in widgets() if "CHAT_CALLS_PER_SECOND" in str(cast("Properties", each["properties"])["title"])
    ]
    expression, calls = cast("list[list[object]]", cast("Properties", widget["properties"])["metrics"])
    rate = "${self:provider.environment.CHAT_CALLS_PER_SECOND}"
    assert cast("Properties", expression[0])["expression"] == f"100 * calls / (60 * {rate})"
    assert (calls[1], cast("Properties", calls[-1])["stat"]) == ("update_latency_s", "SampleCount")


@pytest.mark.parametrize("name", QUERIES)
def test_a_saved_query_asks_every_log_for_fields_that_lines_have(name: str) -> None:
    query = str(QUERIES[name]["QueryString"])
    texts = re.sub(r'"[^"]*"', "", query)
    words = set(re.findall(r"(?<![@\w])[A-Za-z_]\w*", texts))
    made = set(re.findall(r"\bas (\w+)", texts))
    language = {"filter", "fields", "stats", "sort", "limit", "by", "as", "or", "and", "asc", "desc", "ispresent"}
    language |= {"strcontains", "concat", "max", "min", "sum", "latest", "count", "count_distinct"}
    assert words - made - language <= FIELDS
    assert len(cast("list[object]", QUERIES[name]["LogGroupNames"])) == len(FUNCTIONS)
    asked = set(re.findall(r"\{\{(\w+)\}\}", query))
    assert asked == {each["Name"] for each in cast("list[dict[str, str]]", QUERIES[name].get("Parameters", []))}


def test_the_saved_queries_answer_what_operators_ask() -> None:
    names = {str(query["Name"]).partition("/")[2] for query in QUERIES.values()}
    assert names >= {"what became of a key", "what happened to a group", "who calls most"}


def test_every_alarm_stands_in_the_table_of_the_runbook() -> None:
    """By the words before `Alarm` in its name; one for each function has the function before them."""
    table = (ROOT / "layers/README.md").read_text("utf-8").partition("| you see |")[2].partition("\n\n")[0]
    listed = set(re.findall(r"\b[A-Z][A-Za-z]+\b", " ".join(re.findall(r"^\| alarms? ([^|;]*)", table, re.MULTILINE))))
    names = {name.removesuffix("Alarm") for name in ALARMS}
    assert {re.sub(rf"^({'|'.join(FUNCTIONS)})(?=Errors|Throttles|Slow)", "", name) for name in names} == listed
