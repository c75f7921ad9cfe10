"""The scene on the page of `make serve`: an increase through this function and, beside it, an idempotency record.

Both call the same Chat server, each in a group of its own, and meet the same faults.
"""

import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Final, Literal

from layers.operate.functions import OperatorError
from tests.sandbox.caller import Caller
from tests.sandbox.chat import ChatServer, Fault
from tests.sandbox.contexts import lambda_context
from tests.sandbox.environment import KEY, SDKAPPID, TOKEN
from tests.sandbox.gateway import USUAL_TIMEOUT_S, Gateway
from tests.sandbox.journal import Entry
from tests.sandbox.naive import naive_handler

Side = Literal["ours", "theirs"]

THEIRS: Final = "behind-a-record"
BY: Final = 5
CLOCK_OFF_S: Final = 60.0
SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """A fault that the page offers: a word for it, and what it plays. One that `lasts` is switched on and off."""

    name: str
    label: str
    plays: str
    fault: Fault | None = None
    lasts: bool = False


CHOICES: Final = (
    Choice("lost", "Reply lost", "The vendor counts the call, and its reply never arrives.", Fault("drop_after")),
    Choice("unheard", "Request lost", "The connection breaks before the vendor hears the call.", Fault("drop_before")),
    Choice(
        "refused", "Refused", "The vendor answers 10007, no permission, and counts nothing.", Fault("code", code=10007)
    ),
    Choice("late", "Late", "No reply now; the call takes effect 3 seconds later.", Fault("late", delay_s=3.0)),
    Choice("502", "502", "The vendor counts the call, and a proxy answers 502.", Fault("bad_gateway_after")),
    Choice("clock", "Clock off", "The vendor's clock is a minute ahead, until this is pressed again.", lasts=True),
    Choice(
        *("unreachable", "Unreachable", "Every connection is reset, until this is pressed again."),
        fault=Fault("reset_before"),
        lasts=True,
    ),
)


@dataclass(frozen=True, slots=True)
class _Event:
    """What a caller did or saw; `after` is the number of the last call that the vendor had met by then."""

    after: int
    side: Side
    text: str
    wrong: bool = False


