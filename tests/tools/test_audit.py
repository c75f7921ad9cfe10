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
    (json.dumps({"dependencies": [CLEAN]}), 0, "1 pins, no advisories", audit.CLEAN),
    (json.dumps({"dependencies": [CLEAN, BAD]}), 1, "WITH ADVISORIES", audit.ADVISORIES),
    (json.dumps({"dependencies": [CLEAN, SKIPPED]}), 1, "NOT AUDITED", audit.NOT_AUDITED),
    (json.dumps({"dependencies": []}), 0, "NOT AUDITED", audit.NOT_AUDITED),
    (BROKEN, 1, "NOT AUDITED", audit.NOT_AUDITED),
]


@pytest.mark.parametrize(("told", "code", "said", "expected"), CASES)
@pytest.mark.parametrize("flags", [[], ["--if-reachable"]])
def test_pins_are_clean_only_if_all_were_looked_up(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    told: str,
    code: int,
    said: str,
    expected: int,
    flags: list[str],
) -> None:
    tool = tmp_path / "pip-audit"
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{told}\nEND\nexit {code}\n")
    tool.chmod(0o755)
    assert audit.main(flags, lambda: tool, lambda: True) == expected
    assert said in capsys.readouterr().err


def test_without_a_network_continuous_integration_goes_on_but_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is installed for it either."""

    def install() -> Path:
        raise AssertionError("there is nothing to look up")

    assert audit.main(["--if-reachable"], install, lambda: False) == audit.CLEAN
    assert "NOT AUDITED: pypi.org cannot be reached" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [[], ["--if-reachable"]])
def test_without_its_tool_nothing_is_audited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    """It could not be installed."""
    assert audit.main(flags, lambda: tmp_path / "none", lambda: True) == audit.NOT_AUDITED
    assert "none is not installed" in capsys.readouterr().err
