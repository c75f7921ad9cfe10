"""The groups and their counters: what an update, a read and a deletion do, and what they refuse.

An update is applied whole or not at all. The vendor does not document that; the function assumes it, so it holds here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from tests.sandbox.codes import RefusalError
from tests.sandbox.commands import LEAST_VALUE, MOST_VALUE, Command, Delete, Update

GroupKind = Literal["Private", "Work", "Public", "ChatRoom", "Meeting", "AVChatRoom", "Community"]

MOST_KEYS: Final = 20
"""Counters that a group can hold (trtc.io/document/53432)."""


@dataclass(slots=True)
class _Group:
    kind: GroupKind
    counters: dict[str, int]


class Groups:
    """All groups of the app. Nothing here locks: whoever shares it between threads does."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}

    def run(self, command: Command) -> dict[str, int] | None:
        """Carry a command out and give back the counters to answer with; a deletion answers none.

        Raises `RefusalError` and changes nothing: 10010 for a group that is not there, 10007 for a Community, 10063 for
        more than 20 counters, 10004 for a value that leaves 64 bits.
        """
        group = self._find(command.group)
        if isinstance(command, Update):
            group.counters = updated(group.counters, command)
            return {key: group.counters[key] for key in command.counters}
        keys = command.keys or tuple(group.counters)
        if isinstance(command, Delete):
            group.counters = {key: value for key, value in group.counters.items() if key not in keys}
            return None
        return {key: group.counters[key] for key in keys if key in group.counters}

    def create(self, group: str, kind: GroupKind, counters: Mapping[str, int]) -> None:
        """Make a group that has these counters; `ValueError` if it is there already or could not hold them."""
        if group in self._groups:
            raise ValueError(f"there is a group {group!r} already")
        if len(counters) > MOST_KEYS or not all(LEAST_VALUE <= value <= MOST_VALUE for value in counters.values()):
            raise ValueError(f"a group holds at most {MOST_KEYS} signed 64-bit counters")
        self._groups[group] = _Group(kind, dict(counters))

    def dismiss(self, group: str) -> None:
        """Dismiss a group and forget its counters; `ValueError` if there is none."""
        if self._groups.pop(group, None) is None:
            raise ValueError(f"there is no group {group!r}")

    def kinds(self) -> dict[str, GroupKind]:
        """The groups that are there, with the type of each."""
        return {name: group.kind for name, group in self._groups.items()}

    def values(self, group: str) -> dict[str, int]:
        """The true counters of a group; `ValueError` if there is none."""
        if group not in self._groups:
            raise ValueError(f"there is no group {group!r}")
        return dict(self._groups[group].counters)

    def _find(self, name: str) -> _Group:
        group = self._groups.get(name)
        if group is None:
            raise RefusalError(10010)
        if group.kind == "Community":
            raise RefusalError(10007)
        return group


def updated(counters: Mapping[str, int], update: Update) -> dict[str, int]:
    """The counters of a group after an update; a missing key is created at 0 first. `RefusalError` 10063 or 10004."""
    after = dict(counters)
    for key, value in update.counters.items():
        before = after.get(key, 0)
        after[key] = {"Set": value, "Increase": before + value, "Decrease": before - value}[update.mode]
    if len(after) > MOST_KEYS:
        raise RefusalError(10063)
    if not all(LEAST_VALUE <= after[key] <= MOST_VALUE for key in update.counters):
        raise RefusalError(10004, "the counter would leave 64 bits")
    return after
