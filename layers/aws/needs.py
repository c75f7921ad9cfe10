"""What this machine needs for a deployment to AWS: Node, osls, credentials and a region."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

OSLS: Final = Path(__file__).parents[1] / "node_modules" / ".bin" / "osls"
NODES: Final = "20.19, 22.13 or 24"

Version: TypeAlias = tuple[int, int]


def missing(environ: Mapping[str, str], region: str) -> list[str]:
    """A line for each thing that is missing, and how to get it."""
    problems = [*node_problems(), *_aws_credentials(environ)]
    if not region:
        problems.append("No region. Give: REGION=ap-southeast-1, or another near the Chat app")
    return problems


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
    return problems
