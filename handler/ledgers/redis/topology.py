"""The Redis servers, one or those of a cluster: which of them holds what, and which life of the store it is (R10).

A server with a new `run_id` was started, or promoted in the place of another, since an instance last used it: it may
have forgotten what it acknowledged. The store keeps the `run_id` that was last registered, and begins a new generation
when that changes. The command for which a connection was opened then does not run: the data that led to it may be gone.

In a Redis Cluster all primaries together are the store, so a new one among them begins a new generation for all groups.
redis-py's own client of clusters is not used: it repeats commands, and cannot send WAIT over the connection of a
script.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import cast

import msgspec
from redis.crc import key_slot
from redis.exceptions import RedisError

from handler.core.errors import LedgerUnavailable
from handler.core.model.row import Pause
from handler.core.ports.ledger import Generation
from handler.ledgers.redis.connections import Address, Command, Connections, Link, exchange
from handler.ledgers.redis.errors import refusal, unreachable
from handler.ledgers.redis.metadata import REGISTER

_PAUSE = msgspec.json.Decoder(Pause)


class LentLink(msgspec.Struct, frozen=True):
    """A connection for one exchange, where it goes back to, and the `run_id`s of the servers meanwhile."""

    link: Link
    home: Connections
    servers: frozenset[str] = frozenset()

    def give_back(self) -> None:
        """After an exchange that was answered in full."""
        self.home.give_back(self.link)

    def drop(self) -> None:
        """After one that was not."""
        self.link.connection.disconnect()


class Servers:
    """One server. `generation_key` is where the store keeps its generation."""

    is_cluster = False

    def __init__(self, settings: Mapping[str, object], generation_key: str, warn: Callable[[str], None]) -> None:
        self._settings = settings
        self._generation_key = generation_key
        self._warn = warn
        self._warned: set[str] = set()
        self._seed = str(settings["host"]), int(cast("int", settings["port"]))
        self._homes: dict[Address, Connections] = {}
        self._registered: frozenset[str] | None = None
        # A generation belongs to the servers that were asked for it, even if another thread registers others meanwhile.
        self._generations: dict[frozenset[str], Generation] = {}

    @property
    def registered(self) -> frozenset[str]:
        """Their `run_id`s, as last registered with the store; the first call registers them."""
        return self._registered or self._register(self._entered())

    @property
    def registered_before(self) -> frozenset[str] | None:
        """The same, if this process has registered any."""
        return self._registered

    @property
    def generation(self) -> Generation:
        """The generation of the store, as these servers last said."""
        return self._generations[self.registered]

    def learn(self, servers: frozenset[str], generation: Generation) -> None:
        """Take in what these servers have said of the generation."""
        self._generations[servers] = generation

    def lend(self, key: str, address: Address | None = None) -> LentLink:
        """A connection to the server that has `key`, or to the one at `address`; raises LedgerUnavailable.

        It leads to a server that was registered before the call.
        """
        registered = self.registered
        home = self._home(address or self.address_of(key))
        while link := home.take():
            if link.run_id in registered:
                return LentLink(link, home, registered)
            link.connection.disconnect()
        link = self._opened(home)
        if link.run_id in registered:
            return LentLink(link, home, registered)
        if link.run_id not in self._register(LentLink(link, home)):
            raise LedgerUnavailable("the servers of the Redis cluster are changing places")
        return self.lend(key, address)

    def address_of(self, key: str) -> Address:  # noqa: ARG002  # a cluster's servers go by it
        """Where a key lies."""
        return self._seed

    def moved(self) -> None:
        """Take in that a key was not where it was looked for."""

    def close(self) -> None:
        """Close what is idle."""
        for home in tuple(self._homes.values()):
            home.close()

    def _home(self, address: Address) -> Connections:
        home = self._homes.get(address)
        return home or self._homes.setdefault(address, Connections(self._settings, address, self._warn_once))

    def _opened(self, home: Connections) -> Link:
        return home.open()

    def _entered(self) -> LentLink:
        """A connection to begin with."""
        home = self._home(self._seed)
        return LentLink(home.take() or home.open(), home)

    def _register(self, lent: LentLink) -> frozenset[str]:
        """Register the servers, one of which is at the other end of a new connection; their `run_id`s."""
        run_ids = frozenset({lent.link.run_id})
        generation = self._generation_with(lent, run_ids)
        lent.give_back()
        return self._observed(run_ids, generation)

    def _generation_with(self, lent: LentLink, run_ids: frozenset[str]) -> Generation:
        """The generation of the store, raised if it has not seen these servers yet. Raising it twice does no harm."""
        registration = "EVAL", REGISTER.text, 1, self._generation_key, identity_of(run_ids)
        return generation_of(answer_of(lent, registration))

    def _observed(self, run_ids: frozenset[str], generation: Generation) -> frozenset[str]:
        """Expect these from now on; LedgerUnavailable where others were expected before."""
        before = self._registered
        self.learn(run_ids, generation)
        self._registered = run_ids
        if before not in {None, run_ids}:
            raise LedgerUnavailable(
                "Redis is another server than before, which may have forgotten writes: nothing was sent to it"
            )
        return run_ids

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self._warn(text)


def answer_of(lent: LentLink, question: Command) -> object:
    """What the server at the other end says; without an answer the connection is given up, or given back."""
    try:
        (reply,) = exchange(lent.link.connection, [question])
    except (RedisError, OSError) as error:
        lent.drop()
        raise unreachable(error) from None
    if isinstance(reply, RedisError):
        lent.give_back()
        raise refusal(reply)
    return reply


def identity_of(run_ids: frozenset[str]) -> str:
    """All `run_id`s as one text, in one order."""
    return "" if "" in run_ids else " ".join(sorted(run_ids))


def generation_of(reply: object) -> Generation:
    """The generation as scripts give it back: number, start and pause."""
    number, started, paused = cast("tuple[str, str, str | None]", reply)
    return Generation(int(number), int(started), None if paused is None else _PAUSE.decode(paused))


class Layout(msgspec.Struct, frozen=True):
    """Ranges of slots, first and last, with the address of the primary that has them."""

    ranges: tuple[tuple[int, int, Address], ...]

    def primary_of(self, key: str) -> Address:
        """Where a key lies; LedgerUnavailable while no server has its slot."""
        slot = key_slot(key.encode())
        for first, last, address in self.ranges:
            if first <= slot <= last:
                return address
        raise LedgerUnavailable("no server of the Redis cluster has this group's slot")

    @property
    def primaries(self) -> frozenset[Address]:
        """All that have slots."""
        return frozenset(address for _, _, address in self.ranges)


class ClusterServers(Servers):
    """All primaries of a cluster, of which the server in the settings is one way in."""

    is_cluster = True

    def __init__(self, settings: Mapping[str, object], generation_key: str, warn: Callable[[str], None]) -> None:
        super().__init__(settings, generation_key, warn)
        self._layout = Layout(())

    def address_of(self, key: str) -> Address:
        """Where a key lies, as far as is known."""
        return self._layout.primary_of(key)

    def moved(self) -> None:
        """Ask again which server has which slots. If no server answers, the known layout stays."""
        with suppress(LedgerUnavailable):
            lent = self._entered()
            self._layout = self._told(lent)
            lent.give_back()

    def _opened(self, home: Connections) -> Link:
        try:
            return home.open()
        except LedgerUnavailable:
            # Another may have its slots by now: the next call will know.
            self.moved()
            raise

    def _entered(self) -> LentLink:
        """A connection to any server of the cluster."""
        failure = None
        for address in (self._seed, *sorted(self._layout.primaries)):
            home = self._home(address)
            try:
                return LentLink(home.take() or home.open(), home)
            except LedgerUnavailable as error:
                failure = failure or error
        raise failure or LedgerUnavailable("no server of the Redis cluster is known")

    def _register(self, lent: LentLink) -> frozenset[str]:
        self._layout = self._told(lent)
        lent.give_back()
        lent_by: dict[Address, LentLink] = {}
        try:
            for address in self._layout.primaries:
                home = self._home(address)
                lent_by[address] = LentLink(home.take() or home.open(), home)
            run_ids = frozenset(each.link.run_id for each in lent_by.values())
            # A refused registration has given its connection back already, and twice would lend it to two at once.
            registering = lent_by.pop(self._layout.primary_of(self._generation_key))
            generation = self._generation_with(registering, run_ids)
            registering.give_back()
        finally:
            for each in lent_by.values():
                each.give_back()
        return self._observed(run_ids, generation)

    def _told(self, lent: LentLink) -> Layout:
        """The layout as this server knows it."""
        ranges = cast("list[tuple[int, int, tuple[str | None, int]]]", answer_of(lent, ("CLUSTER", "SLOTS")))
        return Layout(
            tuple((first, last, (primary[0] or self._seed[0], primary[1])) for first, last, primary, *_ in ranges)
        )
