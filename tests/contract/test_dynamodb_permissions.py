"""What a deployed function is allowed to do with its table is what the ledger does, and nothing else."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from handler.core.model.known_keys import GONE
from handler.core.ports.ledger import Parked
from handler.core.ports.schedules import Hold, Schedule
from handler.ledgers.dynamodb.ledger import DynamoDbLedger
from tests.contract import works
from tests.contract.dynamodb_stores import DynamoDbStore
from tests.contract.samples import GROUP, attempt, claim, entry, idle_row, record, there
from tests.contract.stores import GivenClock
from tests.sandbox.dynamodb import Meter

LEDGER = yaml.safe_load((Path(__file__).parents[2] / "serverless.yml").read_text("utf-8"))["custom"]["ledger"]

APP = GROUP.app
PARKED = Parked("a", "queue", "not JSON", 1.0, "{")

# What a transaction is allowed by: the actions that it consists of. Those of the ledger put, update and check.
PARTS = {"TransactWriteItems": {"PutItem", "UpdateItem", "ConditionCheckItem"}}


def serve(ledger: DynamoDbLedger) -> None:
    """What every function does: operations of all kinds, and what is put aside."""
    ledger.swap(GROUP, idle_row(), {})
    works.update(ledger, GROUP, 0)
    row = there(ledger.load(GROUP))
    ledger.look(GROUP, ["0", "1"])
    ledger.append(GROUP, [entry("later")], 36 * 1024)
    row = there(ledger.load(GROUP))
    ledger.swap(GROUP, row.changed(queue=(), attempt=attempt(entry("later"))), {"done": record("done")})
    ledger.generation()
    ledger.start_generation(ledger.raise_generation(), 1)
    ledger.pause(None)
    ledger.lease(claim(GivenClock(), 1))
    ledger.hold(Hold(APP, Schedule.ACCEPTANCES, 0, 0))
    assert ledger.windows(APP) is None
    assert ledger.has_rows(APP)
    assert ledger.note_windows(APP, "[]", None)
    assert ledger.note_windows(APP, "[1]", "[]")
    ledger.parked().park(APP, PARKED)
    ledger.parked().note(APP, "verified", "yes")
    ledger.parked().noted(APP, "verified")


def erase(ledger: DynamoDbLedger) -> None:
    """What operators drop, and a sweep the rows of groups that are gone."""
    ledger.parked().unpark(APP, PARKED.id)
    ledger.delete(GROUP, 1)


def operate(ledger: DynamoDbLedger) -> None:
    """What only the function does that operators and schedules invoke."""
    ledger.parked().page(APP, 10)
    assert (ledger.held(APP, 10), ledger.rows(APP, ["a", "b"])) == ([], {})
    assert ledger.groups_with_key(APP, "like", 1, 10) == []


def ask(ledger: DynamoDbLedger) -> None:
    """Whether the table drops what has ended."""
    assert ledger.parked().expires() is False


def sweep(ledger: DynamoDbLedger) -> None:
    assert ledger.unfinished(APP, 10) == [GROUP.id]
    assert ledger.groups_with_key(APP, GONE, 1, 10) == []
    assert [label.id for label in ledger.parked().labels(APP)] == [PARKED.id]


def actions(meter: Meter) -> set[str]:
    """The permissions that the calls noted so far need."""
    return {f"dynamodb:{part}" for call in meter.calls for part in PARTS.get(call, {call})}


@pytest.mark.parametrize(
    ("role", "work"), [("serve", serve), ("erase", erase), ("operate", operate), ("ask", ask), ("sweep", sweep)]
)
def test_each_role_is_allowed_what_it_calls(
    dynamodb_endpoint: str, clock: GivenClock, role: str, work: Callable[[DynamoDbLedger], None]
) -> None:
    """The calls of boto3 as it makes them, beside the list in `serverless.yml`."""
    store, meter = DynamoDbStore.new(dynamodb_endpoint), Meter()
    with closing(DynamoDbLedger(store.table, clock, endpoint=store.endpoint, session=meter.session)) as ledger:
        if role == "sweep":
            serve(ledger)
            meter.reset()
        work(ledger)
    shared = set(LEDGER["serve"]) if role != "serve" else set()
    assert actions(meter) - shared == set(LEDGER[role])
