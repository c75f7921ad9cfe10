"""Doubles of ports that fail as they are told to, and a queue that keeps what it is sent."""

from collections.abc import Callable, Sequence

from handler.core.errors import AnswerLost, LedgerUnavailable, QueueUnavailable
from handler.core.model.operation import NO_WATERMARKS, Watermarks
from handler.core.model.outcome import Records
from handler.core.model.pace import Pace
from handler.core.model.row import Attempt, Entry, Group, Row
from handler.core.ports.ledger import Look, Parked
from handler.core.ports.queue import Message
from tests.sandbox.memory_ledger import MemoryLedger
from tests.sandbox.memory_parked import MemoryParked
from tests.unit.triggers.stage import Stage

UNAVAILABLE = LedgerUnavailable("the store is away")


class FaultyLedger(MemoryLedger):
    """A ledger in which some groups, or the writes after some number of them, fail."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.clock)
        self.away: dict[str, BaseException] = {}
        self.writes_left = 10**9
        self.failing_once: frozenset[str] = frozenset()

    def load(self, group: Group) -> Row | None:
        if group.id in self.away and not isinstance(self.away[group.id], AnswerLost):
            raise self.away[group.id]
        return super().load(group)

    def swap(self, group: Group, row: Row, records: Records, watermarks: Watermarks = NO_WATERMARKS) -> bool:
        """Fail before, or lose the answer and be away from then on."""
        return self._written(group, lambda: MemoryLedger.swap(self, group, row, records, watermarks))

    def create(self, group: Group, row: Row) -> bool:
        return self._written(group, lambda: MemoryLedger.create(self, group, row))

    def _written(self, group: Group, write: Callable[[], bool]) -> bool:
        self.writes_left -= 1
        if self.writes_left < 0:
            raise UNAVAILABLE
        done = write()
        if group.id in self.away:
            lost, self.away[group.id] = self.away[group.id], UNAVAILABLE
            raise lost
        return done

    def append(self, group: Group, entries: Sequence[Entry], bytes_max: int) -> Look | None:
        return None

    def begin(
        self, group: Group, attempt: Attempt, receipt_key: str, generation: int, pace: Pace | None = None
    ) -> Row | None:
        """Fail once where one of these operations is in the attempt."""
        if self.failing_once & {entry.id for entry in attempt.entries}:
            self.failing_once = frozenset()
            raise UNAVAILABLE
        return super().begin(group, attempt, receipt_key, generation, pace)

    def find(self, group: Group, ids: Sequence[str]) -> Records:
        self.load(group)
        return super().find(group, ids)


class FullParked(MemoryParked):
    """A store that takes nothing while it has an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error: Exception | None = error

    def park(self, app: int, parked: Parked) -> None:
        if self.error:
            raise self.error
        super().park(app, parked)


class ListQueue:
    """A queue that keeps what it is sent, and breaks down when it has taken `most` messages."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.most = 10**9

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]

    def send(self, messages: Sequence[Message]) -> None:
        self.messages += messages[: self.most - len(self.messages)]
        if len(self.messages) == self.most:
            raise QueueUnavailable("the queue is full")
