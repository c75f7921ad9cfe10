"""The whole way: callers send events to the real triggers, and the real client reads the bytes of the API's replies."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType
from typing import TypeVar

from msgspec.structs import replace

from handler.chat.client import ProbeClient
from handler.core.errors import CounterError
from handler.core.runtime.instance import Instance, TimeBudget
from handler.triggers.context import AppContext
from handler.triggers.crew import Crew
from handler.triggers.event_kind import detect
from handler.triggers.http import handler as http
from handler.triggers.http.auth import Bearer, Callers
from handler.triggers.http.routes import HttpContext
from handler.triggers.invocation import Invocation
from handler.triggers.sources import handler as batch
from handler.triggers.timer import handler as timer
from handler.vault.cache import CachedVault
from handler.vault.secret import parse
from tests.faults.auditor import evidence
from tests.faults.auditor.evidence import Told
from tests.faults.auditor.orders import BUS, GROUP_ID, QUEUE, STREAM, WINDOW_S, Order, place_of
from tests.faults.simulator.plan import Ask, Plan
from tests.faults.simulator.schedule import INVOCATION_S, SWEEP_S, Played, Schedule
from tests.faults.world.bytes_on_the_way import TOKEN, SimulatedClient, secret_text
from tests.faults.world.simulated import Notices, SimulatedClock

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

SWEEP = {"Type": "Timer", "TriggerName": "sweep", "Time": "2026-11-22T00:00:00Z", "Message": {"task": "sweep"}}
PATH = "/v1/update_group_counter"
WAIT_MAX_S = 20.0

_KINDS: Mapping[str, str] = {
    "/problems/rejected": evidence.REJECTED,
    "/problems/key-reused": evidence.REUSED,
    "/problems/group-frozen": evidence.FROZEN,
    "/problems/outcome-unknown": evidence.DOUBTFUL,
}


class WholeSchedule(Schedule):
    """A plan whose callers come over HTTP and through a queue, by turns."""

    def __init__(self, plan: Plan, *, recording: bool) -> None:
        # Here callers' answers are kept by the rules' window, and all callers come back within it (A7).
        super().__init__(replace(plan, rules=replace(plan.rules, window_s=WINDOW_S)), recording=recording)
        self._contexts: dict[int, HttpContext] = {}

    def run(self) -> Played:
        """Play the plan. Groups of a batch are taken one after another: threads could not be simulated."""
        with _one_by_one():
            return super().run()

    def _apply(self, ask: Ask, place: int, times: int) -> None:
        if ask.source == BUS:
            for order in ask.orders:
                self._publish(order, place)
            return
        if ask.source == QUEUE:
            self._deliver(ask, place)
            return
        by_http = (place + times) % 2 == 0 if len(ask.orders) == 1 else times % 2 == 0
        if not by_http:
            self._deliver(ask, place)
            return
        for order in ask.orders:
            self._post(order, place, ask.wait_s)

    def _post(self, order: Order, place: int, wait_s: float) -> None:
        operation = order.operation
        headers = {"idempotency-key": operation.key, "prefer": f"wait={int(wait_s)}"}
        event = _http_event("POST", PATH, headers, _payload(order), {})
        self._hear([order], lambda: [self._answered(order, event, place)])

    def _deliver(self, ask: Ask, place: int) -> None:
        """A batch of a queue: a record is acknowledged when its operation is accepted, and gets no answer."""
        event: dict[str, object] = {"Records": [*_broken(self.faults.broken), *map(_record, ask.orders)]}
        items = [place_of(order) for order in ask.orders]
        self._tell_source(QUEUE, ask.orders, self._hear(ask.orders, lambda: self._told_of(event, items, place)))

    def _publish(self, order: Order, place: int) -> None:
        """An event of a bus, which is delivered again unless the function ends well."""
        event = {"id": place_of(order), "source": BUS, "detail-type": "counters", "detail": json.loads(_message(order))}

        def told() -> list[Told]:
            kind, content = detect(event)
            batch.run(kind, content, self._invocation(place), self._context(place).app)
            return [Told(evidence.WAITING, "by the source")]

        self._tell_source(BUS, [order], self._hear([order], told))

    def _take(self, records: Sequence[Order], place: int) -> Sequence[Told]:
        """A batch of a stream: the records that failed are named by their sequence numbers."""
        event: dict[str, object] = {"Records": [_stream_record(order) for order in records]}
        return self._hear(records, lambda: self._told_of(event, [_number(order) for order in records], place))

    def _told_of(self, event: dict[str, object], items: Sequence[str], place: int) -> list[Told]:
        """What the reply to a batch says of each record, by what it is called there."""
        kind, content = detect(event)
        reply = batch.run(kind, content, self._invocation(place), self._context(place).app)
        failures = reply["batchItemFailures"]
        assert isinstance(failures, list)
        failed = {failure["itemIdentifier"] for failure in failures}
        return [Told(evidence.DOUBTFUL if item in failed else evidence.WAITING, "by the source") for item in items]

    def _last_question(self, order: Order, instance: Instance, budget: TimeBudget) -> None:
        operation = order.operation
        query = {"GroupId": operation.group_id, "IdempotencyKey": operation.key}
        event = _http_event("GET", "/v1/operations", {}, None, query)
        self.world.spawn(
            f"{operation.key} asks", lambda: self._hear([order], lambda: [self._answered(order, event, 0)])
        )

    def _sweep_on(self, place: int) -> None:
        started = self._at(place).clock.monotonic()
        limits = Invocation("sweep", started, started + self._at(place).call_s + SWEEP_S)
        timer.run(dict(SWEEP), limits, self._context(place).app)

    def _answered(self, order: Order, event: dict[str, object], place: int) -> Told:
        kind, content = detect(event)
        context = self._context(place)
        reply = http.answer(kind, content, self._invocation(place), lambda: context, _Edge(self.world))
        return _told(order, reply)

    def _invocation(self, place: int) -> Invocation:
        started = self._at(place).clock.monotonic()
        return Invocation("simulated", started, started + INVOCATION_S)

    def _instance(self, place: int) -> Instance:
        world, rules = self.world, self.plan.rules
        clock = SimulatedClock(world, self.plan.skews_s[place])
        vault = CachedVault(lambda: secret_text(self.chat.vault), _parsed, clock, _Edge(self.world))
        api = SimulatedClient(self.network, vault, world.chance, rules.timeout_s)
        instance = Instance.of(
            ledger=self.ledger,
            api=api,
            clock=clock,
            chance=world.chance,
            reporter=self.notices,
            parked=self.ledger,
            rules=rules,
        )
        self._contexts[place] = HttpContext(
            app=AppContext(instance=instance, probes=ProbeClient(api.calls), vault=vault),
            authenticator=Bearer(Callers(vault, self.notices, clock)),
            wait_s=WAIT_MAX_S,
            base_path="",
            docs=False,
        )
        return instance

    def _context(self, place: int) -> HttpContext:
        self._at(place)
        return self._contexts[place]


class _Edge(Notices):
    """What the edges of an instance report: an error that is none of the function's own ends the history."""

    def failed(self, error: Exception) -> None:
        if not isinstance(error, CounterError):
            raise error
        self._world.tell(f"failed: {error}")


