"""A reference in LEDGER_URL, whose text may change while the instance lives: the ledger's password rotates there."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from handler.core.errors import SecretUnavailable, SettingsError
from handler.core.ports.system import Clock

# A ledger that is away refuses every call, and each read of a secrets manager takes time and costs money.
RENEW_MIN_S = 30.0


class LedgerReference:
    """The text that `read` finds behind the reference; `failed` is told why a later one could not be read.

    Making one raises SecretUnavailable or SettingsError as `read` does.
    """

    def __init__(self, read: Callable[[], str], clock: Clock, failed: Callable[[Exception], None]) -> None:
        self._read = read
        self._clock = clock
        self._failed = failed
        self._lock = Lock()
        self._renewed_at = float("-inf")
        self.text = read()

    def renewed(self) -> str | None:
        """The text as it is by now, if it is another one; asked for at most every `RENEW_MIN_S` seconds."""
        with self._lock:
            now = self._clock.monotonic()
            if now - self._renewed_at < RENEW_MIN_S:
                return None
            self._renewed_at = now
            try:
                text = self._read()
            except (SecretUnavailable, SettingsError) as failure:
                self._failed(failure)
                return None
            if text == self.text:
                return None
            self.text = text
            return text
