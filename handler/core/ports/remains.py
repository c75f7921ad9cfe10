"""What a ledger keeps of a group beside its row: records and watermarks, which outlast the row until their own end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec


class Remain(msgspec.Struct, frozen=True):
    """The record of an operation, by its id, or the watermark of a partition; `expires_at` in seconds since 1970."""

    name: str
    expires_at: float
    is_watermark: bool = False


class Remains(Protocol):
    """The records and watermarks of one group."""

    def listed(self) -> Iterator[Remain]:
        """Those that physically exist, each once, read strongly and only as far as they are wanted."""
        ...

    def forget(self, remains: Sequence[Remain]) -> int:
        """Delete each of these if it still ends when it did; how many were there. More than one write may do it."""
        ...
