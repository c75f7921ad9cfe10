"""Bytecode for a target's Python, made by that very version of Python where this machine has it.

A function's folders are read-only, so without bytecode every cold start compiles every module again. It lies in
`__pycache__` beside its source, as Python's own `compileall` puts it, and is never checked against the source, because
one build makes both. Positions of columns, which tracebacks of Python 3.11 and later underline, are left out: they are
a fifth of the bytecode.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from layers.packaging.targets import Target

NEVER_IMPORTED: Final = (
    *("pydantic/experimental", "pydantic/color.py"),
    *(f"aws_lambda_powertools/utilities/{name}" for name in ("auth_alpha", "batch", "circuit_breaker", "data_masking")),
    *(f"aws_lambda_powertools/utilities/{name}" for name in ("feature_flags", "idempotency", "kafka", "parser")),
    *(f"aws_lambda_powertools/utilities/{name}" for name in ("streaming", "validation")),
    *(
        f"aws_lambda_powertools/utilities/data_classes/{name}.py"
        for name in ("api_gateway_authorizer_event", "cognito_user_pool_event", "iot_registry_event", "s3_object_event")
    ),
    "aws_lambda_powertools/metrics/provider/datadog",
    "tencentcloud/common/abstract_client_async.py",
    *("redis/asyncio/multidb", "redis/multidb", "redis/commands/search", "redis/commands/timeseries"),
    *("redis/commands/bf", "redis/commands/json", "redis/commands/vectorset"),
    *("urllib3/contrib/emscripten", "urllib3/contrib/pyopenssl.py", "urllib3/http2/connection.py"),
    *("charset_normalizer/cli", "idna/uts46data.py"),
)
"""Modules of packages that the function never imports. Their bytecode would make the layer too large for SCF's API."""


class CompileError(Exception):
    """A module does not compile; the text is the compiler's own."""


def interpreter(target: Target) -> str | None:
    """A Python of the target's version on this machine, if there is one that runs."""
    candidates = [sys.executable, *_found(f"python{target.version}")]
    return next((python for python in candidates if _version(python) == target.version), None)


def compile_all(python: str, folder: Path, mount: str, left_out: tuple[str, ...] = ()) -> None:
    """Compile the modules in `folder`, which is unpacked at `mount`, except those below the paths `left_out`."""
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", mount]
    modules = [path for path in sorted(folder.rglob("*.py")) if not _is_below(path.relative_to(folder), left_out)]
    # The order in which bytecode holds a set of texts follows their hashes, which differ from process to process.
    fixed = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(  # noqa: S603  # a Python of this machine
        [python, "-X", "no_debug_ranges", "-m", "compileall", *options, "-i", "-"],
        input="".join(f"{path}\n" for path in modules),
        capture_output=True,
        text=True,
        check=False,
        env=fixed,
    )
    if done.returncode:
        raise CompileError(done.stdout.strip() + done.stderr.strip())


def _found(name: str) -> list[str]:
    """The Pythons of this name on PATH. A shim of pyenv runs chosen versions only, so each of pyenv's own is tried."""
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
