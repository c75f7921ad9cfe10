"""Whether a record costs more where there is more of everything: in larger batches, and in a ledger with more rows."""

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Final

import redis

from handler.core.model.row import Group
from handler.ledgers.redis.ledger import PREFIX
from handler.ledgers.redis.rows import Keys
from tests.benchmarks.batches import Case, ours, seconds_of
from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.function import ask, instance
from tests.benchmarks.upstream import chat_server
from tests.sandbox.environment import SDKAPPID
from tests.sandbox.remote import Sandbox

PER_GROUP: Final = 20
SMALL: Final = Case("SQS", 100, 100 // PER_GROUP, peers=False)
LARGE: Final = Case("SQS", 10_000, 10_000 // PER_GROUP, peers=False)
MIDDLING: Final = Case("SQS", 1000, 1000 // PER_GROUP, peers=False)

MODEL: Final = "model"
ROWS: Final = 100_000
ROWS_AT_ONCE: Final = 10_000
RATIO_MAX: Final = 1.25
ROUNDS: Final = 5
TURNS: Final = 5


def measured(variables: Mapping[str, str]) -> list[Figure]:
    """Time per record in large batches by that in small ones, and with many rows in Redis by that with few."""
    with chat_server() as chat, instance({**variables, "CHAT_ENDPOINT": chat.endpoint}):
        small, large, few, many = [], [], [], []
        # By turns, because the machine itself is not as quick at one time as at another.
        for _ in range(TURNS):
            small.append(_per_record(SMALL, chat, ROUNDS * 5))
            large.append(_per_record(LARGE, chat, 2))
        with redis.Redis.from_url(variables["LEDGER_URL"]) as client:
            row = _row(client, chat)
            for _ in range(TURNS):
                few.append(_per_record(MIDDLING, chat, ROUNDS))
                _fill(client, row)
                many.append(_per_record(MIDDLING, chat, ROUNDS))
                _empty(client)
    return [
        at_most(
            f"time per record, {LARGE.records:,} in a batch / {SMALL.records}", median(large) / median(small), RATIO_MAX
        ),
        at_most(f"time per record, {ROWS:,} more rows in the ledger / a few", median(many) / median(few), RATIO_MAX),
    ]


def _per_record(case: Case, chat: Sandbox, rounds: int) -> float:
    return seconds_of({"": ours}, case, chat, rounds)[""] / case.records


def _row(client: redis.Redis, chat: Sandbox) -> bytes:
    chat.create_group(MODEL)
    ask(MODEL, "first")
    row = client.dump(Keys(PREFIX).row(Group(SDKAPPID, MODEL)))
    assert isinstance(row, bytes)
    return row


def _fill(client: redis.Redis, row: bytes) -> None:
    """Copy it, under the names of other groups."""
    for names in _copies():
        pipeline = client.pipeline(transaction=False)
        for name in names:
            pipeline.restore(name, 0, row)
        pipeline.execute()


def _empty(client: redis.Redis) -> None:
    for names in _copies():
        client.delete(*names)


def _copies() -> Iterator[list[str]]:
    """The keys of all copies, as many at a time as one exchange takes."""
    for first in range(0, ROWS, ROWS_AT_ONCE):
        numbers = range(first, first + ROWS_AT_ONCE)
        yield [Keys(PREFIX).row(Group(SDKAPPID, f"copy-{number}")) for number in numbers]
