"""The local Chat server.

In a test: `with ChatServer(app=ChatApp(...)) as server`. From the command line: `python -m tests.sandbox.chat`.
"""

import argparse
import secrets
import signal
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from typing_extensions import Self

from tests.sandbox import wire
from tests.sandbox.admission import Call
from tests.sandbox.app import ChatApp, Handling
from tests.sandbox.clocks import Clock, ManualClock, RealClock, ShiftedClock
from tests.sandbox.connection import Connection
from tests.sandbox.controls import Controls
from tests.sandbox.faults import Fault, every_kind
from tests.sandbox.listener import Listener
from tests.sandbox.replies import Reply
from tests.sandbox.timetable import Timetable

__all__ = ["ENDINGS", "ChatApp", "ChatServer", "Fault", "ManualClock", "every_kind", "main"]

DEMO_SDKAPPID: Final = 1400000000
DEMO_KEY: Final = "a-key-for-the-local-sandbox-only"
ENDINGS: Final = (signal.SIGINT, signal.SIGTERM)


class ChatServer(Controls):
    """A Chat API at `endpoint`, on 127.0.0.1, with all controls in hand. `port` 0 takes a free one.

    `clock` is what the sandbox goes by: signatures, `Date`, delays and the rate limit. Use it in a `with` block, or
    call `start` and `close`.
    """

    def __init__(self, app: ChatApp, *, port: int = 0, clock: Clock | None = None) -> None:
        base = clock or RealClock()
        self.app = app
        self.token = secrets.token_urlsafe(24)
        self._time = ShiftedClock(base)
        self._later = Timetable(base)
        self._listener = Listener(port, Connection, self)
        super().__init__(app, self._time, self._later, self._listener)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._listener.server_port}"

    @property
    def address(self) -> str:
        """The endpoint with the token of its controls, as `Sandbox.at` reads it."""
        return f"{self.endpoint}/#{self.token}"

    def start(self) -> None:
        self._listener.start()

    def close(self) -> None:
        """End all connections, cancel what was still to land, and give the port back. The truth can be read on."""
        self._later.stop()
        self._listener.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def now(self) -> float:
        return self._time.now()

    def date(self) -> float:
        """What `Date` shows: the same, unless that is violated."""
        return self.app.violations.date(self.now())

    def exchange(self, call: Call) -> Reply | None:
        """Conduct one call through its course: apply it and reply when each is due, in whichever order."""
        with self._later.under_way():
            arrival = self._later.clock.now()
            handling = self.app.receive(call, self.now())
            result = handling.result
            apply_after_s, reply_after_s = handling.course.apply_after_s, handling.course.reply_after_s
            if apply_after_s is not None and apply_after_s > reply_after_s:
                self._later.at(
                    arrival + apply_after_s, partial(self._land, handling), partial(self.app.cancel, handling)
                )
            elif apply_after_s is not None:
                if not self._later.wait_until(arrival + apply_after_s):
                    self.app.cancel(handling)
                    return None
                result = self.app.apply(handling, self.now())
            if not self._later.wait_until(arrival + reply_after_s):
                return None
            return self.app.reply(handling, result, self.now())

    def control(self, method: str, operation: str, query: Mapping[str, str], body: bytes) -> Reply:
        return wire.answer(self, method, operation, query, body)

    def _land(self, handling: Handling) -> None:
        self.app.apply(handling, self.now())


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM; the first line printed is the address, with the controls' token behind `#`."""
    options = _parser().parse_args(arguments)
    # Blocked before any thread starts: a handler might never run while the main thread waits for a lock.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    app = ChatApp(
        sdkappid=DEMO_SDKAPPID,
        keys=(DEMO_KEY,),
        rate_limit=options.rate_limit or None,
        apply_lag_s=options.apply_lag,
    )
    with ChatServer(app, port=options.port) as server:
        for group in options.group:
            server.create_group(group)
        print(server.address, flush=True)
        signal.sigwait(ENDINGS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.sandbox.chat", description="A local Tencent Chat counter API."
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--group", action="append", default=[], help="a group to create; may be repeated")
    parser.add_argument(
        "--rate-limit", type=int, default=200, help="calls per second and command; 0 turns it off (default %(default)s)"
    )
    parser.add_argument(
        "--apply-lag", type=float, default=0.0, help="seconds from checking a signature to applying the request"
    )
    return parser


if __name__ == "__main__":
    main()
