"""A service over doubles of its ports: a clock that is moved by hand, a Chat in memory, a vault, a list of notices."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.row import Group
from handler.core.ports.counter_api import Call, Counted, Fault, Refused, Reply, Unclear
from handler.core.ports.ledger import Ledger, ParkedAndNotes
from handler.core.ports.system import Measure, Notice
from handler.core.ports.vault import Caller, Secret
from handler.core.runtime.instance import Instance, Rules
from handler.triggers.context import AppContext
from handler.triggers.event_kind import detect
from handler.triggers.http import handler as http
from handler.triggers.http.auth import Bearer, Callers
from handler.triggers.http.routes import HttpContext
from handler.triggers.invocation import Invocation
from handler.triggers.sources import handler as batch
from handler.triggers.timer import handler as timer
from tests.sandbox.dialects import Dialect, event_of
from tests.sandbox.memory_ledger import MemoryLedger
from tests.sandbox.memory_parked import MemoryParked
from tests.sandbox.responses import Response, response_of
from tests.unit.core.verify.memory_probes import MemoryProbes

APP = 1400000000
CALLER = "mobile-backend"
TOKEN = "sandbox-token-mobile-backend"
START = 1_795_305_600.0
"""2026-11-22T00:00:00Z."""

RULES = Rules(receipt_key="_receipt", timeout_s=4.0, life_s=6, bound_s=11.0, guard_s=5.0, calls_per_second=200.0)
NEVER_ARRIVED = Unclear("the request was lost")


def secret(**tokens: str) -> Secret:
    """A secret with callers by name and token."""
    callers = tuple(Caller(name, hashlib.sha256(token.encode()).digest()) for name, token in tokens.items())
    return Secret(APP, "administrator", "a-made-up-key", callers)


class ManualClock:
    """A local clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.moved_s = 0.0

    def now(self) -> float:
        return START + self.moved_s

    def monotonic(self) -> float:
        return 5000.0 + self.moved_s

    def sleep(self, seconds: float) -> None:
        """Move on, and let the other threads: none of them waits for what it finds done by then."""
        self.moved_s += seconds
        time.sleep(0)


class Chat:
    """Groups with their counters. `fates` are the replies to the next updates instead of the true ones."""

    host = "chat.test"

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.groups: dict[str, dict[str, int]] = {}
        self.fates: list[Reply] = []
        self.calls = 0

    def update(self, call: Call) -> Reply:
        """Apply an update, unless it is refused or never arrives, and then say what is fated."""
        self.calls += 1
        fate = self.fates.pop(0) if self.fates else None
        if isinstance(fate, Refused):
            return dataclasses.replace(fate, date=int(self._clock.now()))
        if fate is NEVER_ARRIVED:
            return fate
        if call.group.id not in self.groups:
            return self._gone()
        counters = self.groups[call.group.id]
        for key, value in call.values.items():
            counters[key] = value if call.mode is Mode.SET else counters.get(key, 0) + call.mode.sign * value
        return fate or Counted({key: counters[key] for key in call.values}, int(self._clock.now()))

    def read(self, group: Group, keys: Sequence[str], now: int, *, fresh: bool = False) -> Reply:
        if group.id not in self.groups:
            return self._gone()
        counters = self.groups[group.id]
        wanted = {key: value for key, value in counters.items() if not keys or key in keys}
        return Counted(wanted, int(self._clock.now()))

    def renew_credentials(self) -> bool:
        """The secret of this Chat does not change."""
        return False

    def _gone(self) -> Refused:
        return Refused(10010, "no such group", Fault.OPERATION, int(self._clock.now()))


class HandVault:
    """Gives `secret`; a refresh finds `fresh`."""

    def __init__(self) -> None:
        self.secret = self.fresh = secret(**{CALLER: TOKEN})
        self.refreshes: list[float] = []
        self.ages = [0.0]

    def age_s(self) -> float:
        """The next of the ages; the last one stays."""
        return self.ages.pop(0) if len(self.ages) > 1 else self.ages[0]

    def current(self) -> Secret:
        return self.secret

    def refresh(self, min_age_s: float = 0.0) -> Secret:
        self.refreshes.append(min_age_s)
        self.secret = self.fresh
        return self.secret


