"""AWS Lambda on this machine: the real runtime client, served by a local Runtime API that keeps Lambda's rules.

The API is that of docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. The client enforces no time limit; the
platform does, by ending the process, and so does this.
"""

from __future__ import annotations

import json
import signal
import sys
import time
import uuid
from dataclasses import dataclass, field
from queue import Empty, Queue
from threading import Thread
from typing import Final, TypeAlias

from tests.e2e.instances import Failure, FunctionInstance, FunctionProcess, Outcome, Reply
from tests.sandbox.contexts import FUNCTION_ARN, FUNCTION_NAME, MEMORY_MB
from tests.sandbox.loopback import LoopbackConnection, LoopbackServer

HANDLER: Final = "handler.main.lambda_handler"
INIT_TIMEOUT_S: Final = 10.0
"""How long Lambda lets a process take until it asks for its first event."""

_PREFIX: Final = "/2018-06-01/runtime/"
_SESSION_TOKEN: Final = "made-up-session-token-of-the-execution-role"
_PLATFORM: Final = {
    "AWS_ACCESS_KEY_ID": "ASIAMADEUPMADEUPMADE",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MEMORY_MB),
    "AWS_LAMBDA_FUNCTION_NAME": FUNCTION_NAME,
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{FUNCTION_NAME}",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef",
    "AWS_REGION": "eu-west-1",
    "AWS_SECRET_ACCESS_KEY": "made-up-secret-access-key-of-the-execution-role",
    "AWS_SESSION_TOKEN": _SESSION_TOKEN,
    "LANG": "en_US.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "TZ": ":UTC",
}


class LambdaInstance(FunctionInstance):
    """An execution environment of `handler` on AWS Lambda."""

    handler = HANDLER

    def start(self) -> _LambdaRuntime:
        """Start the runtime client, with a Runtime API of its own."""
        return _LambdaRuntime(self)


class TalkativeLambda(LambdaInstance):
    """One in which every library logs all that it can."""

    handler = "tests.e2e.talkative.lambda_handler"


class _LambdaRuntime:
    def __init__(self, instance: LambdaInstance) -> None:
        self._api = _RuntimeApi()
        self._api.start()
        place = instance.place
        own = {"LAMBDA_TASK_ROOT": str(place.code), "PYTHONPATH": place.path}
        own |= {"AWS_LAMBDA_RUNTIME_API": self._api.address, "_HANDLER": instance.handler}
        command = ["-m", "awslambdaric", instance.handler]
        self.process = FunctionProcess(place, command, _PLATFORM | own | instance.environment, instance.folder)
        self._watcher = Thread(target=self._watch, name="lambda-watcher")
        self._watcher.start()

    def exchange(self, event: object, timeout_s: float) -> Outcome:
        """Hand the event over once the client asks for one; the time limit counts from there."""
        asked = self._told_within(INIT_TIMEOUT_S)
        if not isinstance(asked, _Asked):
            return self._ended(asked or _timed_out(INIT_TIMEOUT_S))
        self._api.events.put(_Invocation(event, timeout_s))
        told = self._told_within(timeout_s)
        return told if isinstance(told, Reply | Failure) else self._ended(_timed_out(timeout_s))

    def close(self) -> None:
        self.process.signal(signal.SIGKILL)
        self._watcher.join()
        self._api.events.put(None)
        self._api.close()

    def _told_within(self, timeout_s: float) -> _Told | None:
        try:
            return self._api.told.get(timeout=timeout_s)
        except Empty:
            return None

    def _ended(self, outcome: Outcome) -> Outcome:
        self.process.signal(signal.SIGKILL)
        self._watcher.join()
        return outcome

    def _watch(self) -> None:
        code = self.process.wait()
        cause = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        self._api.told.put(Failure("Runtime.ExitError", f"Runtime exited with error: {cause}"))


@dataclass(frozen=True, slots=True)
class _Asked:
    """The client has asked for an event."""


@dataclass(frozen=True, slots=True)
class _Invocation:
    event: object
    timeout_s: float
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))


_Told: TypeAlias = _Asked | Outcome


class _RuntimeApi(LoopbackServer):
    """`events` go to the process, one at a time; `told` is what it asked for, answered or failed with, in order."""

    def __init__(self) -> None:
        self.events: Queue[_Invocation | None] = Queue()
        self.told: Queue[_Told] = Queue()
        super().__init__(0, _Connection)


class _Connection(LoopbackConnection):
    server: _RuntimeApi

    def do_GET(self) -> None:  # noqa: N802  # the name is http.server's
        if self.path != f"{_PREFIX}invocation/next":
            self.reply(404, ())
            return
        self.server.told.put(_Asked())
        invocation = self.server.events.get()
        if invocation is None:
            self.close_connection = True
            return
        headers = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + invocation.timeout_s) * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", FUNCTION_ARN),
            ("Lambda-Runtime-Trace-Id", "Root=1-6740f000-0123456789abcdef01234567;Sampled=0"),
        ]
        self.reply(200, headers, json.dumps(invocation.event).encode())

    def do_POST(self) -> None:  # noqa: N802  # the name is http.server's
        body = self.body()
        # Every reply is JSON. One without any text was refused, or cut off before its length when its process ended.
        if not body:
            return
        content: object = json.loads(body)
        self.server.told.put(Reply(content) if self.path.endswith("/response") else _failure(content))
        self.reply(202, [("Content-Type", "application/json")], b'{"status":"OK"}')


def _failure(content: object) -> Failure:
    fields = content if isinstance(content, dict) else {}
    trace = tuple(str(line) for line in fields.get("stackTrace", ()))
    return Failure(str(fields.get("errorType")), str(fields.get("errorMessage")), trace)


def _timed_out(timeout_s: float) -> Failure:
    return Failure("Sandbox.Timedout", f"Task timed out after {timeout_s:.2f} seconds")
