"""Waiting that goes by the sandbox's clock, ends when the sandbox is closed or reset, and can itself be waited for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Event, Thread
from typing import Final

from tests.sandbox.clocks import Clock

_STEP_S: Final = 0.02
"""How long to sleep at most before the clock is read again: somebody may have moved it."""


class Timetable:
    """All that is under way in the sandbox: requests that are being answered, and those that will be applied later."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._changed = Condition()
        self._under_way = 0
        self._stopped = Event()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        self._begin()
        try:
            yield
        finally:
            self._end()

    def wait_until(self, moment: float) -> bool:
        """Sleep until the clock shows `moment`; false if everything is cancelled first."""
        stopped = self._stopped
        while (left_s := moment - self.clock.now()) > 0:
            if stopped.wait(min(left_s, _STEP_S)):
                return False
        return not stopped.is_set()

    def at(self, moment: float, work: Callable[[], None], otherwise: Callable[[], None]) -> None:
        """Do `work` in a thread of its own when the clock shows `moment`, `otherwise` if it is cancelled first."""

        def run() -> None:
            try:
                (work if self.wait_until(moment) else otherwise)()
            finally:
                self._end()

        # Counted from now on and not from the thread's first step, so that nobody finds the sandbox quiet in between.
        self._begin()
        Thread(target=run, name="sandbox-later", daemon=True).start()

    def drain(self, timeout_s: float) -> bool:
        """Wait, in real seconds, until nothing is under way; false if that takes longer than `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._under_way == 0, timeout_s)

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End every wait, now and for good, and wait until nothing is under way."""
        self._stopped.set()
        return self.drain(timeout_s)

    def cancel(self) -> bool:
        """End every wait that has begun; what begins afterwards waits as ever."""
        quiet = self.stop()
        self._stopped = Event()
        return quiet

    def _begin(self) -> None:
        with self._changed:
            self._under_way += 1

    def _end(self) -> None:
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()
