"""The packages that are deployed are small enough and whole: unpacked, with nothing beside them, they count."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from layers.scf_cloud import REQUEST_BYTES
from layers.targets import AWS, SCF, here
from tests.e2e.clouds import DIALECTS, Platform, calling
from tests.e2e.conftest import SHORT_LIVES
from tests.e2e.instances import FunctionInstance, Place
from tests.e2e.leaks import leaks
from tests.e2e.packages import Unpacked, on_lambda, on_scf, python_for, unpacked
from tests.e2e.runtime_api import LambdaInstance
from tests.e2e.scf import ScfInstance
from tests.sandbox.chat import ChatServer
from tests.sandbox.environment import sandboxed_environment

MEGABYTE = 1_000_000
LAYER_BYTES = 8 * MEGABYTE


IMPORT_ALL = """
import importlib, pathlib
for path in sorted(pathlib.Path("handler").rglob("*.py")):
    try:
        importlib.import_module(".".join(path.with_suffix("").parts))
    except ModuleNotFoundError as error:
        if error.name not in ("boto3", "botocore"):
            raise
"""


class DeployedLambda(LambdaInstance):
    """As serverless.yml has it."""

    handler = "handler.early.lambda_handler"


class DeployedScf(ScfInstance):
    """With the package's own `index.py`."""

    index = None


@contextmanager
def deployed(kind: type[FunctionInstance], place: Place, chat: ChatServer, folder: Path) -> Iterator[FunctionInstance]:
    """An instance of the package. Whatever it does, no secret is in its logs."""
    variables = sandboxed_environment(chat.endpoint, folder / "state", INIT_EARLY="on", **SHORT_LIVES)
    with kind(variables, folder / "logs", place) as instance:
        yield instance
        assert leaks(instance.logs) == []


def check(instance: FunctionInstance, platform_name: Platform, chat: ChatServer) -> None:
    """It is well, counts once, and says nothing to standard error."""
    with calling(instance, DIALECTS[platform_name]) as backend:
        assert backend.send("GET", "/v1/health", {}).status == 200
        answers = [backend.increase("once", 5) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert chat.values("G")["like"] == 5
    assert (instance.starts, instance.errors) == (1, "")


def check_imports(place: Place) -> None:
    """Every module of the function can be imported with what is there; AWS's SDK alone is its runtime's own."""
    done = subprocess.run(
        [place.python, *place.options, "-c", IMPORT_ALL],
        cwd=place.code,
        env={"PYTHONPATH": place.path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def check_bytecode(package: Unpacked) -> None:
    """Each module of the function, and what it imports from the layer, comes with bytecode and with its source."""
    assert package.has_bytecode
    tag = f"cpython-{package.target.version.replace('.', '')}"
    for name in ("pydantic/main", "requests/api", "aws_lambda_powertools/event_handler/api_gateway"):
        folder, _, module = name.rpartition("/")
        assert (package.packages / f"{name}.py").exists()
        assert (package.packages / folder / "__pycache__" / f"{module}.{tag}.pyc").exists()
    modules = list((package.code / "handler").rglob("*.py"))
    assert all((path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc").exists() for path in modules)


def test_the_package_for_aws_is_for_its_machine_and_fits(tmp_path: Path) -> None:
    """Binaries for arm64, no SDK that the runtime has, no place for another cloud's entry."""
    package = unpacked(AWS, tmp_path)
    assert package.layer_zip.stat().st_size <= LAYER_BYTES
    binaries = [path.name for path in package.layer.rglob("*.so")]
    assert binaries
    assert all("aarch64" in name for name in binaries)
    assert not any((package.packages / name).exists() for name in ("boto3", "botocore"))
    assert {path.name for path in package.code.iterdir()} == {"handler"}
    python_for(AWS)
    check_bytecode(package)


def test_the_package_for_scf_counts_there(chat: ChatServer, tmp_path: Path) -> None:
    """On Python 3.10, with the layer and the function on the path and nothing else."""
    if platform.machine() != SCF.machine:
        pytest.skip(f"this machine is no {SCF.machine}")
    python_for(SCF)
    package = unpacked(SCF, tmp_path)
    assert package.layer_zip.stat().st_size <= LAYER_BYTES
    # It is uploaded as base64 within one request.
    assert package.layer_zip.stat().st_size * 4 / 3 < REQUEST_BYTES
    assert {path.name for path in package.code.iterdir()} == {"handler", "index.py", "__pycache__"}
    check_bytecode(package)
    check_imports(on_scf(package))
    with deployed(DeployedScf, on_scf(package), chat, tmp_path) as instance:
        check(instance, "scf", chat)


@pytest.mark.parametrize("python", [(3, 12), AWS.python])
def test_the_package_for_aws_counts_under_its_runtime_client(
    python: tuple[int, int], chat: ChatServer, tmp_path: Path
) -> None:
    """With a layer for this machine; the deployed version has bytecode, as it has in the cloud."""
    target = here(python)
    python_for(target)
    package = unpacked(target, tmp_path, bytecode=python == AWS.python)
    place = on_lambda(package, tmp_path)
    check_imports(place)
    with deployed(DeployedLambda, place, chat, tmp_path) as instance:
        check(instance, "lambda", chat)
