"""What arrives by mistake, and what to change: notices of other services, which hold no payload of ours.

Only what is refused anyway is looked at, and nothing of it is shown. The shapes are those of the services' own pages.
"""

from __future__ import annotations

from collections.abc import Mapping

_SEND = "send the payload itself to a queue, a topic or a stream"
_CHANGE = "map the table's own stream to the function instead, with new images"

_SOURCES: Mapping[object, str] = {
    "aws:s3": f"an S3 notification, which tells of a file: {_SEND}",
    "aws:ses": f"a mail that SES has received: {_SEND}",
    "aws:docdb": f"a batch of changes in DocumentDB: {_SEND}",
    "aws:amq": "a batch of Amazon MQ, whose messages it cannot tell from repeats: let a pipe carry them to SQS",
    "aws:rmq": "a batch of Amazon MQ, whose messages it cannot tell from repeats: let a pipe carry them to SQS",
}

_TYPES: Mapping[object, str] = {
    "SubscriptionConfirmation": "a request of SNS to confirm a subscription: confirm it, and drop the message",
    "UnsubscribeConfirmation": "a notice of SNS that a subscription has ended: drop the message",
}

_LOGS = "a delivery of CloudWatch Logs: take the subscription filter off"

_FIELDS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"awslogs"}), _LOGS),
    (frozenset({"logGroup", "logEvents"}), _LOGS),
    (frozenset({"clslogs"}), "a delivery of Tencent's Cloud Log Service: take its trigger off"),
    (frozenset({"cos"}), f"a notification of COS, which tells of a file: {_SEND}"),
    (
        frozenset({"deliveryStreamArn", "records"}),
        "a request of Firehose to transform records: take the function off the delivery stream, and map its source",
    ),
    (
        frozenset({"tableName", "recordFormat", "dynamodb"}),
        f"a change of a table on its way through Kinesis: {_CHANGE}",
    ),
    (frozenset({"Item"}), f"a line of a table's export: {_CHANGE}, or send the payload itself"),
    (frozenset({"Service", "Bucket"}), f"a test message of S3: take the bucket's notification off, and {_SEND}"),
    (
        frozenset({"GroupId", "GroupCounter"}),
        "a payload on its own, which has no identity to tell a repeat by: send it over HTTP or through a source",
    ),
)


def advice(document: object) -> str | None:
    """What a document is and what to change; None for one that nothing is known of."""
    if isinstance(document, list):
        return "a list in which no record names its source: a pipe must pass records on as they are, untransformed"
    if not isinstance(document, dict):
        return None
    records = document.get("Records")
    first = records[0] if isinstance(records, list) and records else None
    if isinstance(first, dict):
        return advice(first)
    named = document.get("eventSource")
    known = _SOURCES.get(named) if isinstance(named, str) else None
    if known is None and isinstance(document.get("Type"), str):
        known = _TYPES.get(document["Type"])
    return known or next((what for fields, what in _FIELDS if document.keys() >= fields), None)
