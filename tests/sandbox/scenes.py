"""`make run`: the scene that the project exists for, and every sample event through the real function.

With `VERBOSE=1` a line is printed for each event: what came in, what the group's counters are now, what was answered.
Ends with 0 only if every answer and every counter came out as it should.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import TypeAlias

import requests

from tests.sandbox.caller import Caller
from tests.sandbox.chat import ChatApp, ChatServer, Fault
from tests.sandbox.contexts import lambda_context, scf_context
from tests.sandbox.environment import KEY, SDKAPPID, TOKEN, sandboxed_environment
from tests.sandbox.expectations import EXPECTED, Expectation
from tests.sandbox.naive import naive_handler

EVENTS = Path(__file__).parents[2] / "events"
GROUPS = ("live-room", "quiet-room")

# How long one invocation may last; long enough for a lost call that has to be waited for.
TIMEOUT_S = 29.0

Answer: TypeAlias = object


@dataclass
class Stage:
    """The function as both clouds call it, the Chat server behind it, and what its counters should be by now."""

    server: ChatServer
    on_aws: Callable[[object, object], Answer]
    on_scf: Callable[[object, object], Answer]
    counters: dict[str, int] = field(default_factory=dict)

    def answer(self, name: str, event: object) -> tuple[Answer, str]:
        """What the entry point returns or raises, and what it logged."""
        with redirect_stdout(StringIO()) as log:
            try:
                answer = (
                    self.on_scf(event, scf_context(TIMEOUT_S))
                    if "scf-" in name
                    else self.on_aws(event, lambda_context(TIMEOUT_S))
                )
            except Exception as error:  # noqa: BLE001  # whatever a runtime would report is shown
                answer = error
        return answer, log.getvalue()


def main() -> int:
    """Play everything; 0 if all came out right."""
    is_verbose = os.environ.get("VERBOSE") == "1"
    with staged() as stage:
        right = [the_scene(stage)]
        print(flush=True)
        right += [play(stage, name, expected, is_verbose=is_verbose) for name, expected in EXPECTED.items()]
        right.append(nothing_is_left_out())
    wrong = right.count(False)
    print(f"{len(EXPECTED)} events and the scene: {f'{wrong} went wrong' if wrong else 'all as they should be'}")
    return 1 if wrong else 0


@contextmanager
def staged() -> Iterator[Stage]:
    """The Chat server and the function's two entry points, set up as a deployment would be."""
    app = ChatApp(sdkappid=SDKAPPID, keys=(KEY,))
    with tempfile.TemporaryDirectory() as folder, ChatServer(app) as server:
        for group in GROUPS:
            server.create_group(group)
        short = {"SIGNATURE_LIFE_S": "2", "CLOCK_GUARD_S": "1", "CHAT_TIMEOUT_S": "1", "WAIT_S": "8"}
        os.environ.update(sandboxed_environment(server.endpoint, Path(folder), **short))
        from handler.main import lambda_handler, main_handler

        yield Stage(server, lambda_handler, main_handler)


def play(stage: Stage, name: str, expected: Expectation, *, is_verbose: bool) -> bool:
    """Send one sample event, and print what came of it if that is wanted, or wrong."""
    answer, log = stage.answer(name, json.loads((EVENTS / f"{name}.json").read_text("utf-8")))
    stage.counters |= expected.then
    counters = stage.server.values(GROUPS[0])
    counters.pop("_receipt", None)
    right = expected.is_met(answer) and counters == stage.counters
    shown = " ".join(f"{key}={value}" for key, value in counters.items())
    if is_verbose or not right:
        print(f"{'ok   ' if right else 'WRONG'} {name:35} | {shown or 'no counters yet'} | {brief(answer)}")
    if not right:
        print(f"      expected {expected} and {stage.counters}\n{log}")
    return right


def nothing_is_left_out() -> bool:
    """Every file of `events/` is played, and none is missing."""
    left_out = {path.stem for path in EVENTS.glob("*.json")} ^ set(EXPECTED)
    if left_out:
        print(f"WRONG events without an expectation, or the other way round: {', '.join(sorted(left_out))}")
    return not left_out


def brief(answer: Answer) -> str:
    if isinstance(answer, Mapping) and "statusCode" in answer:
        return f"{answer['statusCode']} {str(answer.get('body', ''))[:140]}"
    if isinstance(answer, Exception):
        return f"{type(answer).__name__}: {answer}"[:140]
    return json.dumps(answer, ensure_ascii=False)[:140]


def the_scene(stage: Stage) -> bool:
    """One increase by 5 whose reply is lost twice, sent three times with one key: here, and behind a record."""
    ours, theirs = "exactly-once", "idempotency-record"
    for group in (ours, theirs):
        stage.server.create_group(group)
        stage.server.plan([Fault("drop_after"), Fault("drop_after")], group=group)
    answers = [[status(stage.answer("http", increase(ours))[0]) for _ in range(3)], naive_answers(stage.server, theirs)]
    counted = [stage.server.values(group).get("like", 0) for group in (ours, theirs)]
    print("An Increase by 5, sent three times with one key; the replies of the first two calls are lost:")
    print(f"  this function            like is {counted[0]:>2}, answered {', '.join(answers[0])}")
    print(f"  Powertools' @idempotent  like is {counted[1]:>2}, answered {', '.join(answers[1])}")
    return counted[0] == 5 and answers[0] == ["200"] * 3 and counted[1] > 5


def increase(group: str) -> dict[str, object]:
    """The sample increase by 5, of another group."""
    event: dict[str, object] = json.loads((EVENTS / "http-v2.increase.json").read_text("utf-8"))
    body = {"GroupId": group, "GroupCounter": [{"Key": "like", "Value": 5}], "Mode": "Increase"}
    headers = {"authorization": f"Bearer {TOKEN}", "idempotency-key": "the-scene", "content-type": "application/json"}
    return {**event, "headers": headers, "body": json.dumps(body), "isBase64Encoded": False}


def status(answer: Answer) -> str:
    return str(answer["statusCode"]) if isinstance(answer, Mapping) else repr(answer)


def naive_answers(server: ChatServer, group: str) -> list[str]:
    """What the naive function answers to the same three requests."""
    handler = naive_handler(Caller(server.endpoint, SDKAPPID, KEY), timeout_s=1)
    event = {"key": "the-scene", "group": group, "counter": "like", "by": 5}
    answers = []
    for _ in range(3):
        try:
            handler(event, lambda_context(TIMEOUT_S))
        except requests.RequestException as error:
            answers.append(type(error).__name__)
        else:
            answers.append("200")
    return answers


if __name__ == "__main__":
    sys.exit(main())
