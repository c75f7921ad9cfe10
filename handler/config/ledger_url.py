"""What LEDGER_URL says: which kind of ledger, and where. The variable may hold a reference to a text that says so."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal, TypeAlias, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit, urlunsplit

import msgspec

from handler.config.addresses import HOST
from handler.config.values import read_switch
from handler.core.errors import SecretUnavailable, SettingsError
from handler.core.ports.system import Clock

VARIABLE = "LEDGER_URL"
FORM = (
    "dynamodb://<table>, redis://[user:password@]host[:port][/number], rediss:// for TLS, or sqlite:///<path>"
    "[?synchronous=normal]"
)

# AWS: 3 to 255 of these (CreateTable, TableName).
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_REGION = re.compile(r"[a-z0-9-]{1,32}")
_DATABASE = re.compile(r"(/[0-9]{0,5})?")

Synchronous = Literal["full", "normal"]


class SqliteUrl(msgspec.Struct, frozen=True):
    """A file, and how hard each commit is pressed onto the disk."""

    path: str
    synchronous: Synchronous


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A server, as its client library reads it: the URL may hold a password.

    `wait` is how many replicas must have each write before it counts. With `cluster` the server is one of a Redis
    Cluster. `authorities` is a file of certificate authorities for TLS.
    """

    url: str = field(repr=False)
    wait: int = 0
    cluster: bool = False
    authorities: str | None = None


class DynamoDbUrl(msgspec.Struct, frozen=True):
    """A table; without a region and an endpoint, those of the platform. `create` makes a missing table."""

    table: str
    region: str | None = None
    endpoint: str | None = None
    create: bool = False


LedgerUrl: TypeAlias = SqliteUrl | RedisUrl | DynamoDbUrl


def read(url: str) -> LedgerUrl:
    """Read the URL; SettingsError never shows any of it, because it may hold a password."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "sqlite":
        return _sqlite(rest)
    if separator and scheme in {"redis", "rediss"}:
        return _redis(url)
    if separator and scheme == "dynamodb":
        return _dynamodb(rest)
    raise _wrong(f"must be {FORM}, or a reference to a text that is one")


def shown(url: LedgerUrl) -> str:
    """The ledger in words for an operator: its kind and its place, without a user, a password and parameters."""
    if isinstance(url, SqliteUrl):
        return f"sqlite:///{url.path}"
    if isinstance(url, DynamoDbUrl):
        return f"dynamodb://{url.table}" + (f" in {url.region}" if url.region else "")
    parts = urlsplit(url.url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def address(url: LedgerUrl) -> str:
    """The URL of the server, empty where there is none or where the platform's own is used. It may hold a password."""
    if isinstance(url, RedisUrl):
        return url.url
    return url.endpoint or "" if isinstance(url, DynamoDbUrl) else ""


def _sqlite(rest: str) -> SqliteUrl:
    path, _, query = rest.partition("?")
    # After the third slash stands the path: `sqlite:////var/rows.db` is absolute, `sqlite:///rows.db` is not.
    if not path.startswith("/") or "#" in rest:
        raise _wrong(f"must be {FORM}, with three slashes before the path")
    synchronous = _parameters(query, "synchronous").get("synchronous", "full")
    if synchronous not in {"full", "normal"}:
        raise _wrong("synchronous must be full or normal")
    return SqliteUrl(_path(path[1:]), cast("Synchronous", synchronous))


def _path(quoted: str) -> str:
    path = unquote(quoted)
    if not path or path.endswith("/") or "\0" in path:
        raise _wrong("must name a file")
    if path == ":memory:":
        raise _wrong("must name a file, because nothing in memory outlasts the instance")
    return path


def _redis(url: str) -> RedisUrl:
    parts = _split(url)
    if not parts.hostname or parts.fragment or not _DATABASE.fullmatch(parts.path):
        raise _wrong("must be redis://[user:password@]host[:port][/number], or the same with rediss")
    parameters = _parameters(parts.query, "wait", "cluster", "authorities")
    wait = parameters.get("wait", "0")
    if not wait.isascii() or not wait.isdigit() or len(wait) > 1:
        raise _wrong("wait must be a number of replicas, from 0 to 9")
    authorities = parameters.get("authorities")
    if authorities is not None and (parts.scheme != "rediss" or not authorities or "\0" in authorities):
        raise _wrong("authorities must name a file, and goes with rediss")
    plain = urlunsplit(parts._replace(query=""))
    return RedisUrl(plain, int(wait), _switch(parameters, "cluster"), authorities)


def _dynamodb(rest: str) -> DynamoDbUrl:
    table, _, query = rest.partition("?")
    if not _TABLE.fullmatch(table) or "#" in query:
        raise _wrong("must be dynamodb://<table>, of 3 to 255 letters, digits and _ . -")
    parameters = _parameters(query, "region", "endpoint", "create")
    region, endpoint = parameters.get("region"), parameters.get("endpoint")
    if region is not None and not _REGION.fullmatch(region):
        raise _wrong("region must be a region's name, such as eu-west-1")
    if endpoint is not None:
        at = _split(endpoint)
        is_host = HOST.fullmatch(at.hostname or "")
        if at.scheme not in {"http", "https"} or not is_host or "@" in at.netloc or at.query or at.fragment:
            raise _wrong("endpoint must be http(s)://host[:port]")
    return DynamoDbUrl(table, region, endpoint, _switch(parameters, "create"))


def _split(url: str) -> SplitResult:
    problem = _wrong("has an address that is none")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise problem from None
    if port == 0 or " " in url or not url.isascii() or not url.isprintable():
        raise problem
    return parts


def _parameters(query: str, *known: str) -> Mapping[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    parameters = dict(pairs)
    if len(parameters) != len(pairs) or not parameters.keys() <= set(known):
        raise _wrong(f"may have as parameters, each once: {', '.join(known)}")
    return parameters


def _switch(parameters: Mapping[str, str], name: str) -> bool:
    try:
        return read_switch(parameters.get(name, "false"), on="true", off="false")
    except ValueError as problem:
        raise _wrong(f"{name} {problem}") from None


def _wrong(problem: str) -> SettingsError:
    return SettingsError(VARIABLE, problem)


# A ledger that is away refuses every call, and each read of a secrets manager takes time and costs money.
RENEW_MIN_S = 30.0


class LedgerReference:
    """The text that `read` finds behind the reference; `failed` gets the error of a later read that fails.

    Making one raises SecretUnavailable or SettingsError as `read` does.
    """

    def __init__(self, read: Callable[[], str], clock: Clock, failed: Callable[[Exception], None]) -> None:
        self._read = read
        self._clock = clock
        self._failed = failed
        self._lock = Lock()
        self._renewed_at = float("-inf")
        self.text = read()

    def renewed(self) -> str | None:
        """The text as it is by now, if it is another one; asked for at most every `RENEW_MIN_S` seconds."""
        with self._lock:
            now = self._clock.monotonic()
            if now - self._renewed_at < RENEW_MIN_S:
                return None
            self._renewed_at = now
            try:
                text = self._read()
            except (SecretUnavailable, SettingsError) as failure:
                self._failed(failure)
                return None
            if text == self.text:
                return None
            self.text = text
            return text
