"""Whole events of every kind, for a secret with rights: callers and sources that may do much, little and nothing.

HTTP in each platform's form and by each scheme of callers, batches of every source with envelopes among them, ticks,
operator events and the samples of `events/`, half of them broken somewhere.
"""

import base64
import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from handler.core.model.operation import INT64_MAX, INT64_MIN
from tests.faults.fuzz.bodies import Texts
from tests.sandbox.dialects import DIALECTS, Dialect, event_of
from tests.unit.triggers.http.signing import signed_headers
from tests.unit.triggers.sources.source_events import (
    ARN,
    MAKERS,
    STREAM,
    TABLE,
    TOPIC,
    batch_of,
    bus_event,
    eventbridge,
    notification,
)
from tests.unit.triggers.stage import APP, UPDATE

Event = dict[str, Any]

MARK: Final = "hunter2-hunter2"
"""In the app's key, in a pattern, and in base64 at the beginning of each token: nothing that is written may hold it."""


def _token(name: str) -> str:
    return "whsec_" + base64.b64encode(f"{MARK}-{name:-<24}".encode()).decode()


ENTRIES: Final[Sequence[Event]] = (
    {"name": "free", "token": _token("free")},
    {
        "name": "narrow",
        "token": _token("narrow"),
        "may": [
            {"modes": ["Increase"], "groups": ["room", "n-*"], "keys": ["like", "gift_*"], "at_most": 100},
            {"groups": [f"{MARK}-*"]},
        ],
        "read": ["n-*"],
    },
    {"name": "setter", "token": _token("setter"), "may": [{"modes": ["Set"], "keys": ["topic"]}], "read": []},
    {"name": "none", "token": _token("none"), "may": []},
    {"name": "over", "token": _token("over"), "not_after": "2026-11-01T00:00:00Z"},
    {"name": "turning", "token": _token("turning-1"), "may": []},
    {"name": "turning", "token": _token("turning-2"), "may": [{"keys": ["*e"]}]},
    {"name": "slow", "token": _token("slow"), "calls_per_second": 1},
    {"name": "shop", "may": [{"keys": ["gift_*"], "at_most": 1}]},
)
SOURCES: Final[Mapping[str, Event]] = {
    ARN: {"callers": ["shop", "narrow", TOPIC], "may": [{"groups": ["room", "n-*"]}]},
    STREAM: {"may": [{"groups": ["room", "n-*"], "keys": ["like"], "at_most": 100}]},
    TABLE: {"may": []},
    TOPIC: {"callers": []},
    "counters": {"may": [{"keys": ["like"], "at_most": 10}]},
}
SECRET: Final = {
    "sdkappid": APP,
    "identifier": "administrator",
    "key": MARK,
    "callers": ENTRIES,
    "sources": SOURCES,
}
NAMES_OF_CALLERS: Final = (*dict.fromkeys(entry["name"] for entry in ENTRIES), "unlisted", "timer", ARN, TOPIC)
GROUPS: Final = ("room", "n-1", "n-", "N-1", "vip", f"{'g' * 256}")
KEYS: Final = ("like", "Like", "gift_rose", "gift_", "topic", "_receipt", "view")
VALUES: Final = (0, 1, 1, 10, 11, 100, 101, -1, -100, -101, INT64_MAX, INT64_MIN, INT64_MAX + 1)
MODES: Final = ("Set", "Increase", "Decrease")
ODD: Final = (
    *("", "\0", "\r\nX-Injected: 1", "\ud800", "\u202e", "\ufeff", "k" * 256, "é" * 65, "x" * 70_000, "[" * 3000),
    *('{"a":1,"a":2}', "NaN", "1e999", "9" * 5000, "%0d%0a", "*", "free", "POST", "GET", "Bearer ", "v1,", "true"),
    *(0, -1, True, False, None, INT64_MAX, INT64_MIN, 10**400, -0.0, 0.5, float("nan"), float("inf"), 1e308),
)
FOLDER: Final = Path(__file__).resolve().parents[3] / "events"
SAMPLES: Final = tuple(path.read_text("utf-8") for path in sorted(FOLDER.glob("*.json")))

OPERATORS: Final[Sequence[Event]] = (
    *({"task": task} for task in ("status", "about", "restored", "resume")),
    *({"task": task, "GroupId": "room"} for task in ("inspect", "adopt", "resume")),
    {"task": "pause", "reason": "r", "GroupId": "vip"},
    {"task": "operation", "GroupId": "room", "Caller": "free", "IdempotencyKey": "k1"},
    {"task": "release", "GroupId": "room", "verdicts": {"a": "landed"}, "dry_run": True},
    *(
        {"task": "parked", "action": "replay", "all": True, "limit": 3},
        {"task": "parked", "action": "list", "limit": 5},
    ),
)


class Made(NamedTuple):
    """An event, the scheme that its callers are known by, and the entry whose proof it carries if it is whole."""

    event: Event
    scheme: str = "bearer"
    entry: Event | None = None
    may_be_settings: bool = False
    """Whether its platform cannot name a caller by this scheme, which is a mistake of the deployment."""


