"""A Redis that forgot its last moments: an older copy of its data is put back under instances that are at work.

How often each operation was counted can be read from the counter, because each has a decimal place of its own.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Final, Literal, TypeAlias

import pytest
from pydantic import BaseModel

from handler.core.model.operation import operation_id
from tests.contract import redis_server
from tests.e2e.watching import wait_for
from tests.faults.storms.asked import Asked
from tests.faults.storms.ledgers import StormLedger, redis_url, redis_with_password
from tests.faults.storms.storm import LAG_S
from tests.faults.storms.weather import Weather
from tests.sandbox.chat import ChatApp, ChatServer, Fault
from tests.sandbox.environment import CALLER, KEY, SDKAPPID
from tests.sandbox.redis_servers import RedisServer

Told: TypeAlias = Literal["applied", "frozen"]
Operation: TypeAlias = tuple[str, int]

PLACES: Final = 8
IDLE: Final = ("idle-0", "idle-1")
BUSY: Final = tuple(f"busy-{number}" for number in range(4))
YOUNG: Final = ("young-0", "young-1")
ALL: Final = (*IDLE, *BUSY, *YOUNG)
SOME: Final = [(group, place) for group in IDLE for place in range(PLACES // 2)]
OTHERS: Final = [(group, place) for group in IDLE for place in range(PLACES // 2, PLACES)]
MANY: Final = [(group, place) for place in range(PLACES) for group in BUSY]
FIRST: Final = [(group, place) for place in range(PLACES // 2) for group in YOUNG]
LAST: Final = [(group, place) for place in range(PLACES // 2, PLACES) for group in YOUNG]

# What the API does meanwhile: replies get lost, and requests take as long as the guard allows.
FAULTS: Final = (Fault("drop_after"), Fault("drop_before"), Fault("late", delay_s=LAG_S, recheck=False))

ASK_AGAIN_S: Final = 0.1
SEED: Final = 20261125


class ShownRow(BaseModel):
    frozen: str | None


class ShownUpstream(BaseModel):
    receipt: int | None


class Shown(BaseModel):
    """What an operator needs of an inspection."""

    row: ShownRow
    upstream: ShownUpstream
    to_be_judged: list[str]
    ready_in_s: float


class Loss:
    """Callers who ask until they are told something, a server that is set back under them, and an operator."""

    def __init__(self, weather: Weather, chat: ChatServer, server: RedisServer) -> None:
        self._weather = weather
        self._chat = chat
        self._server = server
        self.answered: Counter[str] = Counter()

    def increase(self, operation: Operation) -> Told:
        """Ask until the operation has its final answer, or its group is frozen."""
        group, place = operation
        asked = Asked(group, f"key-{place}", "Increase", "like", 10**place)
        chance = random.Random(f"{operation}")
        while True:
            reply = self._weather.invoke(asked.event, chance)
            assert isinstance(reply, Mapping), reply
            if reply["statusCode"] == 200:
                self.answered[group] += 1
                return "applied"
            if "group-frozen" in str(reply["body"]):
                return "frozen"
            assert reply["statusCode"] in {202, 429, 503}, reply
            time.sleep(ASK_AGAIN_S)

    def ask(self, operations: Sequence[Operation]) -> dict[Operation, Told]:
        """Ask for all of them, several at a time."""
        with ThreadPoolExecutor(8) as callers:
            return dict(zip(operations, callers.map(self.increase, operations), strict=True))

    def set_back_amid(self, operations: Sequence[Operation], copy: Path) -> dict[Operation, Told]:
        """Ask for all of them while the server loses what it was told after the first third of the answers."""
        with ThreadPoolExecutor(8) as callers:
            asked: list[Future[Told]] = [callers.submit(self.increase, operation) for operation in operations]
            wait_for(lambda: sum(future.done() for future in asked) > len(asked) // 3, "a third")
            self._server.keep(copy)
            self.ask(FIRST)
            wait_for(lambda: sum(future.done() for future in asked) > len(asked) * 2 // 3, "another third")
            self._server.kill()
            self._server.put_back(copy)
            self._server.start()
            return {operation: future.result() for operation, future in zip(operations, asked, strict=True)}

    def counted(self, group: str) -> str:
        """How often each operation of a group was counted, the one with the highest place first."""
        return str(self._chat.values(group).get("like", 0)).zfill(PLACES)

    def bring_back(self, group: str) -> None:
        """What the README tells an operator to do, with the vendor's own log to judge by."""
        while (shown := self._shown(group)).row.frozen:
            time.sleep(shown.ready_in_s)
            shown = self._shown(group)
            if not shown.to_be_judged:
                self._order("adopt", group)
                continue
            landed = dict(zip(self._ids(), reversed(self.counted(group)), strict=True))
            verdicts = {named: "not-landed" if landed[named] == "0" else "landed" for named in shown.to_be_judged}
            self._order("release", group, verdicts=verdicts, receipt=shown.upstream.receipt)

    def _shown(self, group: str) -> Shown:
        return Shown.model_validate(self._order("inspect", group))

    def _ids(self) -> list[str]:
        return [operation_id(CALLER, f"key-{place}") for place in range(PLACES)]

    def _order(self, task: str, group: str, **more: object) -> dict[str, object]:
        event = {"Type": "Operator", "task": task, "GroupId": group, **more}
        reply = self._weather.invoke(event, random.Random(task))
        assert isinstance(reply, dict), reply
        return reply


@pytest.fixture
def loss(tmp_path: Path) -> Iterator[Loss]:
    redis_server.started(tmp_path)
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))) as chat, redis_with_password(tmp_path) as server:
        for group in ALL:
            chat.create_group(group)
        chat.randomly(0.1, FAULTS, SEED)
        ledger = StormLedger({"LEDGER_URL": redis_url(server.port)})
        with closing(Weather(tmp_path, chat, random.Random(SEED), ledger, instances=4)) as weather:
            yield Loss(weather, chat, server)
        assert weather.leaks() == []


def test_a_ledger_that_forgot_its_last_moments_counts_nothing_twice(loss: Loss, tmp_path: Path) -> None:
    """What it forgot freezes the group, also for whoever asks again; what the receipt agrees with goes on."""
    loss.ask(SOME)
    loss.set_back_amid(MANY, tmp_path / "copy")
    told = loss.ask([*MANY, *FIRST])
    frozen = {group for (group, _), answer in told.items() if answer == "frozen"}
    assert frozen >= set(YOUNG)
    assert frozen & set(BUSY)
    assert set(loss.ask(OTHERS).values()) == {"applied"}
    assert {max(loss.counted(group)) for group in ALL} == {"1"}
    with ThreadPoolExecutor(len(frozen)) as operators:
        list(operators.map(loss.bring_back, frozen))
    assert set(loss.ask([*SOME, *OTHERS, *MANY, *FIRST, *LAST]).values()) == {"applied"}
    assert {group: loss.counted(group) for group in ALL} == dict.fromkeys(ALL, "1" * PLACES)
