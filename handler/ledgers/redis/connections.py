"""Connections to one Redis server: opened when needed, each used by one thread at a time.

In an exchange commands are sent together, and each has its reply.

Before a new connection is used, the server is asked who it is, because it may have taken the place of another, and
whether it would evict, because rows and records must stay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias, cast

import hiredis
import msgspec
from redis.connection import Connection, SSLConnection, parse_url
from redis.exceptions import RedisError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig

from handler.config.ledger_url import RedisUrl
from handler.core.errors import LedgerUnavailable
from handler.ledgers.redis.errors import unreachable

Command: TypeAlias = tuple[str | int | float, ...]


class Wire(Protocol):
    """What is used of redis-py's connections, which carry no types."""

    @property
    def is_connected(self) -> bool:
        """Whether it has a socket."""
        ...

    def connect(self) -> None:
        """Open it, with the user's name and the number of the database."""
        ...

    def disconnect(self) -> None:
        """Close it."""
        ...

    def can_read(self) -> bool:
        """Whether anything has arrived; an error where that is the end."""
        ...

    def send_packed_command(self, command: Sequence[bytes], check_health: bool) -> None:  # noqa: FBT001  # redis-py's
        """Send bytes."""
        ...

    def read_response(self) -> object:
        """The next reply; an error reply is raised."""
        ...


def exchange(connection: Wire, commands: Sequence[Command]) -> list[object]:
    """Send commands at once and read their replies. Error replies stand in their places, as exceptions."""
    connection.send_packed_command([b"".join(map(_packed, commands))], check_health=False)
    return [_reply(connection) for _ in commands]


def _packed(command: Command) -> bytes:
    # redis-py looks at the type of each argument before it does the same: that is a fortieth of a batch's time.
    return cast("Callable[[Command], bytes]", hiredis.pack_command)(command)


def _reply(connection: Wire) -> object:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error


Address: TypeAlias = tuple[str, int]

_GREETING: tuple[Command, ...] = (("INFO", "server"), ("INFO", "memory"))

NO_POLICY_SHOWN = (
    "this Redis server does not tell whether it evicts: make sure that its maxmemory-policy is noeviction, "
    "or operations may be counted twice"
)
NO_SERVER_SHOWN = (
    "this Redis server does not tell which one it is (run_id), so a failover cannot be noticed: "
    "add wait=1 to LEDGER_URL, and raise the generation after every failover"
)


class Link(msgspec.Struct, frozen=True):
    """A connection, and the server's own name for its present life, empty where it does not tell."""

    connection: Wire
    run_id: str


class Connections:
    """Makes, lends and keeps connections to the server at `address`."""

    def __init__(self, settings: Mapping[str, object], address: Address, warn: Callable[[str], None]) -> None:
        self._settings = {**settings, "host": address[0], "port": address[1]}
        self._is_encrypted = bool(self._settings.pop("ssl"))
        self._warn = warn
        self._idle: deque[Link] = deque()

    def take(self) -> Link | None:
        """An idle connection that the server has not closed meanwhile."""
        while self._idle:
            try:
                link = self._idle.pop()
            except IndexError:
                return None
            if _is_good(link.connection):
                return link
            link.connection.disconnect()
        return None

    def open(self) -> Link:
        """A new connection; raises LedgerUnavailable, as for every server that may not be used."""
        make = cast("Callable[..., Wire]", SSLConnection if self._is_encrypted else Connection)
        connection = make(**self._settings)
        try:
            connection.connect()
            server, memory = map(_info, exchange(connection, _GREETING))
            self._check_policy(memory)
        except (RedisError, OSError, ValueError) as error:
            connection.disconnect()
            raise unreachable(error) from None
        except LedgerUnavailable:
            connection.disconnect()
            raise
        if not server.get("run_id"):
            self._warn(NO_SERVER_SHOWN)
        return Link(connection, server.get("run_id", ""))

    def give_back(self, link: Link) -> None:
        """Keep a connection on which no reply is missing."""
        self._idle.append(link)

    def close(self) -> None:
        """Close those that are idle."""
        while self._idle:
            self._idle.pop().connection.disconnect()

    def _check_policy(self, memory: Mapping[str, str]) -> None:
        policy = memory.get("maxmemory_policy")
        if policy is None:
            self._warn(NO_POLICY_SHOWN)
        elif policy != "noeviction" and memory.get("maxmemory") != "0":
            raise LedgerUnavailable(
                f"Redis would evict rows and records (maxmemory-policy {policy}), and operations could be counted "
                "twice: set maxmemory-policy to noeviction"
            )


def settings_of(url: RedisUrl, timeout_s: float) -> dict[str, object]:
    """What every connection is made with; the address stands under `host` and `port`.

    Nothing is tried again, nothing is announced: each would be one more round trip.
    """
    parsed = cast("Callable[[str], dict[str, object]]", parse_url)(url.url)
    ssl = parsed.pop("connection_class", None) is SSLConnection
    trust = {"ssl_ca_certs": url.authorities} if ssl and url.authorities else {}
    return {
        "host": "localhost",
        "port": 6379,
        **parsed,
        **trust,
        "ssl": ssl,
        "protocol": 2,
        "decode_responses": True,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s / 2,
        "retry": None,
        "health_check_interval": 0,
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


def _is_good(connection: Wire) -> bool:
    """Whether nothing has arrived since the last reply; the end of the connection would have."""
    try:
        return connection.is_connected and not connection.can_read()
    except RedisError:
        return False


def _info(reply: object) -> dict[str, str]:
    """The lines of a section of INFO; empty where it may not be read."""
    if not isinstance(reply, str):
        return {}
    pairs = (line.partition(":") for line in reply.splitlines())
    return {name: value for name, colon, value in pairs if colon}
