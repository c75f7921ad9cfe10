"""FAN_OUT_QUEUE names a queue of SQS or a topic of CKafka, and no error shows any of it."""

import pytest

from handler.config import queue_url
from handler.config.queue_url import CkafkaHub, SqsUrl
from handler.core.errors import SettingsError

PATH = "/123456789012/counters-Queue_1"


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("https://sqs.ap-southeast-1.amazonaws.com", "ap-southeast-1"),
        ("https://sqs.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("https://eu-west-1.queue.amazonaws.com", "eu-west-1"),
    ],
)
def test_the_region_of_a_queue_stands_in_its_url(host: str, region: str) -> None:
    assert queue_url.read(host + PATH) == SqsUrl(host + PATH, region, None)


@pytest.mark.parametrize("host", ["http://127.0.0.1:4566", "https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com"])
def test_another_host_is_the_endpoint_of_its_queue(host: str) -> None:
    """A stand-in, or an endpoint inside of a private network."""
    assert queue_url.read(host + PATH) == SqsUrl(host + PATH, None, host)


@pytest.mark.parametrize(
    ("text", "hub"),
    [
        ("ckafka:datahub-meuh9nhn", CkafkaHub("datahub-meuh9nhn", None)),
        ("ckafka:datahub-meuh9nhn?region=ap-singapore", CkafkaHub("datahub-meuh9nhn", "ap-singapore")),
    ],
)
def test_a_topic_is_named_by_its_access_point(text: str, hub: CkafkaHub) -> None:
    assert queue_url.read(text) == hub


@pytest.mark.parametrize(
    "text",
    [
        *("counters-secret", "https://sqs.eu-west-1.amazonaws.com", "https://user:secret@host" + PATH),
        *("https://host" + PATH + "?secret=1", "https://host" + PATH + ".fifo", "ckafka:topic-secret"),
        *("ckafka:datahub-a?region=", "ckafka:datahub-a?zone=secret", "ftp://host" + PATH, "https://host\n" + PATH),
    ],
)
def test_what_is_neither_is_refused(text: str) -> None:
    """A queue of the kind FIFO, too: it cannot delay single messages."""
    with pytest.raises(SettingsError, match=r"^FAN_OUT_QUEUE: must be the URL of a standard queue") as refused:
        queue_url.read(text)
    assert "secret" not in str(refused.value)
