"""The preflight names each missing thing in one line, before anything is changed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from layers.preflight import for_aws, for_scf, is_recent, node_problems

ROOT = Path(__file__).resolve().parents[3]
AWS = {"AWS_PROFILE": "mine", "REGION": "eu-west-1", "PARAMS": "door=jwt alarm-email=you@example.com"}
SCF = {
    "TENCENTCLOUD_SECRET_ID": "id",
    "TENCENTCLOUD_SECRET_KEY": "key",
    "PARAMS": "role=ChatCounters vpc.id=vpc-1 vpc.subnet=subnet-1",
}


def without_node(problems: list[str]) -> list[str]:
    return [problem for problem in problems if problem not in node_problems()]


def test_nothing_is_missing_where_all_is_given() -> None:
    assert without_node(for_aws(AWS)) == []
    assert for_scf(SCF) == []


@pytest.mark.parametrize(
    ("name", "word"), [("AWS_PROFILE", "credentials"), ("REGION", "REGION="), ("PARAMS", "alarm-email=")]
)
def test_each_missing_thing_of_aws_is_one_line(name: str, word: str, tmp_path: Path) -> None:
    environ = {given: value for given, value in AWS.items() if given != name} | {"HOME": str(tmp_path)}
    [problem] = without_node(for_aws(environ))
    assert word in problem


def test_a_file_of_credentials_is_enough(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").touch()
    environ = {name: value for name, value in AWS.items() if name != "AWS_PROFILE"} | {"HOME": str(tmp_path)}
    assert without_node(for_aws(environ)) == []


def test_a_removal_needs_no_address_for_alarms() -> None:
    assert without_node(for_aws({**AWS, "PARAMS": ""}, removing=True)) == []
    assert for_scf({**SCF, "PARAMS": ""}, removing=True) == []


def test_each_missing_thing_of_scf_is_one_line() -> None:
    lacking = for_scf({})
    assert len(lacking) == 3
    assert all(word in line for word, line in zip(("TENCENTCLOUD_SECRET_ID", "role", "vpc"), lacking, strict=True))


@pytest.mark.parametrize(
    ("version", "recent"),
    [("v20.19.0", True), ("v20.18.3", False), ("v21.7.0", False), ("v22.13.1", True), ("v23.1.0", False)],
)
def test_old_versions_of_node_are_recognised(version: str, recent: bool) -> None:
    assert is_recent(version) is recent
    assert is_recent("v24.0.0")
    assert not is_recent("20")


def test_a_missing_node_and_an_old_one_are_named() -> None:
    assert node_problems(lambda: None)[0].startswith("No Node.")
    assert "v18.1.0" in node_problems(lambda: "v18.1.0")[0]


def test_the_command_fails_and_changes_nothing() -> None:
    environ = {"PATH": os.defpath, "HOME": "/nowhere"}
    command = [sys.executable, "-m", "layers.preflight", "scf"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 3)
