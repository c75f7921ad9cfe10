"""Tencent SCF on this machine: `index.main_handler` with plain dicts, in a process that is killed at its time limit.

No runtime client of SCF is published, so this keeps the documented rules (cloud.tencent.com/document/product/583):
`index.py` at the root of the package, a dict as context, and the return value written into the function's log.
"""

from __future__ import annotations

import json
import signal
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from tests.e2e.instances import Failure, FunctionInstance, FunctionProcess, Outcome, Reply
from tests.sandbox.contexts import scf_context

RUNTIME: Final = Path(__file__).with_name("scf_runtime.py")
INDEX: Final = "from handler.main import main_handler\n"
RETURNED: Final = "returned.log"
"""The file for what SCF writes into the log: every return value."""

INIT_TIMEOUT_S: Final = 10.0
"""How long a process may take until the function is imported."""

_PLATFORM: Final = {
    "LANG": "en_US.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "x",
    "SCF_FUNCTIONNAME": "update-group-counter",
    "SCF_NAMESPACE": "default",
    "TENCENTCLOUD_REGION": "ap-guangzhou",
    "TENCENTCLOUD_RUNENV": "SCF",
    "TENCENTCLOUD_SECRETID": "AKIDmadeupmadeupmadeup",
    "TENCENTCLOUD_SECRETKEY": "made-up-secret-key-of-the-execution-role",
    "TENCENTCLOUD_SESSIONTOKEN": "made-up-session-token-of-the-execution-role",
    "TZ": "UTC",
    "USER_CODE_ROOT": "/var/user/",
    "_SCF_SERVER_PORT": "28902",
}


class ScfInstance(FunctionInstance):
    """An instance of `index.main_handler` on Tencent SCF."""

    index: str | None = INDEX
    """What `index.py` holds; None where the function's package has one."""

    def start(self) -> _ScfRuntime:
        """Start a process that has the package's root, with `index.py`, on its path."""
        return _ScfRuntime(self)


class _ScfRuntime:
    def __init__(self, instance: ScfInstance) -> None:
        place = instance.place
        path = place.path
        if instance.index is not None:
            code = instance.folder / "code"
            code.mkdir(exist_ok=True)
            (code / "index.py").write_text(instance.index, "utf-8")
            path = f"{code}:{path}"
        self._log = instance.folder / RETURNED
        self._channel, theirs = Pipe()
        environment = _PLATFORM | {"PYTHONPATH": path} | instance.environment
        number = theirs.fileno()
        self.process = FunctionProcess(place, [str(RUNTIME), str(number)], environment, instance.folder, [number])
        theirs.close()
        self._is_ready = False

    def exchange(self, event: object, timeout_s: float) -> Outcome:
        """Send the event with a context, and wait for the return value within the time limit of the context."""
        context = scf_context(timeout_s)
        outcome = self._outcome(json.dumps([event, context]).encode(), timeout_s)
        if isinstance(outcome, Reply):
            with self._log.open("a", encoding="utf-8") as log:
                log.write(f"{context['request_id']} {json.dumps(outcome.value)}\n")
        return outcome

    def close(self) -> None:
        self.process.signal(signal.SIGKILL)
        self.process.wait()
        self._channel.close()

    def _outcome(self, call: bytes, timeout_s: float) -> Outcome:
        try:
            self._wait_until_ready()
            self._channel.send_bytes(call)
            if self._channel.poll(timeout_s):
                return _read(self._channel)
        except (EOFError, ConnectionError):
            self.process.wait()
            return Failure("430", "the process ended before it answered")
        self.process.signal(signal.SIGKILL)
        self.process.wait()
        return Failure("433", f"Invoking task timed out after {timeout_s:g} seconds")

    def _wait_until_ready(self) -> None:
        if not self._is_ready and not self._channel.poll(INIT_TIMEOUT_S):
            self.process.signal(signal.SIGKILL)
        if not self._is_ready:
            self._channel.recv_bytes()
            self._is_ready = True


def _read(channel: Connection) -> Outcome:
    content: object = json.loads(channel.recv_bytes())
    if not isinstance(content, dict):
        raise TypeError("the runtime answers with an object")
    if "returned" in content:
        return Reply(content["returned"])
    return Failure(content["type"], content["message"], tuple(content["trace"]))
