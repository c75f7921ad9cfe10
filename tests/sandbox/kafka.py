"""A Kafka cluster in this process, its topics read by a consumer group, and the events that both clouds make of it.

The cluster is librdkafka's mock: the real wire protocol on 127.0.0.1, messages in memory. It lives as long as the
producer that it comes with.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

Event: TypeAlias = dict[str, object]

CLUSTER_ARN: Final = "arn:aws:kafka:eu-west-1:123456789012:cluster/counters/751d2973-a626-431c-9d4e-d7975eb44dd7-2"
TIMEOUT_S: Final = 10.0

_QUIET: Final = {"log_level": 4}
"""Without the notice that the cluster is a mock."""


@dataclass(frozen=True, slots=True)
class Record:
    """A message as a consumer got it; `timestamp_ms` counts from 1970."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes


class Kafka:
    """A cluster of `brokers` brokers. Topics come to be, with four partitions each, when they are first named."""

    def __init__(self, brokers: int = 1) -> None:
        self._producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": brokers, **_QUIET})
        found = self._producer.list_topics(timeout=TIMEOUT_S).brokers.values()
        self.servers = ",".join(f"{broker.host}:{broker.port}" for broker in found)

    def send(self, topic: str, messages: Sequence[tuple[str | None, str]]) -> None:
        """Send messages, each a key and a value, and wait until the cluster has them all.

        Messages of one key stay in order, as they do in one partition.
        """
        for key, value in messages:
            self._producer.produce(topic, key=key, value=value)
        if left := self._producer.flush(TIMEOUT_S):
            raise TimeoutError(f"{left} messages were not taken")

    @contextmanager
    def reader(self, topic: str) -> Iterator[Reader]:
        """A consumer of a topic, always of one group."""
        settings = {"bootstrap.servers": self.servers, "group.id": "counters", "auto.offset.reset": "earliest"}
        consumer = Consumer({**settings, **_QUIET, "enable.auto.commit": False, "fetch.wait.max.ms": 20})
        partitions = self._producer.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions
        try:
            yield Reader(consumer, [TopicPartition(topic, number) for number in partitions])
        finally:
            consumer.close()


class Reader:
    """Reads all partitions of a topic from where its group has committed them.

    The partitions are assigned by hand: an only consumer would wait for three seconds whether others join its group.
    """

    def __init__(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._consumer = consumer
        self._partitions = partitions
        self.go_back()

    def read(self, most: int) -> list[Record]:
        """`most` records, in the order of each partition; TimeoutError if there are fewer."""
        messages = self._consumer.consume(most, timeout=TIMEOUT_S)
        if len(messages) < most:
            raise TimeoutError(f"{len(messages)} of {most} messages came")
        return [_record(message) for message in messages]

    def commit(self, records: Sequence[Record]) -> None:
        """Let the group go on behind these records, which hold whole beginnings of their partitions."""
        last = {record.partition: record for record in records}
        offsets = [TopicPartition(record.topic, record.partition, record.offset + 1) for record in last.values()]
        self._consumer.commit(offsets=offsets, asynchronous=False)

    def go_back(self) -> None:
        """Read on from what is committed, as a platform does after a failed invocation."""
        self._consumer.assign(self._partitions)

    def lag(self) -> int:
        """How many records of the topic the group has not committed."""
        committed = self._consumer.committed(self._partitions, timeout=TIMEOUT_S)
        ends = [self._consumer.get_watermark_offsets(place, timeout=TIMEOUT_S)[1] for place in self._partitions]
        return sum(ends) - sum(max(0, place.offset) for place in committed)


def msk_event(records: Sequence[Record], arn: str = CLUSTER_ARN) -> Event:
    """The event by which Lambda hands over records of Amazon MSK: by topic and partition, keys and values in base64."""
    grouped: dict[str, list[Event]] = {}
    for record in records:
        grouped.setdefault(f"{record.topic}-{record.partition}", []).append(_msk_record(record))
    servers = "b-1.counters.example.c2.kafka.eu-west-1.amazonaws.com:9092"
    return {"eventSource": "aws:kafka", "eventSourceArn": arn, "bootstrapServers": servers, "records": grouped}


def ckafka_event(records: Sequence[Record]) -> Event:
    """The event by which SCF hands over messages of CKafka; a message without a key has the key "None"."""
    return {"Records": [{"Ckafka": _ckafka_message(record)} for record in records]}


def _record(message: Message) -> Record:
    if error := message.error():
        raise KafkaException(error)
    topic, partition, offset, value = message.topic(), message.partition(), message.offset(), message.value()
    if topic is None or partition is None or offset is None or value is None:
        raise ValueError("a message without a place or a value came")
    return Record(topic, partition, offset, message.timestamp()[1], message.key(), value)


def _msk_record(record: Record) -> Event:
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp_ms,
        "timestampType": "CREATE_TIME",
        "key": None if record.key is None else base64.b64encode(record.key).decode(),
        "value": base64.b64encode(record.value).decode(),
        "headers": [],
    }


def _ckafka_message(record: Record) -> Event:
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "msgKey": "None" if record.key is None else record.key.decode(),
        "msgBody": record.value.decode(errors="replace"),
    }
