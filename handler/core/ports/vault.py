"""The admin's secret, and the port that fetches it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

# An unknown token may be a new one: the secret is fetched again for it, but not more often than this.
REFRESH_MIN_AGE_S = 30.0


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller over HTTP. `token_sha256` is the digest of the token; `token` is kept only where it was given."""

    name: str
    token_sha256: bytes = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Secret:
    """The app admin's identity and key. None of it but `sdkappid` may reach a log, an error or a reply."""

    sdkappid: int
    identifier: str
    key: str = field(repr=False)
    callers: tuple[Caller, ...] = field(default=(), repr=False)


class Vault(Protocol):
    """Gives the secret. Both methods raise SecretUnavailable or SettingsError where there is none at all."""

    def current(self) -> Secret:
        """The secret, about a minute old at most; an older one where a refresh fails."""
        ...

    def refresh(self, min_age_s: float = 0.0) -> Secret:
        """Fetch it again, unless that was done less than `min_age_s` seconds ago; a failure keeps the old one."""
        ...
