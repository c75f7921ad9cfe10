"""What one operation that nobody disturbs costs at the ledger: round trips at the socket, and DynamoDB's units."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from msgspec.structs import replace

from handler import bootstrap
from handler.clock import SystemClock
from handler.core.model.operation import Mode, Operation
from handler.core.protocol.engine import ExactlyOnce
from handler.core.runtime.instance import TimeBudget
from handler.core.runtime.rate_limiter import UNASKED_PER_SECOND
from handler.ledgers.dynamodb.ledger import DynamoDbLedger
from handler.ledgers.dynamodb.schema import create_table
from handler.main import lambda_handler
from tests.benchmarks.batch_events import Batch
from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.function import ask, instance
from tests.benchmarks.upstream import chat_server
from tests.faults.storms.ledgers import Kind
from tests.sandbox import dynamodb
from tests.sandbox.contexts import lambda_context
from tests.sandbox.dynamodb import Meter
from tests.sandbox.environment import SDKAPPID
from tests.sandbox.relay import Relay

OPERATIONS: Final = 12
MOST: Final[Mapping[Kind, int]] = {"redis": 2, "dynamodb": 4}

GROUP: Final = "live-room"


def measured(kind: Kind, variables: Mapping[str, str], relay: Relay) -> list[Figure]:
    """Round trips per operation of a warm instance whose connections to the ledger go through the relay."""

    def per_operation(asked: Callable[[int], None]) -> float:
        before = relay.round_trips
        for number in range(OPERATIONS):
            asked(number)
        return (relay.round_trips - before) / OPERATIONS

    with chat_server() as chat, instance({**variables, "CHAT_ENDPOINT": chat.endpoint}):
        chat.create_group(GROUP)
        ask(GROUP, "first")
        # The first Decrease of a group lifts its receipt, and pays for that alone.
        ask(GROUP, "lifted", "Decrease")
        time.sleep(1)
        found = {mode: per_operation(partial(_ask, mode)) for mode in ("Increase", "Decrease", "Set")}
        batch = per_operation(_bring)
    most = MOST[kind]
    what = f"round trips on {kind}"
    figures = [at_most(f"{what}: {mode}", found[mode], most + (mode == "Set" and kind == "dynamodb")) for mode in found]
    of_batch = f"{what}: a batch of 10 on one group"
    return [*figures, at_most(of_batch, batch, 2) if kind == "redis" else Figure(of_batch, f"{batch:g}")]


def _ask(mode: str, number: int) -> None:
    ask(GROUP, f"{mode}-{number}", mode)
    # Faster than this, an instance asks the ledger for its share of the app's rate, once for many calls.
    time.sleep(1.2 / UNASKED_PER_SECOND)


def _bring(_: int) -> None:
    """A batch of a queue: ten records for one group."""
    reply = lambda_handler(Batch(10, [GROUP]).sqs(), lambda_context(20.0))
    if reply["batchItemFailures"]:
        raise RuntimeError("a batch that nobody disturbs was not done")
    time.sleep(1.2 / UNASKED_PER_SECOND)


def units(variables: Mapping[str, str], endpoint: str) -> list[Figure]:
    """Write and read units per operation, as the table tells them."""
    meter = Meter()
    clock = SystemClock()
    create_table(dynamodb.client(endpoint), "units")
    ledger = DynamoDbLedger("units", clock, endpoint=endpoint, session=meter.session)
    with chat_server() as chat, instance({**variables, "CHAT_ENDPOINT": chat.endpoint}):
        chat.create_group(GROUP)
        counters = ExactlyOnce(replace(bootstrap.app_context().instance, ledger=ledger), SDKAPPID)
        figures: list[Figure] = []
        for mode in (Mode.INCREASE, Mode.SET):
            _apply(counters, mode, "first")
            meter.reset()
            for number in range(OPERATIONS):
                _apply(counters, mode, f"{number}")
            figures += _spent(meter, mode)
    ledger.close()
    return figures


def _spent(meter: Meter, mode: Mode) -> list[Figure]:
    what = f"units per operation on dynamodb: {mode.value}"
    return [
        at_most(f"write {what}", meter.write_units / OPERATIONS, 4),
        Figure(f"read {what}", f"{meter.read_units / OPERATIONS:g}"),
    ]


def _apply(counters: ExactlyOnce, mode: Mode, key: str) -> None:
    now = SystemClock().monotonic()
    operation = Operation(
        group_id=GROUP,
        mode=mode,
        counters=(("like", 1),),
        caller="benchmark",
        key=f"{mode.value}-{key}",
        window_s=172_800.0,
    )
    counters.apply(GROUP, [operation], TimeBudget(until=now + 5, deadline=now + 20))
