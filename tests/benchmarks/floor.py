"""The least that a batch takes, written by hand: read it, write as much to Redis in one pipeline, call each group once.

Nothing is checked, nothing is kept from counting twice, and whatever fails is lost.
"""

import base64
import json
from collections import Counter
from typing import Final

import redis
import requests

from tests.benchmarks.batch_events import Event
from tests.benchmarks.peers import TIMEOUT_S, Work

# As long as what the function writes: a record of a message, and a group's row.
RECORD: Final = "x" * 100
ROW: Final = "x" * 600
RECORD_LIFE_MS: Final = 172_800_000


def floor(source: str, url: str, session: requests.Session, client: redis.Redis) -> Work:
    """Records of messages are only written where the function writes some: a stream's have positions."""
    texts = _sqs_texts if source == "SQS" else _kinesis_texts

    def work(event: Event) -> None:
        sums: Counter[str] = Counter()
        pipeline = client.pipeline(transaction=False)
        for name, text in texts(event):
            body = json.loads(text)
            sums[body["GroupId"]] += body["GroupCounter"][0]["Value"]
            if source == "SQS":
                pipeline.set(f"floor:record:{name}", RECORD, px=RECORD_LIFE_MS)
        for group in sums:
            pipeline.set(f"floor:row:{group}", ROW)
        pipeline.execute()
        for group, value in sums.items():
            counters = [{"Key": "like", "Value": value}]
            body = {"GroupId": group, "GroupCounter": counters, "Mode": "Increase"}
            session.post(url, json=body, timeout=TIMEOUT_S).json()

    return work


def _sqs_texts(event: Event) -> list[tuple[str, str]]:
    records = event["Records"]
    assert isinstance(records, list)
    return [(record["messageId"], record["body"]) for record in records]


def _kinesis_texts(event: Event) -> list[tuple[str, str]]:
    records = event["Records"]
    assert isinstance(records, list)
    return [(record["eventID"], base64.b64decode(record["kinesis"]["data"]).decode()) for record in records]