@contextmanager
def _one_by_one() -> Iterator[None]:
    replaced: tuple[tuple[ModuleType, str, object], ...] = (
        (batch, "each", _each),
        (timer, "each", _each),
        (timer, "one_after_another", _one_after_another),
    )
    real = [vars(module)[name] for module, name, _ in replaced]
    for module, name, simulated in replaced:
        vars(module)[name] = simulated
    try:
        yield
    finally:
        for (module, name, _), what in zip(replaced, real, strict=True):
            vars(module)[name] = what


def _each(items: Iterable[_Item], work: Callable[[_Item], _Result], _: Crew | None = None) -> dict[_Item, _Result]:
    return {item: work(item) for item in items}


def _one_after_another(items: Iterable[_Item], work: Callable[[_Item], None], _: int) -> None:
    for item in items:
        work(item)


# What every instance reads is the same two texts.
_parsed = lru_cache(parse)


def _payload(order: Order) -> dict[str, object]:
    operation = order.operation
    counters = [{"Key": key, "Value": value} for key, value in operation.counters]
    return {"GroupId": operation.group_id, "GroupCounter": counters, "Mode": operation.mode.value}


@lru_cache(maxsize=4096)
def _message(order: Order) -> str:
    named = {"IdempotencyKey": order.operation.key, "Caller": order.operation.caller}
    return json.dumps(_payload(order) | named)


def _record(order: Order) -> dict[str, object]:
    return _delivered(place_of(order), _message(order))


def _delivered(message_id: str, body: str) -> dict[str, object]:
    return {"messageId": message_id, "body": body, "attributes": {}, "eventSource": "aws:sqs", "eventSourceARN": QUEUE}


def _broken(group_id: str) -> Iterator[dict[str, object]]:
    """A record of the group that is broken, if one is."""
    if group_id:
        payload = {"GroupId": group_id, "GroupCounter": [{"Key": "a", "Value": 1}], "Mode": "Increase"}
        yield _delivered("broken", json.dumps(payload))


def _number(order: Order) -> str:
    return place_of(order).rpartition(":")[2]


@lru_cache(maxsize=4096)
def _data(order: Order) -> str:
    named = {"IdempotencyKey": order.operation.key} if _has_key(order) else {}
    return base64.b64encode(json.dumps(_payload(order) | named).encode()).decode()


def _has_key(order: Order) -> bool:
    """Whether a record of a stream names a key of its own."""
    return order.operation.key != place_of(order)


def _stream_record(order: Order) -> dict[str, object]:
    partition = GROUP_ID if order.operation.position or _has_key(order) else order.operation.key
    return {
        "kinesis": {"partitionKey": partition, "sequenceNumber": _number(order), "data": _data(order)},
        "eventSource": "aws:kinesis",
        "eventID": place_of(order).removeprefix(f"{STREAM}/"),
        "eventSourceARN": STREAM,
    }


def _http_event(
    method: str, path: str, headers: Mapping[str, str], body: object, query: Mapping[str, str]
) -> dict[str, object]:
    return {
        "version": "2.0",
        "rawPath": path,
        "queryStringParameters": dict(query),
        "headers": {"authorization": f"Bearer {TOKEN}", **headers},
        "requestContext": {"stage": "$default", "http": {"method": method, "path": path}},
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def _told(order: Order, reply: Mapping[str, object]) -> Told:
    body, headers = json.loads(str(reply["body"])), reply["headers"]
    assert isinstance(headers, dict)
    state = body.get("state", "applied" if reply["statusCode"] == 200 else None)
    if state == "applied":
        shown = {counter["Key"]: counter["Value"] for counter in body["GroupCounter"]}
        later = headers.get("Counter-Values") == "observed-later"
        counters = tuple((key, shown[key]) for key, _ in order.operation.counters if key in shown)
        return Told(evidence.APPLIED, (counters, later), shown, later)
    if body.get("type") == "/problems/no-such-operation":
        return Told(evidence.ABSENT)
    kind = _KINDS.get(body.get("type", ""))
    if kind is not None:
        return Told(kind, (body["ErrorCode"], body["ErrorInfo"]) if kind == evidence.REJECTED else None)
    kind = evidence.WAITING if body.get("accepted") else evidence.NOT_ACCEPTED
    return Told(kind, body.get("detail"))
