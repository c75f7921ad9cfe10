"""The servers of a Redis Cluster: which primary has which slots, by the cluster's own word.

All primaries together are the store, so a new one among them begins a new generation for all groups. redis-py's own
client of clusters is not used: it retries unasked, and cannot send WAIT over the connection of a script.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import cast

import msgspec
from redis.crc import key_slot

from handler.core.errors import LedgerUnavailable
from handler.ledgers.redis.connections import Address, Connections, Link
from handler.ledgers.redis.topology import Lent, Servers, answer_of


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

    def _entered(self) -> Lent:
        """A connection to anyone of the cluster."""
        failure = None
        for address in (self._seed, *sorted(self._layout.primaries)):
            home = self._home(address)
            try:
                return Lent(home.take() or home.open(), home)
            except LedgerUnavailable as error:
                failure = failure or error
        raise failure or LedgerUnavailable("no server of the Redis cluster is known")

    def _meet(self, lent: Lent) -> frozenset[str]:
        self._layout = self._told(lent)
        lent.give_back()
        met: dict[Address, Lent] = {}
        try:
            for address in self._layout.primaries:
                home = self._home(address)
                met[address] = Lent(home.take() or home.open(), home)
            run_ids = frozenset(each.link.run_id for each in met.values())
            # A refused introduction has given its connection back already, and twice would lend it to two at once.
            introducing = met.pop(self._layout.primary_of(self._generation_key))
            generation = self._introduced(introducing, run_ids)
            introducing.give_back()
        finally:
            for each in met.values():
                each.give_back()
        return self._now_met(run_ids, generation)

    def _told(self, lent: Lent) -> Layout:
        """The layout as this server knows it."""
        ranges = cast("list[tuple[int, int, tuple[str | None, int]]]", answer_of(lent, ("CLUSTER", "SLOTS")))
        return Layout(
            tuple((first, last, (primary[0] or self._seed[0], primary[1])) for first, last, primary, *_ in ranges)
        )
