"""A TCP relay on 127.0.0.1 between a client and a store: it counts round trips, and loses what a network loses.

It knows no protocol. What a client sends before anything comes back is one request, and what then comes back is its
answer; together they are one round trip, however many packets or pipelined commands they are made of.
"""

import random
import selectors
import socket
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from socketserver import BaseRequestHandler
from threading import Event
from typing import Final, TypeAlias

from tests.sandbox.loopback import LoopbackServer, hang_up

_PACKET_BYTES: Final = 256 * 1024


class Moment(Enum):
    """How far a request has come when something happens to it."""

    BEFORE = "the store has nothing of it"
    DURING = "the store has half of its first packet"
    SENT = "the store has been sent it, and does it or not"
    AFTER = "the store has answered it"


@dataclass(frozen=True, slots=True)
class Cut:
    at: Moment


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing is passed on any more, either way, and the client waits for as long as it will."""

    at: Moment


@dataclass(frozen=True, slots=True)
class Delay:
    """Everything is held back for so long, then it goes on."""

    at: Moment
    seconds: float


Mishap: TypeAlias = Cut | Silence | Delay


class Relay(LoopbackServer):
    """Listens on a free port and passes on to `store_port`, where nobody need listen yet. Use it in a `with` block."""

    def __init__(self, store_port: int) -> None:
        self.store_port = store_port
        self.is_over = Event()
        self._round_trips = 0
        self._mishaps = 0
        self._due: deque[Mishap] = deque()
        self._rate = 0.0
        self._kinds: Sequence[Mishap] = ()
        self._chance = random.Random()
        super().__init__(0, _RelayedConnection)

    @property
    def round_trips(self) -> int:
        """How many requests the store has answered so far, over all connections."""
        with self._lock:
            return self._round_trips

    @property
    def mishaps(self) -> int:
        """How much has gone wrong so far by plan."""
        with self._lock:
            return self._mishaps

    def befall(self, *mishaps: Mishap) -> None:
        """Let these happen to the next requests, one to each, whoever sends them."""
        with self._lock:
            self._due.extend(mishaps)

    def randomly(self, rate: float, kinds: Sequence[Mishap], seed: int) -> None:
        """Let one of `kinds` happen to each request with probability `rate`, by a plan that follows from the seed."""
        with self._lock:
            self._rate, self._kinds, self._chance = rate, tuple(kinds), random.Random(seed)

    def calm(self) -> None:
        with self._lock:
            self._rate = 0.0
            self._due.clear()

    def cut_all(self) -> None:
        """End all connections now, wherever their requests are; new ones are welcome."""
        with self._lock:
            still_open = list(self._open)
        for connection in still_open:
            hang_up(connection)

    def close(self) -> None:
        """End all connections and give the port back."""
        self.is_over.set()
        super().close()

    def fate(self) -> Mishap | None:
        """What is to happen to a request that begins now."""
        with self._lock:
            fate: Mishap | None = None
            if self._due:
                fate = self._due.popleft()
            elif self._chance.random() < self._rate:
                fate = self._chance.choice(self._kinds)
            self._mishaps += fate is not None
            return fate

    def count(self) -> None:
        with self._lock:
            self._round_trips += 1


class _RelayedConnection(BaseRequestHandler):
    """One connection with its counterpart at the store."""

    server: Relay
    request: socket.socket

    def setup(self) -> None:
        self._is_asked = False
        self._is_silent = False
        self._fate: Mishap | None = None

    def handle(self) -> None:
        """Pass on what comes from either side until one of them ends, or the plan ends it."""
        try:
            # Where nobody listens, the client's connection ends at once, as it would have without a relay.
            with socket.create_connection(("127.0.0.1", self.server.store_port)) as store:
                self._relay(store)
        except ConnectionError:
            return

    def _relay(self, store: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            for end in (self.request, store):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(end, selectors.EVENT_READ)
            while True:
                for ready, _ in selector.select():
                    is_answer = ready.fileobj is store
                    data = (store if is_answer else self.request).recv(_PACKET_BYTES)
                    if not data:
                        return
                    if is_answer:
                        self._answer(data)
                    else:
                        self._ask(data, store)

    def _ask(self, data: bytes, store: socket.socket) -> None:
        if not self._is_asked:
            self._is_asked, self._fate = True, self.server.fate()
            self._reach(Moment.BEFORE)
            data = self._begin(data, store)
        self._pass_on(data, store)
        self._reach(Moment.SENT)

    def _begin(self, data: bytes, store: socket.socket) -> bytes:
        """Send the first half where something is to happen then; what is left to send."""
        if self._fate is None or self._fate.at is not Moment.DURING:
            return data
        half = len(data) // 2
        self._pass_on(data[:half], store)
        self._reach(Moment.DURING)
        return data[half:]

    def _answer(self, data: bytes) -> None:
        if self._is_asked:
            self._is_asked = False
            self.server.count()
            self._reach(Moment.AFTER)
        self._pass_on(data, self.request)

    def _pass_on(self, data: bytes, to: socket.socket) -> None:
        if not self._is_silent:
            to.sendall(data)

    def _reach(self, moment: Moment) -> None:
        fate = self._fate
        if fate is None or fate.at is not moment:
            return
        if isinstance(fate, Cut):
            raise ConnectionAbortedError
        if isinstance(fate, Silence):
            self._is_silent = True
        else:
            self.server.is_over.wait(fate.seconds)