class Told:
    """Remembers notices, and the reasons among their evidence."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.failures: list[Exception] = []
        self.reasons: list[str | float | None] = []
        self.evidence: list[dict[str, str | float | None]] = []
        self.times: list[int] = []
        self.bound: dict[str, str] = {}
        self.measured: list[tuple[Measure, float]] = []

    def count(self, notice: Notice, times: int, /, **evidence: str | float | None) -> None:
        self.report(notice, times, **evidence)

    def bind(self, **fields: str) -> None:
        self.bound |= fields

    def measure(self, measure: Measure, value: float) -> None:
        self.measured.append((measure, value))

    def report(self, notice: Notice, times: int = 1, /, **evidence: str | float | None) -> None:
        self.notices.append(notice)
        self.evidence.append(evidence)
        self.times.append(times)
        self.reasons.append(evidence.get("reason"))

    def failed(self, error: Exception) -> None:
        self.failures.append(error)


def invocation(started: float = 5000.0, deadline: float = 5029.0) -> Invocation:
    """When an invocation began and when it has to end."""
    return Invocation("", started, deadline)


@dataclass
class Stage:
    """Everything at hand: change a part, then send events."""

    rules: Rules = RULES
    clock: ManualClock = field(default_factory=ManualClock)
    vault: HandVault = field(default_factory=HandVault)
    told: Told = field(default_factory=Told)
    invocation: Invocation = field(default_factory=invocation)

    def __post_init__(self) -> None:
        self.chat = Chat(self.clock)
        self.chat.groups["room"] = {}
        self.ledger: Ledger = MemoryLedger(self.clock)
        self.kept: ParkedAndNotes = MemoryParked()
        self.context = self._context()
        self.http = HttpContext(
            app=self.context,
            authenticator=Bearer(self.callers),
            wait_s=5.0,
            base_path="",
            docs=False,
        )

    @property
    def callers(self) -> Callers:
        """The callers of the secret that is in the vault."""
        return Callers(self.vault, self.told, self.clock)

    def _context(self) -> AppContext:
        return AppContext(
            instance=Instance.of(
                ledger=self.ledger,
                api=self.chat,
                clock=self.clock,
                chance=random.Random(1),
                reporter=self.told,
                parked=self.kept,
                rules=self.rules,
            ),
            probes=MemoryProbes(self.clock),
            vault=self.vault,
            ledger_place="memory",
        )

    def like(self, group: str = "room") -> int | None:
        """What the counter `like` of a group has come to, if anything has."""
        return self.chat.groups[group].get("like")

    def use_ledger(self, ledger: Ledger) -> None:
        """Put another ledger in place, before or between events."""
        self.ledger = ledger
        self.context = self._context()

    def use_parked(self, kept: ParkedAndNotes) -> None:
        """Put another store of parked records in place, before or between events."""
        self.kept = kept
        self.context = self._context()

    def answer(self, event: dict[str, object]) -> dict[str, object]:
        """The reply to an HTTP event, as the function returns it."""
        kind, content = detect(event)
        return http.answer(kind, content, self.invocation, lambda: replace(self.http, app=self.context), self.told)

    def tick(self, event: dict[str, object]) -> dict[str, object]:
        return timer.run(event, self.invocation, self.context)

    def batch(self, event: object) -> dict[str, object]:
        kind, content = detect(event)
        return batch.run(kind, content, self.invocation, self.context)

    def send(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        dialect: Dialect = "http-v2",
    ) -> Seen:
        """An HTTP request through one of the platforms."""
        event = event_of(dialect, method, target, (headers or {}).items(), body)
        return Seen(response_of(dialect, json.loads(json.dumps(self.answer(event)))))

    def post(
        self, key: str = "k", *, dialect: Dialect = "http-v2", prefer: str | None = None, **fields: object
    ) -> Seen:
        """An update of the group `room` by the known caller; `fields` replace those of the body."""
        return self.send("POST", UPDATE, headers(key, prefer), body(**fields), dialect)

    def ask(self, key: str = "k", group: str = "room") -> Seen:
        return self.send("GET", f"/v1/operations?GroupId={group}&IdempotencyKey={key}", headers())


@dataclass(frozen=True, slots=True)
class Seen:
    """A response as the caller sees it."""

    response: Response

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return {name.lower(): value for name, value in self.response.headers}

    @property
    def body(self) -> dict[str, object]:
        fields: dict[str, object] = json.loads(self.response.body)
        return fields


UPDATE = "/v1/update_group_counter"


def headers(key: str | None = None, prefer: str | None = None, token: str = TOKEN) -> dict[str, str]:
    named = {"Idempotency-Key": key, "Prefer": prefer}
    given = {name: value for name, value in named.items() if value is not None}
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **given}


def body(**fields: object) -> bytes:
    """The body of an update of the group `room`; `fields` replace its fields."""
    document = {"GroupId": "room", "GroupCounter": [{"Key": "like", "Value": 5}], "Mode": "Increase", **fields}
    return json.dumps(document).encode()
