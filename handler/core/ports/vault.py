"""The admin's secret, and the port that fetches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from handler.core.model.rights import EVERYTHING, Rights, SourceRights

# An unknown token may be a new one: the secret is fetched again for it, but not more often than this.
REFRESH_MIN_AGE_S = 30.0

# A caller may have been dropped from a secret that cannot be read: after this long its tokens count no more. The app's
# key goes on, because without it nothing that is owed would be sent.
CALLERS_MAX_AGE_S = 24 * 3600.0


NO_SOURCES: Mapping[str, SourceRights] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Caller:
    """An entry of the secret's `callers`; several may have one name while a token rotates.

    `token_sha256` is the digest of the token, and empty for one that is only named: by a payload, or by the platform.
    `token` is kept only where it was given. The entry counts until `not_after`, in seconds since 1970.
    """

    name: str
    token_sha256: bytes = field(default=b"", repr=False)
    token: str | None = field(default=None, repr=False)
    rights: Rights = EVERYTHING
    not_after: float | None = None

    def is_over(self, now: float) -> bool:
        """Whether the entry counts no more."""
        return self.not_after is not None and now > self.not_after


@dataclass(frozen=True, slots=True)
class Secret:
    """The app admin's identity and key. None of it but `sdkappid` may reach a log, an error or a reply."""

    sdkappid: int
    identifier: str
    key: str = field(repr=False)
    callers: tuple[Caller, ...] = field(default=(), repr=False)
    sources: Mapping[str, SourceRights] = field(default_factory=lambda: NO_SOURCES, repr=False)
    """What the producers of a source may do, by its ARN, topic or name."""

    @property
    def callers_without_rights(self) -> list[str]:
        """The names of callers with an entry that may do everything."""
        return sorted({caller.name for caller in self.callers if caller.rights.may is None})


class Vault(Protocol):
    """Gives the secret. `current` and `refresh` raise SecretUnavailable or SettingsError where there is none at all."""

    def current(self) -> Secret:
        """The secret, about a minute old at most; an older one where a refresh fails."""
        ...

    def refresh(self, min_age_s: float = 0.0) -> Secret:
        """Fetch it again, unless that was done less than `min_age_s` seconds ago; a failure keeps the old one."""
        ...

    def age_s(self) -> float:
        """How long ago the secret was last read from where it lies, in seconds."""
        ...
