"""What producers ask for, what it has to come to, and the function that does it, in this process or in another."""

import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from handler.main import lambda_handler
from tests.e2e.instances import FunctionInstance
from tests.e2e.watching import wait_for
from tests.sandbox.chat import ChatApp, ChatServer
from tests.sandbox.cold_function import cold_function
from tests.sandbox.contexts import lambda_context
from tests.sandbox.dialects import event_of
from tests.sandbox.environment import KEY, SDKAPPID, TOKEN, sandboxed_environment

TIMEOUT_S: Final = 20.0
SHORT_LIVES: Final = {"SIGNATURE_LIFE_S": "2", "CLOCK_GUARD_S": "1", "CHAT_TIMEOUT_S": "0.5"}
MADE_UP_ACCOUNT: Final = {
    "AWS_ACCESS_KEY_ID": "made-up",
    "AWS_SECRET_ACCESS_KEY": "made-up",
    "AWS_REGION": "eu-west-1",
}
SWEEP: Final = {"Type": "Timer", "TriggerName": "sweep", "Time": "2026-11-23T00:00:00Z", "Message": {"task": "sweep"}}

NOBODYS_ROOM: Final = "nobodys-room"
POISON: Final = ("not JSON", '["not an object"]', '{"GroupId": "room-0"}')
"""Bodies that ask for nothing that could be done."""


class LostReplyError(Exception):
    """Whoever invoked the function never heard what became of it."""


def order(room: str, value: int, mode: str = "Increase", **more: str) -> str:
    """What a producer sends; `more` are IdempotencyKey and Caller."""
    return json.dumps({"GroupId": room, "GroupCounter": [{"Key": "like", "Value": value}], "Mode": mode, **more})


def over_http(body: str, key: str, *, wait: str | None = None) -> tuple[int, dict[str, object]]:
    """Status and body of the answer to a caller who asks for this, and with `wait` says how in `Prefer`."""
    headers = [("Authorization", f"Bearer {TOKEN}"), ("Idempotency-Key", key), *([("Prefer", wait)] if wait else [])]
    event = event_of("http-v2", "POST", "/v1/update_group_counter", headers, body.encode())
    reply = lambda_handler(event, lambda_context(29.0))
    return int(str(reply["statusCode"])), json.loads(str(reply["body"]))


def orders(count: int, rooms: int) -> list[str]:
    """So many increases over so many rooms, each by another value, so that no two errors cancel out."""
    return [order(f"room-{number % rooms}", 2**number) for number in range(count)]


def tick(*groups: str, value: int = 3) -> dict[str, object]:
    """The event of a timer that raises `like` in all of these groups."""
    operation = {"GroupIds": list(groups), "GroupCounter": [{"Key": "like", "Value": value}], "Mode": "Increase"}
    now = "2026-11-24T00:00:00Z"
    return {"Type": "Timer", "TriggerName": "daily", "Time": now, "Message": {"operations": [operation]}}


def total(bodies: Iterable[str]) -> dict[str, int]:
    """What increases come to in each room if every one of them counts once."""
    sums: Counter[str] = Counter()
    for fields in map(json.loads, bodies):
        sums[fields["GroupId"]] += fields["GroupCounter"][0]["Value"]
    return dict(sums)


def likes(chat: ChatServer, rooms: Iterable[str]) -> dict[str, int]:
    return {room: chat.values(room).get("like", 0) for room in rooms}


@contextmanager
def chat_with(rooms: Iterable[str]) -> Iterator[ChatServer]:
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))) as server:
        for room in rooms:
            server.create_group(room)
        yield server


@contextmanager
def function_for(chat: ChatServer, folder: Path) -> Iterator[None]:
    """The function in this process, cold, with a ledger in `folder`."""
    with cold_function(sandboxed_environment(chat.endpoint, folder, **SHORT_LIVES)):
        yield


def sweep() -> None:
    """Let the function finish what it has accepted; all of it."""
    assert lambda_handler(SWEEP, lambda_context(TIMEOUT_S))["left"] == 0


@contextmanager
def killed_after(instance: FunctionInstance, chat: ChatServer, updates: int) -> Iterator[None]:
    """Kill an instance in the middle of what it does: at the moment at which an update of that number comes in."""

    def kill() -> None:
        wait_for(lambda: sum(entry.command == "update" for entry in chat.journal()) >= updates, "enough updates")
        instance.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        killer.join()
