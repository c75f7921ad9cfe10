"""What LEDGER_URL says, once it is text: which kind of ledger, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import parse_qsl, unquote

from handler.core.errors import SettingsError

VARIABLE = "LEDGER_URL"
FORM = "sqlite:///<path>[?synchronous=normal]"

Synchronous = Literal["full", "normal"]


@dataclass(frozen=True, slots=True)
class SqliteUrl:
    """A file, and how hard each commit is pressed onto the disk."""

    path: str
    synchronous: Synchronous


def read(url: str) -> SqliteUrl:
    """Read the URL; SettingsError never shows any of it, because it may hold a password."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme != "sqlite":
        raise SettingsError(VARIABLE, f"must be {FORM}, or a reference to a text that is one")
    path, _, query = rest.partition("?")
    # After the third slash stands the path: `sqlite:////var/rows.db` is absolute, `sqlite:///rows.db` is not.
    if not path.startswith("/") or "#" in rest:
        raise SettingsError(VARIABLE, f"must be {FORM}, with three slashes before the path")
    return SqliteUrl(_path(path[1:]), _synchronous(query))


def _path(quoted: str) -> str:
    path = unquote(quoted)
    if not path or path.endswith("/") or "\0" in path:
        raise SettingsError(VARIABLE, "must name a file")
    if path == ":memory:":
        raise SettingsError(VARIABLE, "must name a file, because nothing in memory outlasts the instance")
    return path


def _synchronous(query: str) -> Synchronous:
    parameters = parse_qsl(query, keep_blank_values=True)
    if [name for name, _ in parameters] not in ([], ["synchronous"]):
        raise SettingsError(VARIABLE, "may have one parameter: synchronous")
    value = parameters[0][1] if parameters else "full"
    if value not in {"full", "normal"}:
        raise SettingsError(VARIABLE, "synchronous must be full or normal")
    return cast("Synchronous", value)
