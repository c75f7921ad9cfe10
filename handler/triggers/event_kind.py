"""Which kind of event this is, by its shape alone: no field names the cloud that it came from."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias

from handler.core.errors import UnknownEvent

Event: TypeAlias = dict[str, object]


class Kind(Enum):
    """The kinds of events that the function takes, each in the words of its platform."""

    HTTP_V1 = "API Gateway REST API, or HTTP API with payload format 1.0"
    HTTP_V2 = "API Gateway HTTP API with payload format 2.0"
    FUNCTION_URL = "Lambda function URL"
    ALB = "Application Load Balancer"
    SCF_URL = "SCF function URL"
    TIMER = "timer"
    OPERATOR = "operator"
    RECORDS = "records of SQS, Kinesis, DynamoDB streams, SNS, CKafka or CMQ"
    KAFKA = "Amazon MSK or self-managed Kafka"
    PIPES = "EventBridge Pipes"
    EVENTBRIDGE = "EventBridge"


HTTP = frozenset({Kind.HTTP_V1, Kind.HTTP_V2, Kind.FUNCTION_URL, Kind.ALB, Kind.SCF_URL})

# Those that bring records of an event source, the pages of a tick among them.
BATCHES = frozenset({Kind.RECORDS, Kind.KAFKA, Kind.PIPES, Kind.EVENTBRIDGE})

# What each name that EVENTS may list stands for.
NAMED: Mapping[str, frozenset[Kind]] = {
    "http": HTTP,
    "timer": frozenset({Kind.TIMER}),
    "sources": BATCHES,
    "operator": frozenset({Kind.OPERATOR}),
}

# What events of Kafka say they come from.
MSK = "aws:kafka"
SELF_MANAGED_KAFKA = "SelfManagedKafka"

# What the records of each source say they come from, on AWS.
RECORD_SOURCES = frozenset({"aws:sqs", "aws:kinesis", "aws:dynamodb", "aws:sns", MSK, SELF_MANAGED_KAFKA})

# On SCF a record has a part of its source's name instead.
CKAFKA = "Ckafka"
CMQ = "CMQ"

# How the text of a page of a tick begins (triggers/timer/pages.py). Over HTTP it is a body with unknown fields.
PAGE_HEAD = '{"Type":"TimerPage",'

# The fields of the envelope that EventBridge puts around every event.
_EVENTBRIDGE_FIELDS = frozenset({"id", "source", "detail-type", "detail"})


def detect(event: object) -> tuple[Kind, Event]:
    """Name the kind of an event; UnknownEvent lists the kinds that there are."""
    if isinstance(event, list) and any(source_of(record) for record in event):
        return Kind.PIPES, {"Records": event}
    if not isinstance(event, dict):
        raise _unknown(event, "is no object")
    # Timers and operators come by direct invocation only: an event that came in through a door has that door's shape,
    # whatever else its sender has put into it.
    kind = _http_kind(event)
    if kind is None and event.get("Type") == "Timer":
        return Kind.TIMER, event
    kind = kind or _batch_kind(event)
    if kind is None and event.get("Type") == "Operator":
        return Kind.OPERATOR, event
    if kind is None:
        raise _unknown(event, "has the shape of no known kind")
    return kind, event


def _http_kind(event: Event) -> Kind | None:
    context = part_of(event, "requestContext")
    if "elb" in context:
        return Kind.ALB
    if "http" in context or (event.get("version") == "2.0" and "rawPath" in event):
        domain = context.get("domainName")
        return Kind.FUNCTION_URL if isinstance(domain, str) and ".lambda-url." in domain else Kind.HTTP_V2
    if "httpMethod" in event:
        # SCF's event looks like format 1.0 but knows no resources.
        return Kind.HTTP_V1 if "resource" in event else Kind.SCF_URL
    return None


def _batch_kind(event: Event) -> Kind | None:
    records = event.get("Records")
    if isinstance(records, list) and (not records or any(source_of(record) for record in records)):
        return Kind.RECORDS
    if event.get("eventSource") in (MSK, SELF_MANAGED_KAFKA) and isinstance(event.get("records"), dict):
        return Kind.KAFKA
    return Kind.EVENTBRIDGE if event.keys() >= _EVENTBRIDGE_FIELDS else None


def is_page(text: str) -> bool:
    """Whether a record's text is a page of a tick."""
    return text.startswith(PAGE_HEAD)


def source_of(record: object) -> str | None:
    """Which source's shape a record of a list has, if any."""
    if not isinstance(record, dict):
        return None
    for part in (CKAFKA, CMQ):
        if isinstance(record.get(part), dict):
            return part
    # SNS alone writes the name with a capital.
    named = record.get("eventSource", record.get("EventSource"))
    return named if isinstance(named, str) and named in RECORD_SOURCES else None


def part_of(event: Event, name: str) -> Event:
    """The object under `name`, empty where there is none."""
    part = event.get(name)
    return part if isinstance(part, dict) else {}


def _unknown(event: object, problem: str) -> UnknownEvent:
    # A good event does not wait for words about others.
    from handler.triggers.foreign import advice  # noqa: PLC0415

    known = advice(event)
    return UnknownEvent(
        "event", f"{f'is {known}' if known else problem}; known are: {', '.join(kind.value for kind in Kind)}"
    )
