"""What a deployment to AWS needs of a machine is named in one line each, before anything is changed."""

from pathlib import Path

import pytest

from layers.aws.needs import is_recent, missing, node_problems

AWS = {"AWS_PROFILE": "mine"}


def without_node(problems: list[str]) -> list[str]:
    return [problem for problem in problems if problem not in node_problems()]


def test_nothing_is_missing_where_all_is_given() -> None:
    assert without_node(missing(AWS, "eu-west-1")) == []


@pytest.mark.parametrize(("environ", "region", "word"), [({}, "eu-west-1", "credentials"), (AWS, "", "REGION=")])
def test_each_missing_thing_is_one_line(environ: dict[str, str], region: str, word: str, tmp_path: Path) -> None:
    [problem] = without_node(missing(environ | {"HOME": str(tmp_path)}, region))
    assert word in problem


def test_a_file_of_credentials_is_enough(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").touch()
    assert without_node(missing({"HOME": str(tmp_path)}, "eu-west-1")) == []


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
