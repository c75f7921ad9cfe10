"""What FAN_OUT_QUEUE says: the queue of which cloud, and which one, through which a timer hands pages on."""

from __future__ import annotations

import re
from typing import TypeAlias

import msgspec

from handler.core.errors import SettingsError

VARIABLE = "FAN_OUT_QUEUE"
FORM = "the URL of a standard queue of SQS, or ckafka:<DataHub id>[?region=<region>]"

# docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html.
_SQS = re.compile(r"(https?://([A-Za-z0-9.-]+(?::[0-9]{1,5})?))/[0-9]{12}/[A-Za-z0-9_-]{1,80}")
_REGIONAL = re.compile(r"(?:sqs\.)?([a-z]{2}(?:-[a-z]+)+-[0-9])\.(?:queue\.)?amazonaws\.com(?:\.cn)?")

# The access point for messages over HTTP (cloud.tencent.com/document/product/597/66682, DataHubId).
_CKAFKA = re.compile(r"ckafka:(datahub-[a-z0-9]{1,64})(?:\?region=([a-z0-9-]{1,32}))?")


class SqsUrl(msgspec.Struct, frozen=True):
    """A queue of SQS. Without a region, that of the platform; an endpoint only where it is not AWS's usual one."""

    url: str
    region: str | None
    endpoint: str | None


class CkafkaHub(msgspec.Struct, frozen=True):
    """An access point of CKafka for messages over HTTP; without a region, that of the platform."""

    id: str
    region: str | None


QueueUrl: TypeAlias = SqsUrl | CkafkaHub


def read(text: str) -> QueueUrl:
    """Read FAN_OUT_QUEUE; SettingsError says what it may be and shows nothing of what it is."""
    if hub := _CKAFKA.fullmatch(text):
        return CkafkaHub(hub[1], hub[2])
    if url := _SQS.fullmatch(text):
        regional = _REGIONAL.fullmatch(url[2])
        return SqsUrl(text, regional[1] if regional else None, None if regional else url[1])
    raise SettingsError(VARIABLE, f"must be {FORM}")
