"""The batches of the comparison: the same records for everybody, with names that nobody has met before."""

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, TypeAlias

from tests.sandbox.poller import sqs_event
from tests.sandbox.queue import Message, message

Event: TypeAlias = dict[str, object]

QUEUE_ARN: Final = "arn:aws:sqs:eu-west-1:123456789012:likes"
STREAM_ARN: Final = "arn:aws:kinesis:eu-west-1:123456789012:stream/likes"
SHARD: Final = "shardId-000000000000"

_NUMBERS: Final = count(1)
"""Of all records ever made, so that no two batches share one and the shard's numbers only rise."""


@dataclass(frozen=True, slots=True)
class Batch:
    """So many records, spread evenly over so many groups; each adds 1 to a counter, or one of so many values."""

    records: int
    groups: Sequence[str]
    values: int = 1

    def sqs(self) -> Event:
        messages = [_sqs(next(_NUMBERS), self._body(place)) for place in range(self.records)]
        return sqs_event(messages, QUEUE_ARN)

    def kinesis(self) -> Event:
        """As Lambda gets them from one shard of a stream whose partition key is the group."""
        return {"Records": [self._kinesis(next(_NUMBERS), place) for place in range(self.records)]}

    def _kinesis(self, number: int, place: int) -> Event:
        return _kinesis(number, self._group(place), self._body(place))

    def _group(self, place: int) -> str:
        return self.groups[place % len(self.groups)]

    def _body(self, place: int) -> str:
        counter = {"Key": "like", "Value": place // len(self.groups) % self.values + 1}
        return json.dumps({"GroupId": self._group(place), "GroupCounter": [counter], "Mode": "Increase"})


Maker: TypeAlias = Callable[[Batch], Event]
MAKERS: Final[Mapping[str, Maker]] = {"SQS": Batch.sqs, "Kinesis": Batch.kinesis}


def _sqs(number: int, body: str) -> Message:
    return message(f"00000000-0000-4000-8000-{number:012x}", body)


def _kinesis(number: int, group: str, body: str) -> Event:
    sequence = f"49590338271490256608559692538361571095921575989{number:09d}"
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": group,
            "sequenceNumber": sequence,
            "data": base64.b64encode(body.encode()).decode(),
            "approximateArrivalTimestamp": time.time(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{SHARD}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/likes",
        "awsRegion": "eu-west-1",
        "eventSourceARN": STREAM_ARN,
    }
