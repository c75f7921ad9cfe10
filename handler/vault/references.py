"""Where secret texts are had from: references such as `file:/etc/chat.json` or `env:CHAT_JSON`, and what reads them."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from handler.core.errors import SecretUnavailable, SettingsError

if TYPE_CHECKING:
    from handler.clouds.aws import MakeSession

Source: TypeAlias = Callable[[], str]

SCHEMES = ("aws", "tencent", "file", "env")
SUPPORTED = "aws:<name or ARN>, tencent:<name>[#<version>][?region=<region>], file:<path> and env:<VARIABLE>"

# Secrets managers allow 64 KiB, and a file that holds more than that is another one.
SECRET_BYTES = 64 * 1024

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_reference(text: str) -> bool:
    """Whether the text says where a secret is, rather than being one."""
    return text.partition(":")[0] in SCHEMES and ":" in text


def source_for(
    reference: str, environ: Mapping[str, str], variable: str = "CHAT_SECRET", session: MakeSession | None = None
) -> Source:
    """What reads the text that a reference leads to; raises SettingsError, in the name of `variable`, if there is none.

    `session` gives the session of boto3 that other clients are made by too, where there are others.

    The error does not show the reference, because it may be the secret itself, put there by mistake. What is made
    raises SecretUnavailable in the name of `variable` too.
    """
    scheme, _, rest = reference.partition(":")
    if scheme == "file" and rest and "\0" not in rest:
        return _naming(variable, file_source(rest))
    if scheme == "env" and _VARIABLE.fullmatch(rest):
        return _naming(variable, env_source(environ, rest))
    if scheme in {"aws", "tencent"}:
        return _naming(variable, _manager_source(scheme, rest, environ, variable, session))
    raise SettingsError(variable, f"is no reference to a secret: {SUPPORTED} are")


def file_source(path: str) -> Source:
    """Read a file each time, as UTF-8; the path is taken as it is, without `~` or variables in it.

    The source raises SecretUnavailable, which names the path and shows nothing of the content.
    """

    def read() -> str:
        try:
            return _content(Path(path)).decode("utf-8-sig").strip()
        except OSError as error:
            raise SecretUnavailable(f"the secret's file {path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SecretUnavailable(f"the secret's file {path} is not UTF-8") from None

    return read


def env_source(environ: Mapping[str, str], variable: str) -> Source:
    """Read an environment variable; the source raises SecretUnavailable if it is not set or empty."""

    def read() -> str:
        text = environ.get(variable, "").strip()
        if not text:
            raise SecretUnavailable(f"the secret's environment variable {variable} is not set")
        return text

    return read


def _naming(variable: str, read: Source) -> Source:
    """The source, whose errors name the variable: a deployment has several references."""

    def named() -> str:
        try:
            return read()
        except SecretUnavailable as error:
            raise SecretUnavailable(f"{variable}: {error.problem}", error.retry_after_s) from None

    return named


def _manager_source(
    scheme: str, rest: str, environ: Mapping[str, str], variable: str, session: MakeSession | None
) -> Source:
    """What reads from a cloud's secrets manager. Only that cloud's SDK is loaded, in a tenth of a second or more."""
    try:
        if scheme == "aws":
            from handler.vault.aws import aws_source  # noqa: PLC0415  # a cold start pays for nothing else

            return aws_source(rest, environ, variable, session) if session else aws_source(rest, environ, variable)
        from handler.vault.tencent import tencent_source  # noqa: PLC0415  # the same

        return tencent_source(rest, environ, variable)
    except ModuleNotFoundError as missing:
        # Each cloud's runtime brings its own SDK, and the other's may not have been packed.
        raise SettingsError(
            variable, f"{scheme}: references need the package {missing.name}, which is not there"
        ) from None


def _content(path: Path) -> bytes:
    # A pipe or a device could keep the reader waiting for ever.
    if not stat.S_ISREG(path.stat().st_mode):
        raise SecretUnavailable(f"the secret's file {path} is no regular file")
    with path.open("rb") as file:
        content = file.read(SECRET_BYTES + 1)
    if len(content) > SECRET_BYTES:
        raise SecretUnavailable(f"the secret's file {path} is longer than {SECRET_BYTES} bytes")
    return content
