"""What people would use instead: Powertools' batch processor, with its idempotency and without, a call per record.

It is written as its documentation shows it: `process_partial_response` gives each record to a function that is made
idempotent by the message's id, and one session of requests is kept for all calls.
"""

import json
from collections.abc import Callable
from typing import Final, TypeAlias

import redis
import requests
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamRecord
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.cache import CachePersistenceLayer

from tests.benchmarks.batch_events import Event

Work: TypeAlias = Callable[[Event], None]

WINDOW_S: Final = 172_800
TIMEOUT_S: Final = 4.0
RECORD_TYPES: Final = {"SQS": (EventType.SQS, "messageId"), "Kinesis": (EventType.KinesisDataStreams, "eventID")}


def on_redis(url: str) -> BasePersistenceLayer:
    client = redis.Redis.from_url(url, decode_responses=True)
    return CachePersistenceLayer(client=client)  # type: ignore[arg-type]  # its protocol is narrower than the client


def on_dynamodb(table: str, client: object) -> BasePersistenceLayer:
    """Powertools' records in a table with the key `id`."""
    return DynamoDBPersistenceLayer(table_name=table, boto3_client=client)


def idempotent(source: str, url: str, session: requests.Session, layer: BasePersistenceLayer) -> Work:
    """The batch processor with a record of each message."""
    config = IdempotencyConfig(event_key_jmespath=RECORD_TYPES[source][1], expires_after_seconds=WINDOW_S)

    @idempotent_function(  # type: ignore[untyped-decorator]  # as Powertools has it
        data_keyword_argument="message", config=config, persistence_store=layer
    )
    def count(message: Event, body: Event) -> None:
        _call(session, url, body)

    def handle(record: SQSRecord | KinesisStreamRecord) -> None:
        count(message=record.raw_event, body=_body(record))

    return _processed(source, handle)


def plain(source: str, url: str, session: requests.Session) -> Work:
    """The batch processor that counts a message again whenever it comes again."""
    return _processed(source, lambda record: _call(session, url, _body(record)))


def _processed(source: str, handle: Callable[[SQSRecord | KinesisStreamRecord], None]) -> Work:
    processor = BatchProcessor(event_type=RECORD_TYPES[source][0])

    def work(event: Event) -> None:
        reply = process_partial_response(event=event, record_handler=handle, processor=processor)
        if reply["batchItemFailures"]:
            raise RuntimeError("a batch that nobody disturbs was not done")

    return work


def _body(record: SQSRecord | KinesisStreamRecord) -> Event:
    body: Event = json.loads(record.body) if isinstance(record, SQSRecord) else record.kinesis.data_as_json()
    return body


def _call(session: requests.Session, url: str, body: Event) -> None:
    if session.post(url, json=body, timeout=TIMEOUT_S).json()["ErrorCode"] != 0:
        raise RuntimeError("the API refused a call")
