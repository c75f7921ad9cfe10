"""Messages that are read many at once request what they request when each is read alone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.model.rights import Grant, SourceRights
from handler.core.ports.vault import Secret
from handler.core.runtime.windows import Horizon, first_notes
from handler.triggers.event_kind import PAGE_HEAD, Event
from handler.triggers.rights import RecordRights
from handler.triggers.sources.adapters import SOURCES
from handler.triggers.sources.records import RecordReader
from handler.triggers.sources.source import AT_ONCE
from tests.unit.triggers.sources.source_events import ARN, bus_event, notification, sqs, text
from tests.unit.triggers.stage import START

WINDOW_S = 3600.0
RIGHTS = {ARN: SourceRights(callers=frozenset({"shop"}), may=(Grant(at_most=5),))}
READER = RecordReader(
    SOURCES["aws:sqs"],
    "_receipt",
    WINDOW_S,
    Horizon(first_notes(WINDOW_S, START, has_rows=False), WINDOW_S, START),
    print,
    RecordRights(lambda: Secret(1, "administrator", "key", sources=RIGHTS), START),
    "",
)


def read_at_once(*messages: object) -> list[object]:
    queue = READER.queue_reader()
    assert queue is not None
    return list(queue.read(messages))


def read_alone(message: object) -> list[object]:
    return [record.request for record in READER.read(message)]


def sent(moment: object) -> Event:
    return sqs(text(), attributes={"SentTimestamp": moment})


ORDINARY: list[object] = [
    *(sqs(text(value), number) for number, value in enumerate([1, 1, -5])),
    *(sqs(text().replace("room", "群")), sqs(text(mode="Set")), sqs(text(), eventSourceARN="another queue")),
    *(sent(str(int(START * 1000))), sent(int(START * 1000)), sent(str(int((START - WINDOW_S) * 1000) + 1000))),
    *(sqs(text(), attributes={}), sqs(text(IdempotencyKey="order-7")), sqs(text(Caller="shop")), sqs(text(Caller=ARN))),
]
ODD: list[object] = [
    *(
        sqs(text(IdempotencyKey="")),
        sqs(text(Caller="")),
        sqs(text(Caller="guest")),
        sqs(text(6)),
        sqs(text(GroupId="\n")),
    ),
    *(sqs(notification(text())), sqs(bus_event(json.loads(text()))), sqs(PAGE_HEAD + "}"), sqs(text(GroupId="群"))),
    *(sqs(content) for content in ("", "like", "\ud800", None, 7, text(GroupId=""), text() + " " * 65_536)),
    *(sqs(text(), messageId=name) for name in ("", "a\nb", "\ud800", "a" * 1025, None, 7)),
    *(sqs(text(), eventSourceARN=name) for name in ("", "a\nb", "\ud800", "a" * 1025, None, 7)),
    *map(sent, ("1", "-1", "nan", "soon", "", "1_0", " 1", None, True, [], "1e400")),
    *(sent(str(int((START - WINDOW_S) * 1000))), sqs(text(), attributes=None), sqs(text(), eventSource="aws:sns")),
    *(None, 7, [], {}),
]


@pytest.mark.parametrize("message", ORDINARY)
def test_an_ordinary_message_is_read_at_once(message: object) -> None:
    assert read_at_once(message) == read_alone(message)


@pytest.mark.parametrize("message", ODD)
def test_an_odd_message_is_left_to_be_read_alone(message: object) -> None:
    assert read_at_once(message) == [None]


@given(st.lists(st.sampled_from(ORDINARY + ODD), max_size=5))
def test_no_message_changes_how_its_neighbours_are_read(messages: list[object]) -> None:
    padded = [*ORDINARY * (AT_ONCE // len(ORDINARY)), *messages, *ORDINARY]
    assert read_at_once(*padded) == [found for message in padded for found in read_at_once(message)]