class Comparison:
    """Answers the page: what is to go wrong, an increase on one side, and what happened so far."""

    def __init__(self, chat: ChatServer, gateway: Gateway, group: str) -> None:
        self._chat = chat
        self._gateway = gateway
        self._groups: Mapping[Side, str] = {"ours": group, "theirs": THEIRS}
        self._behind_a_record = naive_handler(Caller(chat.endpoint, SDKAPPID, KEY), timeout_s=5)
        self._events: deque[_Event] = deque(maxlen=SHOWN)
        self._lasting: set[str] = set()
        self._lock = Lock()

    def __call__(self, asked: dict[str, object]) -> object:
        """The answer to one request; OperatorError for one that is not understood."""
        match asked:
            case {"do": "look"}:
                return self._look()
            case {"do": "fault", "name": str(name)} if choice := _choice(name):
                return self._choose(choice)
            case {"do": "increase", "side": "ours", "key": str(key)}:
                return self._increase("ours", key)
            case {"do": "increase", "side": "theirs", "key": str(key)}:
                return self._increase("theirs", key)
        raise OperatorError("the scene has no such request")

    def _choose(self, choice: Choice) -> object:
        with self._lock:
            if not choice.lasts:
                for group in self._groups.values():
                    self._chat.plan([choice.fault], group=group)
                return {}
            self._lasting ^= {choice.name}
            is_on = choice.name in self._lasting
            if choice.fault is None:
                self._chat.set_clock_offset(CLOCK_OFF_S if is_on else 0.0)
            elif not is_on:
                self._chat.clear_faults()
            else:
                for group in self._groups.values():
                    self._chat.always(choice.fault, "update", group)
                    self._chat.always(choice.fault, "get", group)
        return {}

    def _increase(self, side: Side, key: str) -> object:
        self._note(side, f"the caller sends {key}: increase by {BY}")
        began = time.monotonic()
        answered, is_good = self._ours(key) if side == "ours" else self._theirs(key)
        self._note(
            side, f"the caller of {key} gets {answered}, after {time.monotonic() - began:.1f} s", wrong=not is_good
        )
        return {}

    def _ours(self, key: str) -> tuple[str, bool]:
        body = {"GroupId": self._groups["ours"], "GroupCounter": [{"Key": "like", "Value": BY}], "Mode": "Increase"}
        headers = [("Authorization", f"Bearer {TOKEN}"), ("Idempotency-Key", key), ("Content-Type", "application/json")]
        sent = json.dumps(body).encode()
        response = self._gateway.respond("POST", "/v1/update_group_counter", headers, sent)
        names = {name.lower() for name, _ in response.headers}
        known = {"idempotency-replayed": "the answer on record", "counter-values": "the values as observed later"}
        marks = [words for name, words in known.items() if name in names]
        said = json.loads(response.body)
        what = said.get("title") or said.get("state") or f"like = {_like(said)}"
        return f"{response.status} ({'; '.join([str(what), *marks])})", response.status == 200

    def _theirs(self, key: str) -> tuple[str, bool]:
        event = {"key": key, "group": THEIRS, "counter": "like", "by": BY}
        try:
            said = self._behind_a_record(event, lambda_context(USUAL_TIMEOUT_S))
        except Exception as error:  # noqa: BLE001  # what the function raises is what its caller sees
            return f"{type(error).__name__}, and its record is gone", False
        code = said.get("ErrorCode") if isinstance(said, dict) else None
        return (f"200 (like = {_like(said)})", True) if code == 0 else (f"200 (ErrorCode {code})", False)

    def _note(self, side: Side, text: str, *, wrong: bool = False) -> None:
        calls = self._chat.journal()
        with self._lock:
            self._events.append(_Event(calls[-1].sequence if calls else 0, side, text, wrong))

    def _look(self) -> object:
        sides: dict[str | None, Side] = {group: side for side, group in self._groups.items()}
        with self._lock:
            happened = list(self._events)
            lasting = sorted(self._lasting)
        first = happened[0].after if happened else 0
        calls = [call for call in self._chat.journal(first) if call.group in sides]
        happened += [_Event(call.sequence, sides[call.group], words_of(call), call.replied is None) for call in calls]
        # A caller's event comes after the calls that the vendor had met by then; sorting keeps the order of equals.
        happened.sort(key=lambda event: event.after)
        planned = self._chat.planned()
        return {
            "faults": [{name: value for name, value in asdict(each).items() if name != "fault"} for each in CHOICES],
            "lasting": lasting,
            "planned": f"{planned} faults wait for the next calls." if planned else "The next calls meet no fault.",
            "counters": {side: _shown(self._chat.values(group)) for side, group in self._groups.items()},
            "events": [
                {"side": event.side, "text": event.text, "wrong": event.wrong} for event in happened[: -SHOWN - 1 : -1]
            ],
        }


def words_of(call: Entry) -> str:
    """What the vendor met, did and answered."""
    if call.command == "update":
        counters = ", ".join(f"{key} by {value}" for key, value in call.counters.items())
        what = f"the vendor's API gets {str(call.mode).lower()} {counters}"
        fates = {"applied": "counted", "waiting": "on its way", "refused": "refused", "lost": "not counted"}
    else:
        what = "the vendor's API is asked for the counters"
        fates = {"applied": "read", "waiting": "on its way", "refused": "refused", "lost": "not answered"}
    if call.ended_at is None:
        return f"{what}: {fates[call.state]}"
    reply = "no reply arrives" if call.replied is None else f"the reply is {call.replied}"
    return f"{what}: {fates[call.state]}; {reply}"


def _shown(values: Mapping[str, int]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in values.items()) or "none yet"


def _like(said: object) -> object:
    counters = said.get("GroupCounter", []) if isinstance(said, dict) else []
    return next((each["Value"] for each in counters if each["Key"] == "like"), None)


def _choice(name: str) -> Choice | None:
    return next((choice for choice in CHOICES if choice.name == name), None)
