"""Records from a real consumer of Kafka, as MSK's and as CKafka's events: redelivery counts once, poison is parked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from handler.main import lambda_handler, main_handler
from handler.triggers.crew import WORKERS
from tests.e2e.instances import FunctionFailedError
from tests.e2e.scf import ScfInstance
from tests.integration.counting import (
    NOBODYS_ROOM,
    POISON,
    SHORT_LIVES,
    TIMEOUT_S,
    chat_with,
    function_for,
    killed_after,
    likes,
    order,
    orders,
    sweep,
    total,
)
from tests.sandbox.chat import ChatServer, Fault
from tests.sandbox.contexts import lambda_context, scf_context
from tests.sandbox.environment import sandboxed_environment
from tests.sandbox.kafka import Event, Kafka, Record, ckafka_event, msk_event

ROOMS = 12
BODIES = orders(36, ROOMS)


@dataclass(frozen=True, slots=True)
class Cloud:
    """How a platform hands records over."""

    name: str
    event_of: Callable[[Sequence[Record]], Event]
    invoke: Callable[[Event], Mapping[str, object]]

    def handle(self, records: Sequence[Record]) -> Mapping[str, object]:
        """Invoke the function in this process with a batch."""
        return self.invoke(self.event_of(records))


CLOUDS = (
    Cloud("MSK", msk_event, lambda event: lambda_handler(event, lambda_context(TIMEOUT_S))),
    Cloud("CKafka", ckafka_event, lambda event: main_handler(event, scf_context(TIMEOUT_S))),
)


@pytest.fixture(params=CLOUDS, ids=lambda cloud: cloud.name)
def cloud(request: pytest.FixtureRequest) -> Cloud:
    chosen: Cloud = request.param
    return chosen


@pytest.fixture(scope="module")
def kafka() -> Kafka:
    return Kafka()


@pytest.fixture
def topic(numbers: Iterator[int]) -> str:
    return f"counters-{next(numbers)}"


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[ChatServer]:
    """A Chat server with rooms, and the function in this process set up for it."""
    with chat_with(total(BODIES)) as server, function_for(server, tmp_path / "function"):
        yield server


def sent(kafka: Kafka, topic: str, bodies: Sequence[str]) -> int:
    """Send bodies by a key for each room, so that a room's stay in order; how many."""
    kafka.send(topic, [(f"key-{number % ROOMS}", body) for number, body in enumerate(bodies)])
    return len(bodies)


def test_what_is_delivered_again_counts_once(kafka: Kafka, topic: str, cloud: Cloud, chat: ChatServer) -> None:
    """Nothing of a batch is committed at first, then half of it, with a third of the vendor's replies lost as well."""
    chat.randomly(0.3, [Fault("drop_after")], seed=36)
    many = sent(kafka, topic, BODIES)
    with kafka.reader(topic) as reader:
        first = reader.read(many)
        cloud.handle(first)
        reader.go_back()
        again = reader.read(many)
        cloud.handle(again)
        reader.commit(again[: many // 2])
        reader.go_back()
        rest = reader.read(many // 2)
        cloud.handle(rest)
        reader.commit(rest)
        assert reader.lag() == 0
    assert (set(first), set(rest)) == (set(again), set(again[many // 2 :]))
    sweep()
    assert likes(chat, total(BODIES)) == total(BODIES)


def test_a_batch_that_was_half_done_counts_once(kafka: Kafka, topic: str, cloud: Cloud, chat: ChatServer) -> None:
    """The function ended in the middle, so the platform delivers all of it again."""
    many = sent(kafka, topic, BODIES)
    with kafka.reader(topic) as reader:
        cloud.handle(reader.read(many)[: many // 2])
        assert reader.lag() == many
        reader.go_back()
        cloud.handle(reader.read(many))
    sweep()
    assert likes(chat, total(BODIES)) == total(BODIES)


def test_a_function_killed_in_the_middle_counts_once(
    kafka: Kafka, topic: str, chat: ChatServer, tmp_path: Path
) -> None:
    """Calls of some rooms are under way when the process ends, and the other rooms have not been touched."""
    many = sent(kafka, topic, BODIES)
    variables = sandboxed_environment(chat.endpoint, tmp_path / "function", **SHORT_LIVES)
    chat.set_apply_lag(0.2)
    with kafka.reader(topic) as reader, ScfInstance(variables, tmp_path / "instance") as instance:
        with killed_after(instance, chat, updates=WORKERS), pytest.raises(FunctionFailedError):
            instance.handle(ckafka_event(reader.read(many)), None)
        chat.set_apply_lag(0)
        reader.go_back()
        instance.handle(ckafka_event(reader.read(many)), None)
        assert instance.starts == 2
    sweep()
    assert likes(chat, total(BODIES)) == total(BODIES)


def test_a_rooms_order_is_the_partitions(kafka: Kafka, topic: str, cloud: Cloud, chat: ChatServer) -> None:
    """The last Set stands, also after those before it have been delivered again."""
    bodies = [order(f"room-{number % ROOMS}", number, "Set") for number in range(3 * ROOMS)]
    many = sent(kafka, topic, bodies)
    with kafka.reader(topic) as reader:
        records = reader.read(many)
        cloud.handle(records)
        cloud.handle([record for record in records if record.value.decode() in bodies[: 2 * ROOMS]])
    sweep()
    assert likes(chat, total(BODIES)) == {f"room-{room}": 2 * ROOMS + room for room in range(ROOMS)}


def test_poison_is_parked_and_blocks_nobody(kafka: Kafka, topic: str, cloud: Cloud, chat: ChatServer) -> None:
    """What cannot be read or is refused is kept for an operator, once for all its deliveries, and acknowledged."""
    poison = [*POISON, order(NOBODYS_ROOM, 1)]
    many = sent(kafka, topic, [*poison, *BODIES[:ROOMS]])
    with kafka.reader(topic) as reader:
        records = reader.read(many)
        replies = [cloud.handle(records), cloud.handle(records)]
        reader.commit(records)
        assert reader.lag() == 0
    assert replies == [{"accepted": ROOMS, "parked": len(poison), "ignored": 0}] * 2
    assert sorted(parked()) == sorted(poison)
    sweep()
    assert likes(chat, total(BODIES[:ROOMS])) == total(BODIES[:ROOMS])


def parked() -> list[str]:
    reply = lambda_handler({"Type": "Operator", "task": "parked", "action": "list"}, lambda_context(TIMEOUT_S))
    records = reply["records"]
    assert isinstance(records, list)
    return [record["payload"] for record in records]
