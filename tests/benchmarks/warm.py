"""What the function adds to the bare work of an operation: two Lua scripts in Redis, and one POST to the API.

Both are measured in one process and in turns, so that whatever else the machine does meanwhile is in both. The bare
call is what a plain `Session.post` does, which prepares each request anew; the function prepares but one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from statistics import median
from typing import Final

import redis
import requests

from handler import bootstrap
from handler.core.model.operation import Mode, Operation
from handler.core.model.row import Group
from handler.core.protocol.engine import ExactlyOnce
from handler.core.runtime.instance import TimeBudget
from handler.ledgers.redis import scripts
from handler.ledgers.redis.ledger import PREFIX
from handler.ledgers.redis.rows import Keys
from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.function import TIMEOUT_S, ask, event_of, instance, invoke
from tests.benchmarks.upstream import chat_server
from tests.sandbox.caller import Caller
from tests.sandbox.contexts import lambda_context
from tests.sandbox.environment import KEY, SDKAPPID

ROUNDS: Final = 40
TURNS: Final = 15
RATIO_MAX: Final = 1.6
EVENT_RATIO_MAX: Final = 1.25

# As long as the ones that the function writes.
TEXT: Final = "x" * 300
RECORD_LIFE_MS: Final = 172_800_000


def measured(variables: Mapping[str, str]) -> list[Figure]:
    """The median time of a warm operation, called as the core is and as the platform does, by that of the bare work."""
    with chat_server() as chat, instance({**variables, "CHAT_ENDPOINT": chat.endpoint}):
        for group in ("bare", "core", "http"):
            chat.create_group(group)
            ask(group, "first")
        numbers = count()
        with (
            redis.Redis.from_url(variables["LEDGER_URL"], decode_responses=True) as client,
            requests.Session() as session,
        ):
            bare = Bare(client, session, Caller(chat.endpoint, SDKAPPID, KEY))
            core = ExactlyOnce(bootstrap.app_context().instance, SDKAPPID)
            works: dict[str, Callable[[str], Callable[[], object]]] = {
                "bare": lambda key: partial(bare.work, key),
                "core": lambda key: partial(_apply, core, key),
                # The platform makes an event and its context, not the function.
                "http": lambda key: partial(invoke, event_of("http", key), lambda_context(TIMEOUT_S)),
            }
            times = {name: median(spent) for name, spent in _in_turns(works, numbers).items()}
    return _figures(times)


class Bare:
    """The two scripts that accept and settle an operation, run on a row of its own, and the call between them."""

    def __init__(self, client: redis.Redis, session: requests.Session, caller: Caller) -> None:
        self._client = client
        self._session = session
        self._url = caller.endpoint + caller.target("update")
        keys, group = Keys(PREFIX), Group(SDKAPPID, "bare")
        self._row, self._unfinished, self._generation = keys.row(group), keys.unfinished(group), keys.generation
        self._known = keys.known(group)
        [self._record] = keys.records(group, [""])
        self._base, self._number, self._receipt = (str(text) for text in client.hmget(self._row, "base", "gen", "key"))

    def work(self, key: str) -> None:
        record = self._record + key
        keys = (self._row, self._unfinished, self._generation, record)
        # Any base, no pace, and one operation.
        bounds = ("-1", str(2**62), "0", "0", "0", "1")
        told: tuple[str, ...] = ("bare", key, TEXT, self._receipt, self._number, self._number, *bounds, key)
        accepted = self._client.evalsha(scripts.BEGIN.sha, len(keys), *keys, *told)
        values = [{"Key": "like", "Value": 1}, {"Key": "_receipt", "Value": 700_001}]
        body = {"GroupId": "bare", "GroupCounter": values, "Mode": "Increase"}
        replied = self._session.post(self._url, json=body, timeout=4).json()
        keys = (self._row, self._unfinished, self._known, record)
        life = str(RECORD_LIFE_MS)
        told = ("bare", key, self._base, self._base, "", "1", life, TEXT, life, key)
        settled = self._client.evalsha(scripts.SETTLE.sha, len(keys), *keys, *told)
        if not accepted or replied["ErrorCode"] != 0 or not settled:
            raise RuntimeError("the bare work was not done")


def _apply(core: ExactlyOnce, key: str) -> None:
    now = time.monotonic()
    operation = Operation(
        group_id="core", mode=Mode.INCREASE, counters=(("like", 1),), caller="benchmark", key=key, window_s=172_800.0
    )
    core.apply("core", [operation], TimeBudget(until=now + 5, deadline=now + 20))


def _in_turns(
    works: Mapping[str, Callable[[str], Callable[[], object]]], numbers: count[int]
) -> dict[str, list[float]]:
    spent: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, prepared in works.items():
            turns = [prepared(f"turn-{next(numbers)}") for _ in range(TURNS)]
            begun = time.perf_counter()
            for work in turns:
                work()
            spent[name].append((time.perf_counter() - begun) / TURNS)
    return spent


def _figures(times: Mapping[str, float]) -> list[Figure]:
    core, http = times["core"] / times["bare"], times["http"] / times["bare"]
    return [
        Figure("two Lua scripts and one Session.post, bare", f"{times['bare'] * 1000:.2f} ms"),
        Figure("a warm operation on redis", f"{times['core'] * 1000:.2f} ms"),
        at_most("a warm operation on redis / bare", core, RATIO_MAX),
        Figure("a warm operation on redis, as an HTTP event with its reply", f"{times['http'] * 1000:.2f} ms"),
        at_most("the same / bare", http, EVENT_RATIO_MAX),
    ]
