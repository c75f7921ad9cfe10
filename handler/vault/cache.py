"""The secret, kept for a minute: fetched by one thread at a time, and kept for longer where fetching fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from handler.core.errors import SecretUnavailable, SettingsError
from handler.core.ports.system import Clock, Notice, Reporter
from handler.core.ports.vault import Secret

# How long a secret is used before it is fetched again: a new key or caller is known everywhere within a minute. An
# instance that is busy all month pays for 44,000 calls, which is about 0.22 USD in AWS Secrets Manager.
MAX_AGE_S = 60.0

# After a failed fetch: while there is an older secret to go on with, and while there is none.
RETRY_S = 30.0
FIRST_RETRY_S = 1.0

# A secrets manager that is away for some minutes comes back. After this long the secret may be gone, or the right to
# read it, and no change of it arrives, such as a caller who was dropped.
STALE_S = 600.0

Failure: TypeAlias = SecretUnavailable | SettingsError


class CachedVault:
    """A `Vault`: `fetch` gets the secret's text, `parse` reads it.

    If the first fetch fails, it raises SecretUnavailable or SettingsError. A later failure keeps the known secret,
    and is reported; so is a secret that has not been read for `STALE_S`. A store that hangs holds up one caller for as
    long as a fetch takes, once in `RETRY_S`, and those that ask for a newer secret meanwhile.
    """

    def __init__(
        self,
        fetch: Callable[[], str],
        parse: Callable[[str], Secret],
        clock: Clock,
        reporter: Reporter,
        max_age_s: float = MAX_AGE_S,
    ) -> None:
        self._fetch = fetch
        self._parse = parse
        self._clock = clock
        self._reporter = reporter
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._secret: Secret | None = None
        self._text = ""
        self._failure: Failure = SecretUnavailable("no secret has been fetched")
        self._fetches = 0
        self._failures = 0
        self._refreshed_at = float("-inf")
        self._due_at = float("-inf")
        self._due_by_the_calendar = float("-inf")
        self._read_at = float("-inf")
        self._read_by_the_calendar = float("-inf")

    def current(self) -> Secret:
        """The secret, at most `max_age_s` old; an older one where a refresh fails."""
        secret = self._secret
        if secret is None:
            with self._lock:
                return self._load() if self._is_due() else self._known()
        # Who has a secret to go on with does not wait while another fetches the next one.
        if self._is_due() and self._lock.acquire(blocking=False):
            try:
                return self._load() if self._is_due() else self._known()
            finally:
                self._lock.release()
        return secret

    def refresh(self, min_age_s: float = 0.0) -> Secret:
        """Fetch it again, unless that was asked for less than `min_age_s` ago, or done since this call began.

        The fetches of `current` do not count: a secret that has just been loaded may have been replaced since.
        """
        fetches, failures = self._fetches, self._failures
        with self._lock:
            now = self._clock.monotonic()
            is_new = self._fetches > fetches or now - self._refreshed_at < min_age_s
            # A fetch that was under way before this was called may have read the old secret, and is not enough. But if
            # it failed, another would only double the wait.
            if self._failures > failures or (self._secret is not None and is_new):
                return self._known()
            self._refreshed_at = now
            return self._load()

    def age_s(self) -> float:
        """How long ago the secret was last read, by the clock on which that is longer."""
        return max(self._clock.monotonic() - self._read_at, self._clock.now() - self._read_by_the_calendar)

    def _is_due(self) -> bool:
        # Either clock alone could deceive: one may stand still while the platform keeps the instance frozen, the other
        # may be set back.
        return self._clock.monotonic() >= self._due_at or self._clock.now() >= self._due_by_the_calendar

    def _wait(self, seconds: float) -> None:
        self._due_at = self._clock.monotonic() + seconds
        self._due_by_the_calendar = self._clock.now() + seconds

    def _known(self) -> Secret:
        if self._secret is None:
            raise self._failure.with_traceback(None)
        return self._secret

    def _load(self) -> Secret:
        self._fetches += 1
        try:
            text = self._fetch()
            if self._secret is None or text != self._text:
                # The same text stays the same object, by which others know that nothing has changed.
                self._secret, self._text = self._parse(text), text
        except (SecretUnavailable, SettingsError) as failure:
            return self._go_on(failure)
        self._read_at, self._read_by_the_calendar = self._clock.monotonic(), self._clock.now()
        self._wait(self._max_age_s)
        return self._secret

    def _go_on(self, failure: Failure) -> Secret:
        self._failures += 1
        if self._secret is None:
            self._failure = failure
            self._wait(FIRST_RETRY_S)
            raise failure
        self._wait(RETRY_S)
        self._reporter.failed(failure)
        age_s = self.age_s()
        if age_s >= STALE_S:
            self._reporter.report(Notice.SECRET_STALE, age_s=round(age_s))
        return self._secret
