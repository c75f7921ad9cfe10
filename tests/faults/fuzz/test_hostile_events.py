"""Whatever stands in an event of any kind, the real function over its real ledger answers, or refuses in its own words.

More than the unit tests ask: no refusal may hide a mistake, no line of the log may be lost, and time and memory have
bounds. What the ledger took is looked at afterwards.
"""

import base64
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handler import bootstrap
from handler.core.errors import CounterError
from handler.core.model.operation import INT64_MAX, INT64_MIN
from handler.core.model.row import Group
from handler.main import lambda_handler, main_handler
from tests.e2e.leaks import leaks
from tests.sandbox.chat import ChatApp, ChatServer
from tests.sandbox.cold_function import cold_function
from tests.sandbox.contexts import lambda_context, scf_context
from tests.sandbox.dialects import DIALECTS, Dialect, Event, event_of
from tests.sandbox.environment import KEY, SDKAPPID, TOKEN, sandboxed_environment
from tests.unit.triggers.sources.source_events import MAKERS, batch_of, eventbridge, of_msk, records

UPDATE = "/v1/update_group_counter"
STATUSES = {200, 202, 400, 401, 404, 405, 413, 422}
EVENT_BYTES = 6 * 1024 * 1024
"""What both clouds pass on at most."""

HEAD_BYTES = 64 * 1024
"""More than any of them takes as a request's head."""

fuzzed = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))) as server:
        server.create_group("room")
        yield server


@pytest.fixture(autouse=True)
def environment(chat: ChatServer, tmp_path: Path) -> Iterator[None]:
    with cold_function(sandboxed_environment(chat.endpoint, tmp_path, CHAT_CALLS_PER_SECOND="10000")):
        yield


def deep(levels: int) -> object:
    made: object = 1
    for _ in range(levels):
        made = [made]
    return made


ODD = st.sampled_from(
    [
        *("", "\0", "\r\nX-Injected: 1", "\ud800", "\udfff\ud800", "\u202e", "\ufeff", "k" * 255, "k" * 256, "é" * 64),
        *("é" * 65, "x" * 70_000, "[" * 3000, '{"a":1,"a":2}', "NaN", "1e999", "9" * 5000, "=?utf-8?q?x?=", "%0d%0a"),
        *(0, -1, True, False, None, INT64_MAX, INT64_MIN, INT64_MAX + 1, INT64_MIN - 1, 10**400, -0.0, 0.5),
        *(float("nan"), float("inf"), float("-inf"), 1e308, [], {}, [None], {"": ""}, {"\ud800": "\ud800"}),
        deep(50),
        deep(900),
    ]
)
JSON = st.recursive(ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD.map(str), inner, max_size=3))
GOOD = {"GroupId": "room", "GroupCounter": [{"Key": "like", "Value": 1}], "Mode": "Increase"}


def spoiled(good: Mapping[str, object]) -> st.SearchStrategy[dict[str, object]]:
    """A document with some of its fields, at any depth, replaced or added."""
    more = {name: st.just(value) | JSON for name, value in good.items()}
    return st.fixed_dictionaries(more, optional={"IdempotencyKey": JSON, "Caller": JSON, "Type": JSON})


COUNTERS = st.lists(
    st.fixed_dictionaries({"Key": JSON | st.text(min_size=1), "Value": JSON | st.integers()}), max_size=22
)
BODIES = spoiled(GOOD) | COUNTERS.map(lambda counters: GOOD | {"GroupCounter": counters})
TEXTS = BODIES.map(json.dumps) | ODD.map(str)


def replaced(event: Event, name: str, value: object) -> Event:
    """The event with one field of that name replaced, wherever it stands."""
    return {
        key: value if key == name else replaced(part, name, value) if isinstance(part, dict) else part
        for key, part in event.items()
    }


def field_names(event: Event) -> list[str]:
    """The names of all fields in an event."""
    parts = [field_names(part) for part in event.values() if isinstance(part, dict)]
    return [*event, *(name for names in parts for name in names)]


def broken(event: Event) -> st.SearchStrategy[Event]:
    """The event with any one of its fields replaced."""
    return st.builds(lambda name, value: replaced(event, name, value), st.sampled_from(field_names(event)), JSON)


def http_event(dialect: Dialect, key: str, body: str) -> Event:
    """An update, with the body as the platform passes text on."""
    sent = [("Authorization", f"Bearer {TOKEN}"), ("Idempotency-Key", key), ("Content-Type", "application/json")]
    return {**event_of(dialect, "POST", UPDATE, [*sent, ("Prefer", "respond-async")], b"x"), "body": body}


