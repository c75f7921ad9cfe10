"""What any other tool has to set up on either cloud: a template for SAM, and tables of its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias, cast

import yaml

from layers.packaging.targets import ROOT

Json: TypeAlias = Mapping[str, object]
Resources: TypeAlias = Mapping[str, Mapping[str, Json]]

TEMPLATE: Final = ROOT / "layers" / "examples" / "template.yaml"
SERVICE: Final = ROOT / "serverless.yml"

_INTRODUCTION: Final = """\
`template.yaml` is a whole deployment for SAM. `.venv/bin/python -m layers.examples` writes this page from it and from
`serverless.yml`; a test holds that template, `serverless.yml` and page agree."""
_KINDS: Final = (
    *("DynamoDB::Table", "SQS::Queue", "Scheduler::Schedule"),
    *("EventSourceMapping", "EventInvokeConfig", "Lambda::Url"),
)


def text() -> str:
    """The page of the tables, of the template and of `custom.tencent` in serverless.yml."""
    template = yaml.safe_load(TEMPLATE.read_text("utf-8"))
    plan = yaml.safe_load(SERVICE.read_text("utf-8"))["custom"]["tencent"]
    parts = [
        "# What any other tool has to set up",
        _INTRODUCTION,
        "## AWS: the functions",
        *_functions(template),
        "## AWS: the rest",
        *_rest(template["Resources"]),
        "## AWS: the alarms",
        _alarms(template["Resources"]),
        "## Tencent SCF",
        _table(("setting", "value"), [(name, _short(value)) for name, value in plan.items()]),
    ]
    return "\n\n".join(parts) + "\n"


def _functions(template: Mapping[str, Json]) -> list[str]:
    resources = cast("Resources", template["Resources"])
    shared = cast("Json", template["Globals"]["Function"])
    common = cast("Mapping[str, Json]", shared["Environment"])["Variables"]
    named = [name for name, part in resources.items() if str(part["Type"]) == "AWS::Serverless::Function"]
    head = f"Handler `{shared['Handler']}`, {shared['Runtime']} on arm64, {shared['MemorySize']} MB, and the layer."
    rows = [
        (
            name.removesuffix("LambdaFunction").lower(),
            f"{resources[name]['Properties']['Timeout']} s",
            _short(cast("Mapping[str, Json]", resources[name]["Properties"]["Environment"])["Variables"]),
            ", ".join(sorted(set(_actions(resources[name.replace("LambdaFunction", "Role")]["Properties"])))),
        )
        for name in named
    ]
    return [
        f"{head} All have\n{_short(common)}.",
        _table(("function", "timeout", "environment beside that", "actions"), rows),
    ]


def _actions(role: Json) -> Iterable[str]:
    for policy in cast("Sequence[Mapping[str, Mapping[str, Sequence[Json]]]]", role["Policies"]):
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = cast("str | list[str]", statement["Action"])
            yield from [actions] if isinstance(actions, str) else actions


def _rest(resources: Resources) -> list[str]:
    rows = [
        (name, str(part["Type"]), _short(part["Properties"]))
        for name, part in resources.items()
        if str(part["Type"]).endswith(_KINDS)
    ]
    return [_table(("name", "type", "properties"), rows)]


def _alarms(resources: Resources) -> str:
    found = [
        (name, part["Properties"]) for name, part in resources.items() if str(part["Type"]) == "AWS::CloudWatch::Alarm"
    ]
    rows = [
        (
            name,
            f"{each['Namespace']} `{each['MetricName']}`",
            str(each.get("Statistic") or each.get("ExtendedStatistic")),
            f"{each['ComparisonOperator']} {each['Threshold']}",
            f"{each.get('DatapointsToAlarm', each['EvaluationPeriods'])} of {each['EvaluationPeriods']} minutes",
        )
        for name, each in found
    ]
    return _table(("alarm", "metric", "statistic", "when", "for"), rows)


def _short(value: object) -> str:
    """A value in one line of YAML, as code."""
    line = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
    return f"`{line.removesuffix('...' + chr(10)).strip()}`".replace("|", "\\|")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
