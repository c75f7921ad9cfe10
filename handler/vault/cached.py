"""The secret, kept for some minutes: fetched by one thread at a time, and kept for longer where fetching fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from handler.core.credentials import Secret
from handler.core.errors import SecretUnavailable, SettingsError
from handler.core.ports import Clock

# How long a secret is used before it is fetched again.
MAX_AGE_S = 300.0

# After a failed fetch: while there is an older secret to go on with, and while there is none.
RETRY_S = 30.0
FIRST_RETRY_S = 1.0

Failure: TypeAlias = SecretUnavailable | SettingsError


class CachedVault:
    """A `Vault`: `fetch` gets the secret's text, `parse` reads it.

    The first fetch that fails raises SecretUnavailable or SettingsError. Later ones keep the secret that is known, and
    `on_failure` is told.
    """

    def __init__(
        self,
        fetch: Callable[[], str],
        parse: Callable[[str], Secret],
        clock: Clock,
        on_failure: Callable[[Failure], None],
        max_age_s: float = MAX_AGE_S,
    ) -> None:
        self._fetch = fetch
        self._parse = parse
        self._clock = clock
        self._on_failure = on_failure
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._secret: Secret | None = None
        self._failure: Failure = SecretUnavailable("no secret has been fetched")
        self._fetches = 0
        self._refreshed_at = float("-inf")
        self._due_at = float("-inf")

    def current(self) -> Secret:
        """The secret, at most `max_age_s` old; an older one where a refresh fails."""
        secret = self._secret
        if secret is not None and not self._is_due():
            return secret
        with self._lock:
            return self._load() if self._is_due() else self._known()

    def refresh(self, min_age_s: float = 0.0) -> Secret:
        """Fetch it anew, unless that was asked for less than `min_age_s` ago, or done since this was called.

        The fetches of `current` do not count: a secret that has just been loaded may have been replaced since.
        """
        fetches = self._fetches
        with self._lock:
            now = self._clock.monotonic()
            if self._secret is not None and (self._fetches > fetches or now - self._refreshed_at < min_age_s):
                return self._secret
            self._refreshed_at = now
            return self._load()

    def _is_due(self) -> bool:
        return self._clock.monotonic() >= self._due_at

    def _known(self) -> Secret:
        if self._secret is None:
            raise self._failure.with_traceback(None)
        return self._secret

    def _load(self) -> Secret:
        self._fetches += 1
        try:
            self._secret = self._parse(self._fetch())
        except (SecretUnavailable, SettingsError) as failure:
            return self._go_on(failure)
        self._due_at = self._clock.monotonic() + self._max_age_s
        return self._secret

    def _go_on(self, failure: Failure) -> Secret:
        if self._secret is None:
            self._failure = failure
            self._due_at = self._clock.monotonic() + FIRST_RETRY_S
            raise failure
        self._due_at = self._clock.monotonic() + RETRY_S
        self._on_failure(failure)
        return self._secret