HTTP = st.builds(http_event, st.sampled_from(DIALECTS), ODD.map(str) | st.just("k"), TEXTS).flatmap(
    lambda event: st.just(event) | broken(event)
)
BATCHES = st.builds(batch_of, st.sampled_from(sorted(MAKERS)), st.lists(TEXTS, max_size=3))
RECORDS = st.builds(
    lambda source, text: (source, MAKERS[source](text, 1)), st.sampled_from(sorted(MAKERS)), TEXTS
).flatmap(lambda made: broken(made[1]).map(of_msk if made[0] == "aws:kafka" else records))
TICK: Event = {"Type": "Timer", "TriggerName": "t", "Time": "2099-01-01T00:00:00Z"}
TICKS = st.builds(
    lambda fields: {**TICK, "Message": {"operations": [{"GroupIds": ["room"], **fields}]}}, BODIES
).flatmap(lambda event: st.just(event) | broken(event))
ORDER_EVENTS: list[Event] = [
    {"Type": "Operator", "task": "inspect", "GroupId": "room"},
    {"Type": "Operator", "task": "parked", "action": "list", "limit": 2, "after": ""},
    {"Type": "Operator", "task": "parked", "action": "drop", "id": "a"},
    {"Type": "Operator", "task": "adopt", "GroupId": "room", "debt": "keep"},
    {"Type": "Operator", "task": "release", "GroupId": "room", "verdicts": {"a": "landed"}, "receipt": 1},
]
ORDERS = st.sampled_from(ORDER_EVENTS).flatmap(broken)
KINDS = {
    "http": HTTP,
    "batch": BATCHES,
    "record": RECORDS,
    "eventbridge": JSON.map(eventbridge) | broken(eventbridge(GOOD)),
    "timer": TICKS,
    "operator": ORDERS,
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_any_event_is_answered_or_refused_and_nothing_is_hidden(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Only errors of ours, none of them a mistake; replies of the contract; every line of the log whole."""

    @fuzzed
    @given(event=KINDS[kind], on_scf=st.booleans())
    def answered(event: Event, *, on_scf: bool) -> None:
        try:
            reply = main_handler(event, scf_context(29)) if on_scf else lambda_handler(event, lambda_context(29))
        except CounterError as error:
            shown = str(error)
        else:
            assert reply.get("statusCode", 200) in STATUSES
            shown = json.dumps(reply, ensure_ascii=False, allow_nan=False)
        shown.encode()
        assert "unexpected" not in shown
        assert leaks(shown) == []

    answered()
    written = capfd.readouterr()
    assert "Logging error" not in written.err
    assert "an unexpected error" not in written.out
    assert leaks(written.out + written.err) == []
    _check_ledger()


def _check_ledger() -> None:
    ledger = bootstrap.app_context().instance.ledger
    for group_id in ledger.unfinished(SDKAPPID, 100):
        row = ledger.load(Group(SDKAPPID, group_id))
        assert row is not None
        assert group_id.isprintable()
        assert 1 <= len(group_id.encode()) <= 256
        for entry in row.queue:
            keys = [key for key, _ in entry.counters]
            assert 1 <= len(keys) <= 19
            assert len(set(keys)) == len(keys)
            assert all(1 <= len(key.encode()) <= 128 and key != "_receipt" for key in keys)
            assert all(type(value) is int and INT64_MIN <= value <= INT64_MAX for _, value in entry.counters)


def filled(text: str, size: int = EVENT_BYTES) -> str:
    """As much of the text as a platform passes on."""
    return text * (size // len(text))


LARGE: Mapping[str, Callable[[], Event]] = {
    "a body": lambda: http_event("http-v2", "k", filled("x")),
    "a body in base64": lambda: {
        **http_event("http-v2", "k", base64.b64encode(filled("x").encode()).decode()),
        "isBase64Encoded": True,
    },
    "a key": lambda: http_event("rest", filled("k", HEAD_BYTES), json.dumps(GOOD)),
    "a token": lambda: replaced(http_event("alb", "k", "{}"), "authorization", filled("Bearer ", HEAD_BYTES)),
    "a preference": lambda: replaced(http_event("scf", "k", "{}"), "prefer", filled("a= ", HEAD_BYTES)),
    "spaces in a preference": lambda: replaced(
        http_event("scf", "k", json.dumps(GOOD)), "prefer", "a=" + filled(" ", HEAD_BYTES)
    ),
    "a query": lambda: event_of("alb", "GET", "/v1/operations?" + filled("a=b&", HEAD_BYTES), [], b""),
    "a path": lambda: event_of("rest", "GET", filled("/", HEAD_BYTES), [], b""),
    "a record's text": lambda: batch_of("aws:sqs", [filled("[")]),
    "many records": lambda: batch_of("Ckafka", ["{}"] * 300),
    "a detail": lambda: eventbridge({"GroupId": filled("x")}),
    "a message": lambda: {**TICK, "Message": filled('{"a":')},
    "a trigger's name": lambda: {**TICK, "TriggerName": filled("n"), "Message": {"task": "sweep"}},
    "an order": lambda: {"Type": "Operator", "task": "inspect", "GroupId": filled("x")},
    "an unknown event": lambda: {"x": filled("x")},
}


@pytest.mark.parametrize("what", sorted(LARGE))
def test_the_largest_event_takes_bounded_time_and_memory(what: str) -> None:
    """A few times its own size, and a few seconds of a busy machine at most."""
    event = LARGE[what]()
    lambda_handler(event_of("http-v2", "GET", "/v1/health", [], b""), lambda_context(29))
    tracemalloc.start()
    begun = time.process_time()
    try:
        reply = lambda_handler(event, lambda_context(29))
    except CounterError as error:
        shown = str(error)
    else:
        shown = json.dumps(reply)
    finally:
        took_s, (_, peak) = time.process_time() - begun, tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert len(shown) < 256 * 1024
    assert took_s < 10
    assert peak < 10 * EVENT_BYTES
