"""Batches of a queue and of a stream, beside what people would use instead and beside the least that they can take.

All take turns on one sandbox in one run, each with records and groups of its own, so that ratios can be compared.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from statistics import median
from typing import Final

import boto3
import redis
import requests

from handler.main import lambda_handler
from tests.benchmarks.batch_events import MAKERS, Batch, Event
from tests.benchmarks.figures import Figure, at_least, at_most
from tests.benchmarks.floor import floor
from tests.benchmarks.function import instance
from tests.benchmarks.peers import Work, idempotent, on_redis, plain
from tests.benchmarks.peers import on_dynamodb as powertools_on_dynamodb
from tests.benchmarks.upstream import chat_server
from tests.sandbox.aws_client import REGION
from tests.sandbox.caller import Caller
from tests.sandbox.contexts import lambda_context
from tests.sandbox.environment import KEY, SDKAPPID
from tests.sandbox.relay import Relay
from tests.sandbox.remote import Sandbox

ROUNDS: Final = 15
"""Enough for a median that one busy moment of the machine does not move."""

TIMEOUT_S: Final = 600.0

# Round trips of a batch beside the two of each group: the leases of the app's rate, which lapse after half a second.
TRIPS_BESIDE: Final = 25

OURS: Final = "this function"
IDEMPOTENT: Final = "Powertools, idempotent"
PLAIN: Final = "Powertools, not idempotent"
FLOOR: Final = "by hand, without any care"

PEERS_TABLE: Final = "powertools"
AWS_KEYS: Final = {"aws_access_key_id": "made-up", "aws_secret_access_key": "made-up"}

_NUMBERS: Final = count(1)
"""Of all groups ever made."""


@dataclass(frozen=True, slots=True)
class Case:
    """A batch of a source; it may take `most` times what it takes by hand.

    `peers` only take part where a call per record does not take minutes.
    """

    source: str
    records: int
    groups: int
    peers: bool
    most: float | None = None
    values: int = 1

    @property
    def name(self) -> str:
        over = f"over {self.groups} groups" if self.groups > 1 else "of one group"
        values = f", {self.values:,} values" if self.values > 1 else ""
        return f"{self.records:,} {self.source} records {over}{values}"


SQS: Final = Case("SQS", 1000, 50, peers=True, most=1.4)
KINESIS: Final = Case("Kinesis", 10_000, 200, peers=False, most=1.6)
BUSY: Final = (
    Case("Kinesis", 10_000, 20, peers=False, most=1.0),
    Case("Kinesis", 10_000, 1, peers=False, most=0.6),
    Case("Kinesis", 10_000, 20, peers=False, values=500),
)


def measured(variables: Mapping[str, str], relay: Relay) -> list[Figure]:
    """On Redis: seconds of a batch by the median of some rounds, round trips, and calls upstream.

    `variables` lead to the ledger directly, and `relay` stands in front of the same one.
    """
    figures: list[Figure] = []
    with ExitStack() as running:
        chat = running.enter_context(chat_server())
        running.enter_context(instance({**variables, "CHAT_ENDPOINT": chat.endpoint}))
        session = running.enter_context(requests.Session())
        client = running.enter_context(redis.Redis.from_url(variables["LEDGER_URL"], decode_responses=True))
        for case in (SQS, KINESIS, *BUSY):
            works = works_of(case, chat, session, client, variables["LEDGER_URL"])
            figures += _beside(case, seconds_of(works, case, chat))
    return [*figures, *_counted(variables, relay)]


def works_of(case: Case, chat: Sandbox, session: requests.Session, client: redis.Redis, ledger: str) -> dict[str, Work]:
    url = chat.endpoint + Caller(chat.endpoint, SDKAPPID, KEY).target("update")
    works: dict[str, Work] = {OURS: ours, FLOOR: floor(case.source, url, session, client)}
    if case.peers:
        works[IDEMPOTENT] = idempotent(case.source, url, session, on_redis(ledger))
        works[PLAIN] = plain(case.source, url, session)
    return works


def ours(event: Event) -> None:
    reply = lambda_handler(event, lambda_context(TIMEOUT_S))
    if reply != {"batchItemFailures": []}:
        raise RuntimeError("a batch that nobody disturbs was not done")


def seconds_of(works: Mapping[str, Work], case: Case, chat: Sandbox, rounds: int = ROUNDS) -> dict[str, float]:
    """The median time of a batch; the first one of each, which meets its groups for the first time, does not count."""
    spent: dict[str, list[float]] = {name: [] for name in works}
    groups = {name: groups_of(chat, case) for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            event = MAKERS[case.source](Batch(case.records, groups[name], case.values))
            begun = time.perf_counter()
            work(event)
            if turn:
                spent[name].append(time.perf_counter() - begun)
    return {name: median(times) for name, times in spent.items()}


def groups_of(chat: Sandbox, case: Case) -> Sequence[str]:
    """New groups, as many as the case has."""
    groups = [f"room-{next(_NUMBERS)}" for _ in range(case.groups)]
    for group in groups:
        chat.create_group(group)
    return groups


def _beside(case: Case, seconds: Mapping[str, float]) -> Iterator[Figure]:
    for name, taken in seconds.items():
        yield Figure(f"{case.name}: {name}", f"{taken * 1000:.0f} ms, {case.records / taken:,.0f} a second")
    mine = seconds[OURS]
    if case.peers:
        yield at_least(f"{case.name}: {IDEMPOTENT} / {OURS}", seconds[IDEMPOTENT] / mine, 13.5)
        yield Figure(f"{case.name}: {PLAIN} / {OURS}", f"{seconds[PLAIN] / mine:.3g}")
    else:
        yield at_least(f"{case.name}: records a second", case.records / mine, 40_000)
    ratio, what = mine / seconds[FLOOR], f"{case.name}: {OURS} / {FLOOR}"
    yield Figure(what, f"{ratio:.4g}") if case.most is None else at_most(what, ratio, case.most)


def _counted(variables: Mapping[str, str], relay: Relay) -> Iterator[Figure]:
    """Calls and round trips of one batch whose groups and connections have been used before."""
    counted = {**variables, "LEDGER_URL": f"redis://127.0.0.1:{relay.server_port}/0"}
    with chat_server() as chat, instance({**counted, "CHAT_ENDPOINT": chat.endpoint}):
        for case in (SQS, KINESIS):
            groups = groups_of(chat, case)
            ours(MAKERS[case.source](Batch(case.groups, groups)))
            time.sleep(1.0)  # so that the first batch's calls are no longer counted by the app's rate
            before, called = relay.round_trips, len(chat.journal())
            ours(MAKERS[case.source](Batch(case.records, groups)))
            calls, trips = len(chat.journal()) - called, relay.round_trips - before
            runs = case.groups  # all records are of one Mode
            yield Figure(f"{case.name}: upstream calls", f"{calls}", f"= {runs}", calls == runs)
            most = 2 + TRIPS_BESIDE / case.groups
            yield at_most(f"{case.name}: ledger round trips per group", trips / case.groups, most)


def on_dynamodb(variables: Mapping[str, str], endpoint: str) -> list[Figure]:
    """Beside Powertools on a stand-in for DynamoDB, whose own time is most of what is measured."""
    client = boto3.client("dynamodb", endpoint_url=endpoint, region_name=REGION, **AWS_KEYS)
    client.create_table(
        TableName=PEERS_TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    case = Case("SQS", 200, 10, peers=True, most=1.6)
    with chat_server() as chat, instance({**variables, "CHAT_ENDPOINT": chat.endpoint}), requests.Session() as session:
        url = chat.endpoint + Caller(chat.endpoint, SDKAPPID, KEY).target("update")
        layer = powertools_on_dynamodb(PEERS_TABLE, client)
        works = {OURS: ours, IDEMPOTENT: idempotent(case.source, url, session, layer)}
        seconds = seconds_of(works, case, chat, rounds=2)
    ratio = seconds[IDEMPOTENT] / seconds[OURS]
    return [Figure(f"{case.name}, DynamoDB: {IDEMPOTENT} / {OURS}", f"{ratio:.3g}")]
