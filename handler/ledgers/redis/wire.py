"""One exchange over one connection: commands are sent together, and each has its reply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from redis.exceptions import ResponseError

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
        """Close it; in a child of the process that opened it, only the child's end."""
        ...

    def can_read(self) -> bool:
        """Whether anything has arrived; an error where that is the end."""
        ...

    def pack_commands(self, commands: Sequence[Command]) -> Sequence[bytes]:
        """The bytes of commands."""
        ...

    def send_packed_command(self, command: Sequence[bytes], check_health: bool) -> None:  # noqa: FBT001  # redis-py's
        """Send bytes."""
        ...

    def read_response(self) -> object:
        """The next reply; an error reply is raised."""
        ...


def exchange(connection: Wire, commands: Sequence[Command]) -> list[object]:
    """Send commands at once and read their replies. Error replies stand in their places, as exceptions."""
    connection.send_packed_command(connection.pack_commands(commands), check_health=False)
    return [_reply(connection) for _ in commands]


def _reply(connection: Wire) -> object:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error
