"""The packages that are deployed fit and are whole: unpacked, with nothing beside them, they count."""

import json
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from handler.main import lambda_handler
from layers.packaging.install import PINS, pins_for
from layers.packaging.inventory import licence_of
from layers.packaging.targets import AWS, SCF, here
from layers.scf.api import REQUEST_BYTES
from tests.e2e.clouds import DIALECTS, Platform, calling
from tests.e2e.conftest import SHORT_LIVES
from tests.e2e.instances import ROOT, FunctionInstance, Place, Reply
from tests.e2e.leaks import leaks
from tests.e2e.packages import Unpacked, on_lambda, on_scf, python_for, unpacked
from tests.e2e.runtime_api import LambdaInstance
from tests.e2e.scf import ScfInstance
from tests.sandbox.chat import ChatServer
from tests.sandbox.cold_function import cold_function
from tests.sandbox.contexts import lambda_context
from tests.sandbox.dialects import event_of
from tests.sandbox.environment import sandboxed_environment

AWS_BYTES = 50_000_000
"""The most that Lambda takes as one zip (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""

LICENCE_BYTES = 500
"""No licence is shorter."""

MODULES = sorted((ROOT / "handler").rglob("*.py"))

IMPORT_ALL = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in ("boto3", "botocore"):
            raise
"""

OPENAPI = event_of("rest", "GET", "/openapi.json", [], b"")


class DeployedLambda(LambdaInstance):
    handler = "handler.preload.lambda_handler"


class DeployedScf(ScfInstance):
    index = None


@contextmanager
def deployed(
    kind: type[FunctionInstance], place: Place, chat: ChatServer, folder: Path, **more: str
) -> Iterator[FunctionInstance]:
    """An instance of the package, whose logs are then searched for secrets."""
    variables = sandboxed_environment(chat.endpoint, folder / "state", INIT_EARLY="on", **SHORT_LIVES, **more)
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


def run(place: Place, code: str, *arguments: str) -> list[str]:
    """What a program writes that has the package and nothing else, and nothing to say to standard error."""
    done = subprocess.run(
        [place.python, *place.options, "-B", "-c", code, *arguments],
        cwd=place.code,
        env={"PYTHONPATH": place.path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def check_imports(place: Place) -> None:
    """Every module of the function can be imported with what is there; AWS's SDK alone is its runtime's own."""
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in MODULES]
    run(place, IMPORT_ALL, *(name.removesuffix(".__init__") for name in names))


def check_sizes(package: Unpacked) -> None:
    """Each zip is as small as its cloud demands: SCF's comes as base64 within one request."""
    limit = REQUEST_BYTES * 3 / 4 if package.target == SCF else AWS_BYTES
    assert all(path.stat().st_size < limit for path in (package.function_zip, package.layer_zip))


def name_of(pin: str) -> str:
    return pin.partition("==")[0]


def check_inventory(package: Unpacked) -> None:
    """The bill of materials is what was pinned for the target, and each package has its licence's text beside it."""
    bill = json.loads(package.bill.read_text("utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    pinned = [line.split(" ")[0] for line in pins_for(package.target, PINS.read_text("utf-8")).splitlines()]
    assert [f"{one['name']}=={one['version']}" for one in bill["components"]] == sorted(pinned, key=name_of)
    folders = sorted(package.packages.glob("*.dist-info"))
    assert len(folders) == len(pinned)
    texts = {folder.name: licence_of(folder) for folder in folders}
    assert [name for name, text in texts.items() if text is None or text.stat().st_size < LICENCE_BYTES] == []
    assert all(one["licenses"][0]["license"]["name"] != "unknown" for one in bill["components"])


def check_document(instance: FunctionInstance) -> None:
    """The OpenAPI document is the checkout's own."""
    told = instance.invoke(OPENAPI)
    with cold_function(instance.environment):
        expected = lambda_handler(OPENAPI, lambda_context(20.0))
    assert isinstance(told, Reply)
    assert told.value == expected
    assert expected["statusCode"] == 200


def check_bytecode(package: Unpacked) -> None:
    """Each module of the function, and what it imports of the packages, has bytecode beside it."""
    assert package.has_bytecode
    tag = f"cpython-{package.target.version.replace('.', '')}"
    imported = [package.packages / name for name in ("pydantic/main.py", "requests/api.py", "msgspec/__init__.py")]
    for path in [*imported, *package.code.rglob("*.py")]:
        assert path.exists()
        assert (path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc").exists()


def test_the_package_for_aws_is_for_its_machine_and_fits(tmp_path: Path) -> None:
    """Binaries for arm64, no SDK that the runtime has, no place for another cloud's entry."""
    package = unpacked(AWS, tmp_path)
    check_sizes(package)
    check_inventory(package)
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
    check_sizes(package)
    check_inventory(package)
    assert {path.name for path in package.code.iterdir()} == {"handler", "index.py", "__pycache__"}
    check_bytecode(package)
    check_imports(on_scf(package))
    with deployed(DeployedScf, on_scf(package), chat, tmp_path) as instance:
        check(instance, "scf", chat)


@pytest.mark.parametrize("python", [(3, 12), AWS.python])
def test_the_package_for_aws_counts_under_its_runtime_client(
    python: tuple[int, int], chat: ChatServer, tmp_path: Path
) -> None:
    """With a layer for this machine; the deployed version has bytecode, as it has in the cloud, the other none."""
    target = here(python)
    python_for(target)
    package = unpacked(target, tmp_path, bytecode=python == AWS.python)
    place = on_lambda(package, tmp_path)
    check_imports(place)
    with deployed(DeployedLambda, place, chat, tmp_path, DOCS="on") as instance:
        check(instance, "lambda", chat)
        check_document(instance)
