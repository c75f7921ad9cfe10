"""Check, before anything is changed, that a deployment has all it needs.

    python -m layers.preflight aws
    python -m layers.preflight scf

The exit code is 1 if anything is missing. Each line of standard error names one missing thing and how to get it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from layers.scf.api import absent_keys
from layers.scf.plan import SERVICE, PlanError, read_plan

OSLS: Final = Path(__file__).with_name("node_modules") / ".bin" / "osls"
NODES: Final = "20.19, 22.13 or 24"

Version: TypeAlias = tuple[int, int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Name what is missing for a cloud; 1 if anything is."""
    parser = argparse.ArgumentParser(prog="python -m layers.preflight", description="Check what a deployment needs.")
    parser.add_argument("cloud", choices=sorted(CLOUDS))
    parser.add_argument("--removing", action="store_true", help="a removal, which needs less")
    options = parser.parse_args(arguments)
    missing = CLOUDS[options.cloud](os.environ, removing=options.removing)
    for problem in missing:
        sys.stderr.write(f"{problem}\n")
    return 1 if missing else 0


def for_aws(environ: Mapping[str, str], *, removing: bool = False) -> list[str]:
    """What is missing of Node, osls, credentials, a region and an address for alarms."""
    problems = [*node_problems(), *_aws_credentials(environ)]
    if not removing and not re.search(r"(^| )alarm-email=[^ ]+@[^ ]+", environ.get("PARAMS", "")):
        problems.append('No address for alarms. Give: PARAMS="alarm-email=you@example.com"')
    return problems


def for_scf(environ: Mapping[str, str], *, removing: bool = False) -> list[str]:
    """What is missing of an account's keys and of `custom.tencent` in serverless.yml, which PARAMS fills in."""
    absent = absent_keys(environ)
    problems = [f"No keys of Tencent Cloud. Set {' and '.join(absent)}"] if absent else []
    given = dict(param.partition("=")[::2] for param in environ.get("PARAMS", "").split())
    try:
        read_plan(SERVICE.read_text("utf-8"), given, removing=removing)
    except PlanError as error:
        problems += error.problems
    return problems


CLOUDS: Final = {"aws": for_aws, "scf": for_scf}


def node_problems(version: Callable[[], str | None] | None = None) -> list[str]:
    """What is missing for osls on this machine. `version` finds the version of Node; the default asks Node on PATH."""
    text = (version or _node_version)()
    if text is None:
        return [f"No Node. Install Node {NODES} or newer"]
    if not is_recent(text):
        return [f"Node is {text}. osls needs {NODES} or newer"]
    if not OSLS.exists():
        return ["No osls. Install the pinned one: make osls"]
    return []


def _node_version() -> str | None:
    node = shutil.which("node")
    if node is None:
        return None
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603  # node
    return done.stdout.strip()


def is_recent(text: str) -> bool:
    """Whether osls supports this version of Node, such as `v20.19.5`."""
    found = re.match(r"v(\d+)\.(\d+)\.", text)
    if not found:
        return False
    version = (int(found[1]), int(found[2]))
    return (20, 19) <= version < (21, 0) or (22, 13) <= version < (23, 0) or version >= (24, 0)


def _aws_credentials(environ: Mapping[str, str]) -> list[str]:
    home = Path(environ.get("HOME", "/"))
    files = [environ.get("AWS_SHARED_CREDENTIALS_FILE", home / ".aws/credentials"), home / ".aws/config"]
    named = any(
        environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
    )
    problems = []
    if not named and not any(Path(file).exists() for file in files):
        problems.append("No credentials of AWS. Run `aws configure`, or set AWS_PROFILE or AWS_ACCESS_KEY_ID")
    if not environ.get("REGION"):
        problems.append("No region. Give: REGION=ap-southeast-1, or another near the Chat app")
    return problems


if __name__ == "__main__":
    sys.exit(main())
