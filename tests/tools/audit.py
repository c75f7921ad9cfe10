"""Look up the pins in PyPI's advisories: `make audit`.

It ends with 0 where every pin was looked up and has no advisory, with 1 where one has, and with 2 where not all could
be looked up: a run without a network, or against an index that has no advisories, must not look clean. With
`--if-reachable` a PyPI that cannot be reached is said in capitals, nothing is looked up, and that is no failure.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPException, HTTPSConnection
from pathlib import Path

TOOLS = Path(".tools")
SETS = ("layers", "tests", "tests/ministack", "tests/tools")
CLEAN, ADVISORIES, NOT_AUDITED = 0, 1, 2
HOST, KNOWN_THERE, TIMEOUT_S = "pypi.org", "/pypi/pip/23.0/json", 10


def is_reachable() -> bool:
    """Whether PyPI, which alone has the advisories, is there: an index that stands in for it knows no such page."""
    connection = HTTPSConnection(HOST, timeout=TIMEOUT_S)
    with closing(connection):
        try:
            connection.request("GET", KNOWN_THERE)
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False


def installed() -> Path:
    """pip-audit, in an environment of its own and of the pinned version; it is not there if that could not be made."""
    subprocess.run(["make", "--silent", str(TOOLS / ".installed")], check=False)
    return TOOLS / "bin" / "pip-audit"


def audit(pip_audit: Path, requirements: str) -> tuple[int, str]:
    """Look up one file of pins; what to say of it."""
    how = ["--strict", "--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
    command = [str(pip_audit), *how, "--requirement", requirements]
    if not pip_audit.exists():
        return NOT_AUDITED, f"NOT AUDITED: {requirements}: {pip_audit} is not installed"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["pip-audit has said nothing"])[-1]
        return NOT_AUDITED, f"NOT AUDITED: {requirements}: {reason}"
    advisories = [f"{one['name']} {one['version']}: {bad['id']}" for one in found for bad in one.get("vulns", [])]
    if advisories:
        return ADVISORIES, f"WITH ADVISORIES: {requirements}: {', '.join(advisories)}"
    if done.returncode or not found or any("skip_reason" in one for one in found):
        return NOT_AUDITED, f"NOT AUDITED: {requirements}: some pins could not be looked up"
    return CLEAN, f"{requirements}: {len(found)} pins, no advisories"


def main(
    arguments: Sequence[str] | None = None,
    install: Callable[[], Path] = installed,
    reachable: Callable[[], bool] = is_reachable,
) -> int:
    """Look up every file of pins, and say what came of each."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.audit", description=__doc__.partition("\n")[0])
    parser.add_argument("--if-reachable", action="store_true", help="no failure where PyPI cannot be reached")
    if parser.parse_args(arguments).if_reachable and not reachable():
        sys.stderr.write(f"NOT AUDITED: {HOST} cannot be reached from here. Run make audit where it can.\n")
        return CLEAN
    pip_audit = install()
    results = [audit(pip_audit, f"{of}/requirements.txt") for of in SETS]
    for _, said in results:
        sys.stderr.write(f"{said}\n")
    codes = {code for code, _ in results}
    return ADVISORIES if ADVISORIES in codes else max(codes)


if __name__ == "__main__":
    sys.exit(main())
