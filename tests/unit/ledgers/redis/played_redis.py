"""A Redis that says what a test wants it to say, on 127.0.0.1, to the real client: for what no healthy server says."""

import socketserver
from collections.abc import Mapping, Sequence
from itertools import count
from typing import TypeAlias

from handler.config.ledger_url import RedisUrl
from handler.ledgers.redis.connections import settings_of
from handler.ledgers.redis.metadata import REGISTER
from tests.sandbox.loopback import LoopbackServer

Reply: TypeAlias = bytes | None
"""What is sent for a command. None hangs up instead."""

Says: TypeAlias = Mapping[str, Sequence[Reply]]

TIMEOUT_S = 0.3
GENERATION_KEY = "{played}:generation"

OK = b"+OK\r\n"
NOTHING = b"$-1\r\n"
SILENCE = b""
"""The client waits in vain."""


def text(value: str) -> bytes:
    return f"${len(value.encode())}\r\n{value}\r\n".encode()


def number(value: int) -> bytes:
    return f":{value}\r\n".encode()


def several(*replies: bytes) -> bytes:
    return f"*{len(replies)}\r\n".encode() + b"".join(replies)


def refused(words: str) -> bytes:
    return f"-{words}\r\n".encode()


def generation(value: int, started: int = 0) -> bytes:
    return several(text(str(value)), text(str(started)), NOTHING)


def no_warning(words: str) -> None:
    raise AssertionError(words)


class PlayedRedis(LoopbackServer):
    """Says, for a command by its name, what stands under the name: one reply after the other, and the last for ever.

    Of what is not there it is a healthy server: "INFO server", "INFO memory" and "MEET", by which clients introduce
    themselves, tell who it is, and everything else is done. Use it in a `with` block.
    """

    def __init__(self, says: Says | None = None, run_id: str = "a") -> None:
        super().__init__(0, _Connection)
        self.says = dict(says or {})
        self.told: list[tuple[int, str]] = []
        """All commands but introductions, each with the number of its connection."""
        self.numbers = count()
        self._healthy = {
            "INFO server": text(f"# Server\r\nrun_id:{run_id}\r\n"),
            "INFO memory": text("# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n"),
            "MEET": generation(1),
        }

    @property
    def endpoint(self) -> RedisUrl:
        return RedisUrl(f"redis://{self.address}/0")

    @property
    def settings(self) -> Mapping[str, object]:
        return settings_of(self.endpoint, TIMEOUT_S)

    @property
    def names(self) -> list[str]:
        """The names of the commands that were told."""
        return [name for _, name in self.told]

    def reply(self, connection: int, command: Sequence[str]) -> Reply:
        name = _name(command)
        if name not in self._healthy:
            with self._lock:
                self.told.append((connection, name))
        replies = self.says.get(name)
        if replies:
            self.says[name] = replies[1:] or replies
            return replies[0]
        return self._healthy.get(name, OK)


class _Connection(socketserver.StreamRequestHandler):
    server: PlayedRedis

    def handle(self) -> None:
        mine = next(self.server.numbers)
        while head := self.rfile.readline():
            reply = self.server.reply(mine, [self._word() for _ in range(int(head[1:]))])
            if reply is None:
                return
            self.wfile.write(reply)

    def _word(self) -> str:
        length = int(self.rfile.readline()[1:])
        return self.rfile.read(length + 2)[:-2].decode()


def _name(command: Sequence[str]) -> str:
    if command[:2] == ["EVAL", REGISTER.text]:
        return "MEET"
    return " ".join(command) if command[0] == "INFO" else command[0]
