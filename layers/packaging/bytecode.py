"""Bytecode for a target's Python, made by that very version of Python where this machine has it.

A function's folders are read-only, so without it every cold start compiles every module anew. It is never checked
against its source: both come out of one build. The sources stay, because tracebacks show their lines; the columns in
them, which Python 3.11 and later would underline, are left out, as they are a fifth of the bytecode.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from layers.packaging.targets import Target

ROOT: Final = Path(__file__).resolve().parents[2]

NEVER_IMPORTED: Final = (
    *("pydantic/experimental", "pydantic/color.py"),
    *(f"aws_lambda_powertools/utilities/{name}" for name in ("auth_alpha", "batch", "circuit_breaker", "data_masking")),
    *(f"aws_lambda_powertools/utilities/{name}" for name in ("feature_flags", "idempotency", "kafka", "parser")),
    *(f"aws_lambda_powertools/utilities/{name}" for name in ("streaming", "validation")),
    *(
        f"aws_lambda_powertools/utilities/data_classes/{name}.py"
        for name in ("api_gateway_authorizer_event", "cognito_user_pool_event", "iot_registry_event", "s3_object_event")
    ),
    "aws_lambda_powertools/event_handler/middlewares/openapi_validation.py",
    "aws_lambda_powertools/metrics/provider/datadog",
    "tencentcloud/common/abstract_client_async.py",
    *("redis/asyncio/multidb", "redis/multidb", "redis/commands/search", "redis/commands/timeseries"),
    *("redis/commands/bf", "redis/commands/json", "redis/commands/vectorset"),
    *("urllib3/contrib/emscripten", "urllib3/contrib/pyopenssl.py", "urllib3/http2/connection.py"),
    *("charset_normalizer/cli", "idna/uts46data.py"),
)
"""Parts that the function leaves alone. Their bytecode would only make the layer too large for SCF's API."""


class CompileError(Exception):
    """A module does not compile; the text is what the compiler said."""


def interpreter(target: Target) -> str | None:
    """A Python of the target's version on this machine, if there is one that runs."""
    candidates = [sys.executable, *_found(f"python{target.version}")]
    return next((python for python in candidates if _version(python) == target.version), None)


def compile_all(python: str, folder: Path, mount: str, left_out: tuple[str, ...] = ()) -> None:
    """Compile the modules in `folder`, which will lie at `mount`, all but those below the paths `left_out`."""
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", mount]
    modules = [path for path in sorted(folder.rglob("*.py")) if not _is_below(path.relative_to(folder), left_out)]
    listed = "".join(f"{path}\n" for path in modules)
    _run(python, ["compileall", *options, "-i", "-"], listed)


def compile_modules(python: str, modules: Path, folder: Path, mount: str) -> None:
    """Compile the function's modules, which will lie at `mount`, to bytecode without sources in `folder`."""
    _run(python, ["layers.precompile", str(modules), str(folder), mount])


def _run(python: str, command: list[str], listed: str = "") -> None:
    """Run a module in the target's Python."""
    # Sets of texts are written in the order of their hashes, which is otherwise another one in each process.
    fixed = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(  # noqa: S603  # a Python of this machine
        [python, "-X", "no_debug_ranges", "-m", *command],
        input=listed,
        capture_output=True,
        text=True,
        check=False,
        env=fixed,
    )
    if done.returncode:
        raise CompileError(done.stdout.strip() + done.stderr.strip())


def _found(name: str) -> list[str]:
    """Where PATH has it. What pyenv puts there runs chosen versions only, so all of its own are looked at."""
    first = shutil.which(name)
    if first is None:
        return []
    versions = Path(first).parent.parent / "versions"
    return [first, *map(str, sorted(versions.glob(f"{name.removeprefix('python')}.*/bin/python"), reverse=True))]


def _version(python: str) -> str | None:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603  # a Python
    return done.stdout.strip() if done.returncode == 0 else None


def _is_below(path: Path, places: tuple[str, ...]) -> bool:
    return any(path.as_posix() == place or path.as_posix().startswith(f"{place}/") for place in places)
