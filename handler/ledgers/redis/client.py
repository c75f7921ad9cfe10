"""One round trip to Redis for each step, and what became of it: the answer, nothing, or an answer that was lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from enum import Enum
from typing import TypeVar, cast

import msgspec
from redis.crc import key_slot
from redis.exceptions import AskError, MovedError, NoScriptError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.core.model.row import Pause
from handler.core.ports.ledger import Generation
from handler.core.ports.system import Timed
from handler.ledgers.redis.connections import Address, Command, exchange
from handler.ledgers.redis.errors import broken, is_reply, refusal
from handler.ledgers.redis.metadata import GENERATION_FIELDS, PAUSE, RAISE, REGISTER, START
from handler.ledgers.redis.scripts import Script
from handler.ledgers.redis.topology import Servers, generation_of, identity_of

# From one server of a cluster to another, for one command.
REDIRECTIONS_MAX = 4

# How long the key lies there that a read writes, so that its wait is for the state that it has read.
MARK_LIFE_MS = 60_000

Argument = str | int | float

_T = TypeVar("_T")


class Use(Enum):
    """What an exchange is for."""

    READ = "read"
    READ_ROW = "read a row"
    """Remembers which server the row came from; a later WRITE_ROW has to reach the same one."""
    WRITE = "write"
    WRITE_ROW = "write a row that was read before"
    """It must be that server which takes it: another may have forgotten what the row goes back to."""

    @property
    def is_write(self) -> bool:
        """Whether an answer that is lost may have been that of a write."""
        return self in {Use.WRITE, Use.WRITE_ROW}


class RedisClient:
    """Exchanges with `servers`. Each write must have reached `wait` replicas before it counts.

    Nothing is sent twice that could have taken effect. If the servers refuse the credentials, `renewed` is asked for
    others: the password, or the address, may have changed since. `timed` measures each exchange.
    """

    def __init__(
        self,
        servers: Servers,
        generation_key: str,
        *,
        wait: int,
        timeout_s: float,
        renewed: Callable[[], Servers | None] = lambda: None,
        timed: Timed = nullcontext,
    ) -> None:
        self._servers = servers
        self._timed = timed
        self._renewed = renewed
        self._generation_key = generation_key
        self._wait = wait
        # A wait that ends before the answer would be given up on still says how many replicas have the write.
        self._wait_ms = int(timeout_s * 500)
        self._read_from = threading.local()

    @property
    def is_cluster(self) -> bool:
        """Whether groups lie on several servers."""
        return self._servers.is_cluster

    @property
    def generation(self) -> Generation:
        """The store's generation, as far as this process knows it."""
        return self._reached(lambda servers: servers.generation)

    def renew_generation(self) -> Generation:
        """Read the generation from the store; one that was emptied begins with the first again."""
        registered = self._reached(lambda servers: servers.registered)
        reply = self.run(REGISTER, [self._generation_key], [identity_of(registered)], Use.READ)
        self._servers.learn(registered, generation_of(reply))
        return self.generation

    def raise_generation(self) -> Generation:
        """Begin a new one."""
        return self._changed(RAISE)

    def start_generation(self, known: Generation, started: int) -> Generation:
        """Stamp its start, unless another worker was quicker."""
        return self._changed(START, known.number, known.started, started)

    def pause(self, pause: Pause | None) -> Generation:
        """Begin or end a pause."""
        return self._changed(PAUSE, "" if pause is None else msgspec.json.encode(pause).decode())

    def _changed(self, script: Script, *arguments: Argument) -> Generation:
        registered = self._reached(lambda servers: servers.registered)
        changed = generation_of(self.run(script, [self._generation_key], arguments))
        self._servers.learn(registered, changed)
        return changed

    def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument], use: Use = Use.WRITE) -> object:
        """Run a script by its hash; a server that does not know it gets its text."""
        rest = (len(keys), *keys, *arguments)
        (reply,) = self._exchanged(keys[0], [("EVALSHA", script.sha, *rest)], use)
        if isinstance(reply, NoScriptError):
            (reply,) = self._exchanged(keys[0], [("EVAL", script.text, *rest)], use)
        return _checked(reply)

    def ask(self, key: str, *commands: Command, use: Use = Use.READ) -> list[object]:
        """The replies to commands on keys that lie where `key` does."""
        return [_checked(reply) for reply in self._exchanged(key, commands, use)]

    def ask_each(self, commands: Sequence[tuple[str, Command]]) -> list[object]:
        """The replies to reads of keys that may lie anywhere, each command with its key; keys of a slot go together.

        One server tells its generation along: an instance that lists what there is knows of a pause.
        """
        if not self.is_cluster:
            registered = self._reached(lambda servers: servers.registered)
            told = "HMGET", self._generation_key, *GENERATION_FIELDS
            *replies_here, generation = self.ask(commands[0][0], *(command for _, command in commands), told)
            if cast("list[str | None]", generation)[0] is not None:
                self._servers.learn(registered, generation_of(generation))
            return replies_here
        slots: dict[int, list[int]] = {}
        for place, (key, _) in enumerate(commands):
            slots.setdefault(key_slot(key.encode()), []).append(place)
        replies: dict[int, object] = {}
        for places in slots.values():
            together = self._exchanged(commands[places[0]][0], [commands[place][1] for place in places], Use.READ)
            replies |= zip(places, together, strict=True)
        # While a slot moves, some of its keys lie elsewhere: each of those is asked for alone.
        return [
            self.ask(*commands[place])[0] if isinstance(replies[place], AskError) else _checked(replies[place])
            for place in range(len(commands))
        ]

    def close(self) -> None:
        """Close what is idle."""
        self._servers.close()

    def _reached(self, use: Callable[[Servers], _T]) -> _T:
        """Use the servers; those that refuse the credentials are replaced, if `renewed` has others.

        What led to this use may be forgotten by servers other than those registered before, so it ends there.
        """
        servers = self._servers
        try:
            return use(servers)
        except LedgerUnavailable:
            if self._servers is servers:
                renewed = self._renewed()
                if renewed is None:
                    raise
                self._servers = renewed
            if servers.registered_before not in {None, self._servers.registered}:
                raise
        return use(self._servers)

    def _exchanged(self, key: str, commands: Sequence[Command], use: Use) -> list[object]:
        """The replies, errors among them, of the server that has `key`. One that sends on has done nothing."""
        replies = self._waited_for(key, commands, use, None)
        for _ in range(REDIRECTIONS_MAX):
            sent_on = replies[0]
            if not self.is_cluster or not isinstance(sent_on, AskError):
                return replies
            address = sent_on.host or self._servers.address_of(key)[0], sent_on.port
            if isinstance(sent_on, MovedError):
                self._servers.moved()
                replies = self._waited_for(key, commands, use, address)
            else:
                replies = self._waited_for(key, [("ASKING",), *commands], use, address)[1:]
        raise LedgerUnavailable("the servers of the Redis cluster send from one to another")

    def _waited_for(self, key: str, commands: Sequence[Command], use: Use, address: Address | None) -> list[object]:
        """The replies, once enough replicas have what was written, or what a row that was read goes back to."""
        if not self._wait or use is Use.READ:
            return self._sent(key, commands, use, address)
        # WAIT is for the connection's own last write, and a row that no replica has may not be acted on either.
        mark: tuple[Command, ...] = () if use.is_write else (("SET", f"read:{key}", "", "PX", MARK_LIFE_MS),)
        replies = self._sent(key, [*commands, *mark, ("WAIT", self._wait, self._wait_ms)], use, address)
        reached, replies = replies[-1], replies[: len(commands)]
        if not (isinstance(reached, int) and reached >= self._wait):
            # A refusal tells nothing of the row but, in a cluster, where it has gone, and that has to be followed.
            if not use.is_write and not isinstance(replies[0], RedisError):
                raise LedgerUnavailable(f"a row is on fewer replicas of Redis than {self._wait}")
            if use.is_write and _has_written(replies[-1]):
                raise AnswerLost(f"a write has not reached {self._wait} replicas of Redis in time")
        return replies

    def _sent(self, key: str, commands: Sequence[Command], use: Use, address: Address | None) -> list[object]:
        """One exchange; a read that broke off is made once more, on a connection that is new."""
        try:
            return self._once(key, commands, use, address)
        except _BrokenOffError:
            try:
                return self._once(key, commands, use, address)
            except _BrokenOffError as error:
                raise LedgerUnavailable(str(error)) from None

    def _once(self, key: str, commands: Sequence[Command], use: Use, address: Address | None) -> list[object]:
        lent = self._reached(lambda servers: servers.lend(key, address))
        if use is Use.READ_ROW:
            self._read_from.servers = lent.servers
        elif use is Use.WRITE_ROW and getattr(self._read_from, "servers", lent.servers) != lent.servers:
            lent.give_back()
            raise LedgerUnavailable("this row was read from a Redis server whose place another has taken")
        try:
            with self._timed():
                replies = exchange(lent.link.connection, commands)
        except (RedisError, OSError) as error:
            lent.drop()
            # Where several commands were sent, the one that was refused need not be the first.
            if isinstance(error, RedisError) and is_reply(error) and (len(commands) == 1 or not use.is_write):
                raise refusal(error) from None
            if use.is_write:
                raise AnswerLost(broken(error)) from None
            if isinstance(error, RedisTimeoutError):
                raise LedgerUnavailable(broken(error)) from None
            raise _BrokenOffError(broken(error)) from None
        lent.give_back()
        return replies


class _BrokenOffError(Exception):
    """A read without an answer, which may be made again."""


def _has_written(reply: object) -> bool:
    """Whether a script has written: what it refuses, it answers with nothing or a word."""
    return not (reply is None or isinstance(reply, str | RedisError))


def _checked(reply: object) -> object:
    if isinstance(reply, RedisError):
        raise refusal(reply)
    return reply
