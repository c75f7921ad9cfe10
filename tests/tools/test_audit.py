"""The audit tells clean pins, pins with advisories, and pins that nobody has looked up, and never one for another."""

import json
from pathlib import Path

import pytest

from tests.tools import audit

CLEAN = {"name": "requests", "version": "2", "vulns": []}
BAD = {"name": "requests", "version": "1", "vulns": [{"id": "PYSEC-1"}]}
SKIPPED = {"name": "requests", "skip_reason": "not found on PyPI"}
BROKEN = ""

CASES = [
    (json.dumps({"dependencies": [CLEAN]}), 0, "1 pins, no advisories", {True: 0, False: 0}),
    (json.dumps({"dependencies": [CLEAN, BAD]}), 1, "WITH ADVISORIES", {True: 1, False: 1}),
    (json.dumps({"dependencies": [CLEAN, SKIPPED]}), 1, "NOT AUDITED", {True: 2, False: 0}),
    (json.dumps({"dependencies": []}), 0, "NOT AUDITED", {True: 2, False: 0}),
    (BROKEN, 1, "NOT AUDITED", {True: 2, False: 0}),
]


@pytest.mark.parametrize(("told", "code", "said", "expected"), CASES)
@pytest.mark.parametrize("reachable", [True, False])
def test_pins_are_clean_only_if_all_were_looked_up(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    told: str,
    code: int,
    said: str,
    expected: dict[bool, int],
    reachable: bool,
) -> None:
    """Without a network a run in continuous integration goes on, but says so in capitals."""
    tool = tmp_path / "pip-audit"
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{told}\nEND\nexit {code}\n")
    tool.chmod(0o755)
    assert audit.main(["--if-reachable"], tool, lambda: reachable) == expected[reachable]
    written = capsys.readouterr().err
    assert said in written
    assert (audit.HOST in written) == (said == "NOT AUDITED" and not reachable)
    assert audit.main([], tool, lambda: reachable) == expected[True]


def test_without_its_tool_nothing_is_audited(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It could not be installed, for want of a network or for another reason."""
    assert audit.main(["--if-reachable"], tmp_path / "none", lambda: True) == audit.NOT_AUDITED
    assert audit.main(["--if-reachable"], tmp_path / "none", lambda: False) == audit.CLEAN
    assert "NOT AUDITED: pypi.org cannot be reached" in capsys.readouterr().err
