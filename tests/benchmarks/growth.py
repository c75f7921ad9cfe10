"""Whether a record costs more where there is more of everything: in larger batches, and in a ledger with more rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import redis

from handler.core.rows import Group
from handler.ledgers.redis import PREFIX
from handler.ledgers.redis_rows import Keys
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


def measured(variables: Mapping[str, str]) -> list[Figure]:
    """Time per record in large batches by that in small ones, and with many rows in Redis by that with few."""
    with chat_server() as chat, instance({**variables, "CHAT_ENDPOINT": chat.endpoint}):
        small, large = _per_record(SMALL, chat, ROUNDS * 5), _per_record(LARGE, chat, 2)
        few = _per_record(MIDDLING, chat, ROUNDS)
        _fill(variables["LEDGER_URL"], chat)
        many = _per_record(MIDDLING, chat, ROUNDS)
    return [
        at_most(f"time per record, {LARGE.records:,} in a batch / {SMALL.records}", large / small, RATIO_MAX),
        at_most(f"time per record, {ROWS:,} more rows in the ledger / a few", many / few, RATIO_MAX),
    ]


def _per_record(case: Case, chat: Sandbox, rounds: int) -> float:
    return seconds_of({"": ours}, case, chat, rounds)[""] / case.records


def _fill(url: str, chat: Sandbox) -> None:
    """Copy a row that the function has made, under the names of other groups."""
    chat.create_group(MODEL)
    ask(MODEL, "first")
    keys = Keys(PREFIX)
    with redis.Redis.from_url(url) as client:
        row = client.dump(keys.row(Group(SDKAPPID, MODEL)))
        assert isinstance(row, bytes)
        for first in range(0, ROWS, ROWS_AT_ONCE):
            pipeline = client.pipeline(transaction=False)
            for number in range(first, first + ROWS_AT_ONCE):
                pipeline.restore(keys.row(Group(SDKAPPID, f"copy-{number}")), 0, row)
            pipeline.execute()
