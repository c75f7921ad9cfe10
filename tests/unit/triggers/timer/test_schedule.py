"""Nothing that comes in can bear the schedule's name or touch a tick of its: not by a caller's name, not by a page."""

import dataclasses
import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from msgspec.structs import replace

from handler.core.errors import SettingsError
from handler.core.ports.system import Notice
from handler.triggers.event_kind import PAGE_HEAD, Event
from handler.triggers.http.auth import Platform
from handler.triggers.timer.tick import CALLER
from handler.vault.secret import parse
from tests.sandbox.dialects import event_of
from tests.unit.triggers.faulty import ListQueue
from tests.unit.triggers.sources.source_events import ckafka, eventbridge, msk, of_msk, records, sqs, text
from tests.unit.triggers.stage import APP, TOKEN, UPDATE, Stage, body, headers
from tests.unit.triggers.timer.test_handler import event as tick

KEY = "daily/2026-11-22T00:00:00Z/0"
NAMES = ["timer", CALLER]


def message(name: str) -> str:
    """A payload that takes a tick's key, with another content."""
    return text(0, IdempotencyKey=KEY, Caller=name)


def over_http(stage: Stage, name: str) -> None:
    """A request by a caller of that name, where a secret may have one."""
    callers = [{"name": name, "token": TOKEN}]
    with suppress(SettingsError):
        known = parse(json.dumps({"sdkappid": APP, "identifier": "a", "key": "k", "callers": callers}))
        stage.vault.secret = stage.vault.fresh = known
        written = headers(KEY), body(GroupCounter=[{"Key": "like", "Value": 0}])
        assert stage.send("POST", UPDATE, *written).status == 200


def by_platform(stage: Stage, name: str) -> None:
    """A request of which an authorizer says this."""
    stage.http = replace(stage.http, authenticator=Platform(stage.callers))
    written = headers(KEY).items(), body(GroupCounter=[{"Key": "like", "Value": 0}])
    event = event_of("http-v2", "POST", UPDATE, *written)
    context = {**dict(event["requestContext"]), "authorizer": {"jwt": {"claims": {"sub": name}}}}  # type: ignore[call-overload]
    stage.answer({**event, "requestContext": context})


INTRUDERS: dict[str, Callable[[Stage, str], object]] = {
    "bearer": over_http,
    "platform": by_platform,
    "sqs payload": lambda stage, name: stage.batch(records(sqs(message(name)))),
    "ckafka payload": lambda stage, name: stage.batch(records(ckafka(message(name)))),
    "sqs arn": lambda stage, name: stage.batch(records(sqs(text(0, IdempotencyKey=KEY), eventSourceARN=name))),
    "eventbridge source": lambda stage, name: stage.batch(
        eventbridge(json.loads(text(0, IdempotencyKey=KEY)), source=name)
    ),
    "ckafka topic": lambda stage, name: stage.batch(
        records({"Ckafka": {"topic": name, "partition": 0, "offset": 0, "msgBody": text(0, IdempotencyKey=KEY)}})
    ),
    "msk arn": lambda stage, name: stage.batch(of_msk(msk(text(0, IdempotencyKey=KEY))) | {"eventSourceArn": name}),
    "page by hand": lambda stage, _: stage.batch(records(sqs(page()), ckafka(page()))),
}


def page(**changes: object) -> str:
    """A page as a producer could write it."""
    operation = {"Index": 0, "GroupIds": ["room"], "GroupCounter": [{"Key": "like", "Value": 0}], "Mode": "Increase"}
    said = {"TriggerName": "daily", "Time": "2026-11-22T00:00:00Z", "operations": [operation], **changes}
    return PAGE_HEAD + json.dumps(said, separators=(",", ":"))[1:]


@pytest.mark.parametrize("name", NAMES, ids=["timer", "schedule"])
@pytest.mark.parametrize("way", INTRUDERS)
def test_a_tick_counts_whatever_came_in_its_name_before(stage: Stage, way: str, name: str) -> None:
    INTRUDERS[way](stage, name)
    done = stage.tick(tick("room"))
    assert (done["applied"], stage.chat.groups["room"]["like"]) == (1, 3)


@pytest.mark.parametrize("name", [CALLER, "a\x00", "tab\t", "line\n", "\u200b", "\x7f"])
def test_a_secret_names_no_caller_that_cannot_be_printed(name: str) -> None:
    callers = [{"name": name, "token": TOKEN}]
    with pytest.raises(
        SettingsError, match=r"callers\[0\].name of the secret: holds a character that cannot be printed"
    ):
        parse(json.dumps({"sdkappid": 1, "identifier": "a", "key": "k", "callers": callers}))


def test_the_schedules_name_cannot_be_printed() -> None:
    assert not CALLER.isprintable()


@pytest.fixture
def queue(stage: Stage) -> ListQueue:
    """One through which ticks of more than one group are handed on."""
    queue = ListQueue()
    stage.rules = replace(stage.rules, calls_per_second=2)
    stage.use_ledger(stage.ledger)
    stage.chat.groups = {"room": {}, "other": {}}
    stage.context = replace(stage.context, queue=lambda: queue)
    return queue


def test_pages_of_a_key_that_was_rotated_come_again_with_their_tick(stage: Stage, queue: ListQueue) -> None:
    """They are told as failed, or parked, and the tick's note counts for the key alone that signed its pages."""
    stage.tick(tick("room", "other"))
    [first, second] = queue.texts
    stage.vault.fresh = dataclasses.replace(stage.vault.secret, key="the-next-key")
    stage.vault.secret = stage.vault.fresh
    assert stage.batch(records(sqs(first))) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert stage.batch(records(ckafka(second))) == {"accepted": 0, "parked": 1, "ignored": 0}
    assert stage.told.notices.count(Notice.REJECTED) == 1
    queue.messages.clear()
    assert stage.tick(tick("room", "other")) == {"handed_on": 2, "pages": 2}
    for number, again in enumerate([*queue.texts, *queue.texts]):
        assert stage.batch(records(sqs(again, number))) == {"batchItemFailures": []}
    assert [stage.chat.groups[group]["like"] for group in ("room", "other")] == [3, 3]


def test_no_signature_is_shown_anywhere(stage: Stage, queue: ListQueue) -> None:
    stage.tick(tick("room", "other"))
    signature = json.loads(queue.texts[0])["Hmac"]
    stage.batch(records(ckafka(page(Hmac="0" * 64))))
    [parked] = stage.kept.page(APP, 10)
    assert signature not in parked.reason + parked.payload + str(stage.told.reasons)
    assert parked.reason.startswith("Hmac: is missing")


def test_one_moment_is_one_tick_also_in_its_note(stage: Stage, queue: ListQueue) -> None:
    first: Event = tick("room", "other")
    stage.tick(first)
    for time in ("2026-11-22T00:00:00.000Z", "2026-11-22T08:00:00+08:00", "2026-11-22t00:00:00z"):
        assert stage.tick({**first, "Time": time}) == {"handed_on": 0, "pages": 0, "earlier": 2}
    stage.context = replace(stage.context, queue=None)
    assert stage.tick({**first, "Time": "2026-11-22T00:00:00+00:00"})["applied"] == 2
    for number, handed in enumerate(queue.texts):
        assert stage.batch(records(sqs(handed, number))) == {"batchItemFailures": []}
    assert stage.chat.groups["room"]["like"] == 3
