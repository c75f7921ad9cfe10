"""On real ledgers: what a source was told to forget is counted, or parked with all of it, wherever an instance dies."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from handler import bootstrap
from handler.core.ports.ledger import Parked, ParkedAndNotes
from handler.main import lambda_handler
from tests.integration.counting import MADE_UP_ACCOUNT, SHORT_LIVES, TIMEOUT_S, chat_with, order, sweep
from tests.sandbox.chat import ChatServer
from tests.sandbox.cold_function import cold_function
from tests.sandbox.contexts import lambda_context
from tests.sandbox.environment import sandboxed_environment
from tests.sandbox.faults import Fault

ROOM = "room"
BUSY = Fault("code", code=60007)
REASON = "the vendor refused it with code 10010: the group does not exist or was dismissed"
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/counters"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:counters"

Event = dict[str, object]


@pytest.fixture
def chat(ledger_url: str, tmp_path: Path, numbers: Iterator[int]) -> Iterator[ChatServer]:
    """A Chat server with a room, and the function, whose ledger knows nothing of this room yet."""
    room = f"{ROOM}-{next(numbers)}"
    with chat_with([room]) as server:
        variables = sandboxed_environment(server.endpoint, tmp_path, **SHORT_LIVES) | {
            "LEDGER_URL": ledger_url,
            **MADE_UP_ACCOUNT,
        }
        with cold_function(variables):
            yield server
            for record in parked():
                lambda_handler({**OPERATOR, "action": "drop", "id": record["id"]}, lambda_context(TIMEOUT_S))


@pytest.fixture
def room(chat: ChatServer) -> str:
    (name,) = chat.groups()
    return name


OPERATOR = {"Type": "Operator", "task": "parked"}


def parked() -> list[Mapping[str, str]]:
    page = lambda_handler({**OPERATOR, "action": "list"}, lambda_context(TIMEOUT_S))["records"]
    assert isinstance(page, list)
    return page


def deliver(event: Event) -> object:
    return lambda_handler(event, lambda_context(TIMEOUT_S))


def from_queue(room: str) -> Event:
    named = {"messageId": f"message of {room}", "body": order(room, 7), "attributes": {}}
    return {"Records": [{**named, "eventSource": "aws:sqs", "eventSourceARN": QUEUE}]}


def from_bus(room: str) -> Event:
    return {"id": f"event of {room}", "detail-type": "like", "source": "shop", "detail": json.loads(order(room, 7))}


def from_shard(room: str, partition: str | None = None) -> Event:
    """A record of Kinesis whose partition key is its group, or another one."""
    number = str(49590338271490256608559692538361571095921575989136588000 + sum(room.encode()))
    data = base64.b64encode(order(room, 7).encode()).decode()
    part = {"sequenceNumber": number, "partitionKey": partition or room, "data": data}
    named = {"eventID": f"shardId-000000000001:{number}", "eventSource": "aws:kinesis", "eventSourceARN": STREAM}
    return {"Records": [{"kinesis": part, **named}]}


SOURCES: Mapping[str, Callable[[str], Event]] = {
    "queue": from_queue,
    "bus": from_bus,
    "position": from_shard,
    "key": lambda room: from_shard(room, "another"),
}


def assert_parked(room: str) -> None:
    [record] = parked()
    assert (json.loads(record["payload"]), record["reason"]) == (json.loads(order(room, 7)), REASON)
    assert (room in record["id"]) or record["id"].startswith(f"{STREAM}/shardId-000000000001:")


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_a_record_that_was_acknowledged_and_is_refused_by_the_sweep_is_parked(
    chat: ChatServer, room: str, make: Callable[[str], Event]
) -> None:
    """The vendor is busy, the record is taken, and then the group is dismissed."""
    chat.always(BUSY)
    assert deliver(make(room)) in ({"batchItemFailures": []}, {"accepted": 1, "parked": 0, "ignored": 0})
    chat.clear_faults()
    chat.dismiss_group(room)
    sweep()
    assert_parked(room)
    sweep()
    assert_parked(room)


@pytest.mark.parametrize("partition", [None, "another"], ids=["position", "key"])
def test_a_shard_goes_past_a_record_that_is_refused_for_good(
    chat: ChatServer, room: str, partition: str | None
) -> None:
    chat.dismiss_group(room)
    for _ in range(3):
        assert deliver(from_shard(room, partition)) == {"batchItemFailures": []}
        bootstrap.reset()
    assert_parked(room)


def test_a_queue_gets_back_what_is_refused_while_it_delivers_it(chat: ChatServer, room: str) -> None:
    chat.dismiss_group(room)
    for _ in range(3):
        assert deliver(from_queue(room)) == {"batchItemFailures": [{"itemIdentifier": f"message of {room}"}]}
        bootstrap.reset()
    sweep()
    assert parked() == []


class DyingError(BaseException):
    """The instance dies here."""


@contextmanager
def dying(*, parked_first: bool) -> Iterator[None]:
    """Whoever parks dies, before or after, and a cold instance takes its place."""
    kind = type(bootstrap.app_context().parked)
    park = kind.park

    def die(kept: ParkedAndNotes, app: int, record: Parked) -> None:
        if parked_first:
            park(kept, app, record)
        raise DyingError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "park", die)
        with pytest.raises(DyingError):
            yield
    bootstrap.reset()


@pytest.mark.parametrize("parked_first", [False, True])
@pytest.mark.parametrize("make", [SOURCES[name] for name in ("bus", "position", "key")], ids=["bus", "position", "key"])
def test_an_instance_that_dies_while_parking_loses_nothing(
    chat: ChatServer, room: str, make: Callable[[str], Event], *, parked_first: bool
) -> None:
    """Whether the record is delivered again, and whoever comes first, the source or the sweep."""
    chat.dismiss_group(room)
    with dying(parked_first=parked_first):
        deliver(make(room))
    sweep()
    assert_parked(room)
    assert deliver(make(room)) in ({"batchItemFailures": []}, {"accepted": 0, "parked": 1, "ignored": 0})
    assert_parked(room)


@pytest.mark.parametrize("parked_first", [False, True])
def test_a_sweep_that_dies_while_parking_loses_nothing(chat: ChatServer, room: str, *, parked_first: bool) -> None:
    """The next one finds the note, unless an operator has dropped the record."""
    chat.always(BUSY)
    deliver(from_queue(room))
    chat.clear_faults()
    chat.dismiss_group(room)
    with dying(parked_first=parked_first):
        sweep()
    if parked_first:
        [record] = parked()
        told = lambda_handler({**OPERATOR, "action": "drop", "id": record["id"]}, lambda_context(TIMEOUT_S))
        assert told["dropped"] is True
    sweep()
    assert len(parked()) == (0 if parked_first else 1)


def test_a_refused_record_is_replayed_under_another_key(chat: ChatServer, room: str) -> None:
    """Under its own it is refused again, whatever the group is like by then."""
    chat.dismiss_group(room)
    deliver(from_bus(room))
    [record] = parked()
    chat.create_group(room)
    for key, outcome in (({}, "rejected"), ({"IdempotencyKey": f"again-{room}"}, "applied")):
        event = {**OPERATOR, "action": "replay", "id": record["id"], **key}
        assert lambda_handler(event, lambda_context(TIMEOUT_S))["outcome"] == outcome
    assert (parked(), chat.values(room)["like"]) == ([], 7)
