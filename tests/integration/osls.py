"""The pinned osls on this machine: `serverless.yml` and the function's zip in a folder of their own, without the cloud.

osls asks CloudFormation one question before it packages, whether the stack is there, and a local server says no.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from layers.aws.needs import OSLS, node_problems
from layers.packaging.archive import pack
from tests.sandbox.loopback import LoopbackConnection, LoopbackServer

ROOT: Final = Path(__file__).resolve().parents[2]
REGION: Final = "eu-west-1"
EMAIL: Final = "alarm-email=operator@example.com"
TEMPLATE: Final = "cloudformation-template-update-stack.json"

Template: TypeAlias = dict[str, dict[str, dict[str, object]]]

_NO_STACK: Final = (
    b'<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type>'
    b"<Code>ValidationError</Code><Message>Stack does not exist</Message></Error>"
    b"<RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>"
)


class EmptyCloudFormation(LoopbackServer):
    """CloudFormation in an account without stacks. `asked` are the bodies of the requests."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        super().__init__(0, _Connection)


class _Connection(LoopbackConnection):
    server: EmptyCloudFormation

    def do_POST(self) -> None:  # noqa: N802  # the name is http.server's
        body = self.body()
        if body is not None:
            self.server.asked.append(body)
            self.reply(400, [("Content-Type", "text/xml")], _NO_STACK)


def need_osls() -> None:
    """Skip loudly where osls cannot run; in CI that is a failure, as nothing else would notice."""
    problems = node_problems()
    if problems and os.environ.get("CI") == "true":
        pytest.fail("; ".join(problems))
    if problems:
        pytest.skip(f"not deployed or packaged here: {'; '.join(problems)}")


def service(folder: Path, sources: Path = ROOT / "handler") -> Path:
    """A folder with what osls reads: the configuration, the function's zip, and a layer that holds one small file."""
    built = folder / "layers" / "build"
    built.mkdir(parents=True)
    shutil.copy(ROOT / "serverless.yml", folder)
    code = folder / "code" / "handler"
    shutil.copytree(sources, code, ignore=shutil.ignore_patterns("__pycache__"))
    pack(code.parent, built / "aws-function.zip")
    (folder / "packages" / "python").mkdir(parents=True)
    (folder / "packages" / "python" / "nothing.py").write_text("")
    pack(folder / "packages", built / "aws-layer.zip")
    return folder


def run(command: str, folder: Path, endpoints: Mapping[str, str], params: Sequence[str] = (EMAIL,)) -> str:
    """Run osls in the folder, with these variables, and give back what it wrote; fails with that if it failed."""
    words = [str(OSLS), command, "--stage", "test", "--region", REGION]
    for param in params:
        words += ["--param", param]
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment(folder) | dict(endpoints),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def package(folder: Path, *params: str) -> Template:
    """The template that osls makes of the folder's configuration."""
    with EmptyCloudFormation() as cloud:
        run("package", folder, {"AWS_ENDPOINT_URL_CLOUDFORMATION": f"http://{cloud.address}"}, [EMAIL, *params])
        assert len(cloud.asked) == 1
    template: Template = json.loads((folder / ".serverless" / TEMPLATE).read_text("utf-8"))
    return template


def environment(folder: Path) -> dict[str, str]:
    """The variables that osls runs with, and no others."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "NODE_NO_WARNINGS": "1",
        "SLS_TELEMETRY_DISABLED": "1",
        # Where a run leaves its compiled schema to those after it: that takes longer than all else that osls does.
        "SLS_SCHEMA_CACHE_BASE_DIR": str(OSLS.parents[1]),
        "SLS_NOTIFICATIONS_MODE": "off",
    }
