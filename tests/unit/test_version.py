"""One release, under one number."""

import re
from pathlib import Path

from handler.version import VERSION

ROOT = Path(__file__).parents[2]


def test_the_code_its_package_and_the_newest_release_of_the_changelog_have_one_number() -> None:
    named = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    releases = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", changelog(), re.MULTILINE)
    assert named is not None
    assert named[1] == releases[0] == VERSION


def test_every_release_says_whether_it_works_beside_the_one_before() -> None:
    releases = re.split(r"^## \[(?=\d)", changelog(), flags=re.MULTILINE)[1:]
    said = [re.search(r"### Side by side\n\n[^\n]*: (yes|no)\b", release) for release in releases]
    assert None not in said


def changelog() -> str:
    return (ROOT / "CHANGELOG.md").read_text("utf-8")