class Events:
    """Makes events by chance; the same seed makes the same ones."""

    def __init__(self, seed: int, now: Callable[[], float]) -> None:
        self._chance = random.Random(seed)
        self._texts = Texts(seed)
        self._now = now

    def next(self) -> Made:
        """An event of any kind, broken as often as not."""
        kinds = (self._http, self._batch, self._tick, self._operator, self._sample)
        [kind] = self._chance.choices(kinds, weights=(50, 27, 6, 5, 12))
        made = kind()
        if self._chance.random() < 0.5:
            return made
        for _ in range(self._chance.randint(1, 3)):
            self._break(made.event)
        return made._replace(entry=None)

    def _http(self) -> Made:
        dialect: Dialect = self._chance.choice(DIALECTS)
        scheme = self._chance.choice(("bearer", "bearer", "signature", "platform"))
        entry = self._chance.choice(ENTRIES)
        key, is_question = f"k{self._chance.randrange(40)}", self._chance.random() < 0.25
        content = b"" if is_question else self._body().encode(errors="surrogatepass")
        asked = f"/v1/operations?GroupId={self._chance.choice(GROUPS)}&IdempotencyKey={key}"
        paths = ("/v1/health", "/openapi.json", "/swagger", "/v1/operations", "/", UPDATE + "/")
        target = self._chance.choice(paths) if self._chance.random() < 0.05 else asked if is_question else UPDATE
        headers = {"Idempotency-Key": key, **self._proof(scheme, entry, key, content)}
        if self._chance.random() < 0.3:
            headers["Prefer"] = self._chance.choice(("respond-async", "wait=0", "wait=2", "wait=99, respond-async"))
        event: Event = event_of(dialect, "GET" if is_question else "POST", target, headers.items(), content)
        name = entry["name"] if self._chance.random() < 0.7 else self._chance.choice(NAMES_OF_CALLERS)
        if scheme == "platform" and isinstance(event.get("requestContext"), dict):
            event["requestContext"]["authorizer"] = self._chance.choice(
                ({"jwt": {"claims": {"sub": name}}}, {"claims": {"sub": name}}, {"principalId": name}, None)
            )
        return Made(event, scheme, entry if scheme != "platform" else None, may_be_settings=scheme == "platform")

    def _proof(self, scheme: str, entry: Event, key: str, content: bytes) -> dict[str, str]:
        token = str(entry.get("token", "no-token"))
        if scheme == "bearer":
            return {"Authorization": f"Bearer {token}"}
        if scheme == "signature" and "token" in entry:
            secret = base64.b64decode(token.removeprefix("whsec_"))
            return signed_headers(key, content, secret, f"{self._now():.0f}")
        return {}

    def _body(self, **more: object) -> str:
        if self._chance.random() < 0.2:
            return self._texts.next()
        keys = self._chance.sample(KEYS, self._chance.choice((1, 1, 1, 2, 3)))
        counters = [{"Key": key, "Value": self._chance.choice(VALUES)} for key in keys]
        group, mode = self._chance.choice(GROUPS), self._chance.choice(MODES)
        return json.dumps({"GroupId": group, "GroupCounter": counters, "Mode": mode, **more})

    def _payload(self) -> str:
        more = {"Caller": self._chance.choice(NAMES_OF_CALLERS)} if self._chance.random() < 0.5 else {}
        if self._chance.random() < 0.3:
            more["IdempotencyKey"] = f"k{self._chance.randrange(40)}"
        return self._body(**more)

    def _batch(self) -> Made:
        if self._chance.random() < 0.1:
            return Made(cast("Event", eventbridge(self._payload())))
        texts = [self._payload() for _ in range(self._chance.randrange(5))]
        if self._chance.random() < 0.2:
            texts = [self._chance.choice((notification, bus_event))(text, 1) for text in texts]
        event = cast("Event", batch_of(self._chance.choice(sorted(MAKERS)), texts))
        for record in event.get("Records", ()):
            # Records of Kinesis whose partition key is their group are known by their place.
            if "kinesis" in record:
                record["kinesis"]["partitionKey"] = self._chance.choice(GROUPS[:3])
        return Made(event)

    def _tick(self) -> Made:
        operation = {**json.loads(self._body_of_a_tick()), "GroupIds": self._chance.sample(GROUPS, 2)}
        message = self._chance.choice(({"operations": [operation]}, {"operations": [operation]}, {"task": "sweep"}))
        name = f"t{self._chance.randrange(5)}"
        return Made({"Type": "Timer", "TriggerName": name, "Time": "2026-11-22T00:00:00Z", "Message": message})

    def _body_of_a_tick(self) -> str:
        counters = [{"Key": self._chance.choice(KEYS), "Value": self._chance.choice(VALUES)}]
        return json.dumps({"GroupCounter": counters, "Mode": self._chance.choice(MODES)})

    def _operator(self) -> Made:
        return Made({"Type": "Operator", **json.loads(json.dumps(self._chance.choice(OPERATORS)))})

    def _sample(self) -> Made:
        return Made(json.loads(self._chance.choice(SAMPLES)))

    def _break(self, event: Event) -> None:
        """Replace, drop or add one field or element, at any depth."""
        place: Any = event
        while self._chance.random() < 0.75:
            inner = [part for part in (place.values() if isinstance(place, dict) else place) if part and _holds(part)]
            if not inner:
                break
            place = self._chance.choice(inner)
        names = list(place) if isinstance(place, dict) else list(range(len(place)))
        name: Any = self._chance.choice(names) if names else "x"
        odd = self._odd()
        if isinstance(place, list):
            place[:] = [*place[:1], odd, *place[1:]] if self._chance.random() < 0.3 or not names else place
            if names:
                place[name] = odd
        elif self._chance.random() < 0.2:
            place.pop(name, None)
        else:
            place[name if self._chance.random() < 0.8 else str(self._chance.choice(ODD))[:300]] = odd

    def _odd(self) -> object:
        odd = self._chance.choice(ODD)
        shapes = (odd, odd, odd, [odd], {"a": odd}, {str(odd)[:50]: odd}, self._body())
        return self._chance.choice(shapes)


def _holds(part: object) -> bool:
    return isinstance(part, dict | list)
