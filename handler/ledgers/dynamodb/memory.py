"""What an instance remembers of the rows that it has seen, so that it need not read them again.

Nothing here is trusted: every write that is based on it has a condition that fails if it is no longer so.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from handler.core.model.row import Group
from handler.core.state.watermarks import NO_WATERMARKS, Watermarks
from handler.ledgers.dynamodb.items import Stored

# Groups remembered, the last ones seen: rows are a kilobyte mostly, and never more than 64.
GROUPS_MAX = 256

# Operations of one group of which it is remembered that they have no record.
ABSENT_MAX = 1000


class _Known(msgspec.Struct, frozen=True):
    """A row as last seen, and what was found after a row of its epoch had been seen: ids without record, watermarks.

    The watermark of a partition that has none is empty.
    """

    stored: Stored
    absent: frozenset[str] = frozenset()
    watermarks: Watermarks = {}


class Memory:
    """Rows by group; any number of threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Group, _Known] = OrderedDict()

    def row(self, group: Group) -> Stored | None:
        """The row as last seen."""
        with self._lock:
            known = self._known.get(group)
            return known.stored if known else None

    def see(self, group: Group, stored: Stored | None) -> None:
        """Remember a row; what is known of records stays as long as its epoch does."""
        with self._lock:
            known = self._known.pop(group, None)
            if stored is None:
                return
            same = known is not None and known.stored.epoch == stored.epoch
            self._known[group] = replace(known, stored=stored) if known and same else _Known(stored)
            if len(self._known) > GROUPS_MAX:
                self._known.popitem(last=False)

    def absent(self, group: Group, epoch: int) -> frozenset[str]:
        """Ids that had no record at some moment after this epoch of the row had begun.

        None of them can have got one in the same epoch without being owed by the row until its end.
        """
        with self._lock:
            known = self._known.get(group)
            return known.absent if known and known.stored.epoch == epoch else frozenset()

    def miss(self, group: Group, epoch: int, ids: Iterable[str]) -> None:
        """Remember that these have no record. They must have been looked for after a row of `epoch` had been seen."""
        with self._lock:
            known = self._known.get(group)
            if known and known.stored.epoch == epoch:
                absent = known.absent | frozenset(ids)
                if len(absent) > ABSENT_MAX:
                    absent = frozenset(ids)
                self._known[group] = replace(known, absent=absent)

    def watermarks(self, group: Group, epoch: int) -> Watermarks:
        """Watermarks as they were at some moment after this epoch of the row had begun.

        They rise with a settlement alone: what has been settled since is owed by every row of the epoch, and passed.
        """
        with self._lock:
            known = self._known.get(group)
            return known.watermarks if known and known.stored.epoch == epoch else NO_WATERMARKS

    def reach(self, group: Group, epoch: int, watermarks: Watermarks) -> None:
        """Remember these watermarks, which were read after a row of `epoch` had been seen."""
        with self._lock:
            known = self._known.get(group)
            if known and known.stored.epoch == epoch and watermarks:
                self._known[group] = replace(known, watermarks={**known.watermarks, **watermarks})
