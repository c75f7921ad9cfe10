"""The example for SAM makes what osls makes of `serverless.yml` without parameters."""

import subprocess
import sys
from pathlib import Path
from typing import TypeAlias, cast

import pytest
import yaml

from layers.examples import TEMPLATE, text
from tests.integration import osls

Json: TypeAlias = dict[str, object]

# What osls alone needs, what no other tool has to make, and what only a parameter brings.
LEFT_OUT = {
    *("ServerlessDeploymentBucket", "ServerlessDeploymentBucketPolicy", "KeyPolicy"),
    *("Dashboard", "KeyQuery", "OperationQuery", "GroupQuery", "CallersQuery"),
}
GIVEN = {"OwnTable", "OwnTopic"}
"""The conditions that hold without parameters."""
GLOBAL = ("Handler", "Runtime", "MemorySize", "Architectures", "Layers")
PARAMETERS: Json = {"ChatRegion": "singapore", "AlarmEmail": "operator@example.com"}
NOTHING = {"Ref": "AWS::NoValue"}


@pytest.fixture(scope="module")
def example() -> dict[str, dict[str, Json]]:
    template: dict[str, dict[str, Json]] = yaml.safe_load(TEMPLATE.read_text("utf-8"))
    return template


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Json]:
    osls.need_osls()
    template = osls.package(osls.service(tmp_path_factory.mktemp("service")))
    return template["Resources"]


def test_the_linter_of_cloudformation_finds_nothing(tmp_path: Path) -> None:
    command: list[str | Path] = [Path(sys.executable).with_name("cfn-lint"), "-r", osls.REGION, "-t", TEMPLATE]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_all_resources_are_those_of_the_serverless_file(
    made: dict[str, Json], example: dict[str, dict[str, Json]]
) -> None:
    """Table, roles and their actions, queues, schedules, doors, alarms and what they look at, one by one."""
    resources = example["Resources"]
    assert set(resources) == set(made) - LEFT_OUT
    for name, resource in resources.items():
        if not str(resource["Type"]).startswith("AWS::Serverless::"):
            assert (name, plain(resource["Properties"])) == (name, plain(made[name]["Properties"]))


def test_all_functions_have_the_same_environment_time_and_memory(
    made: dict[str, Json], example: dict[str, dict[str, Json]]
) -> None:
    shared = example["Globals"]["Function"]
    functions = [name for name, each in example["Resources"].items() if each["Type"] == "AWS::Serverless::Function"]
    assert len(functions) == 5
    for name in functions:
        theirs = cast("Json", plain(made[name]["Properties"]))
        ours = cast("Json", plain({**shared, **cast("Json", example["Resources"][name]["Properties"])}))
        ours["Environment"] = {"Variables": {**variables(plain(shared)), **variables(ours)}}
        del ours["CodeUri"], theirs["Code"], theirs["TracingConfig"]
        assert (name, ours) == (name, theirs)


def test_the_page_beside_it_is_current() -> None:
    assert (TEMPLATE.parent / "README.md").read_text("utf-8") == text()


def plain(value: object) -> object:
    """A part of a template with its conditions decided, and the stage, the region and the parameters put in."""
    if isinstance(value, list):
        return [part for part in map(plain, value) if part != NOTHING]
    if not isinstance(value, dict):
        return value
    if "Fn::If" in value:
        condition, holds, else_ = value["Fn::If"]
        return plain(holds if condition in GIVEN else else_)
    if value.get("Ref") in PARAMETERS:
        return PARAMETERS[value["Ref"]]
    if isinstance(value.get("Fn::Sub"), str):
        put_in = value["Fn::Sub"].replace("${Stage}", "test").replace("${AWS::Region}", osls.REGION)
        return {"Fn::Sub": put_in} if "${" in put_in else put_in
    parts = {name: plain(part) for name, part in value.items()}
    return {name: part for name, part in parts.items() if part != NOTHING}


def variables(properties: object) -> Json:
    return cast("dict[str, dict[str, Json]]", properties)["Environment"]["Variables"]
