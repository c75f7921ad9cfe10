"""What a caller may do: grants over modes, groups, counter keys and amounts, and the patterns that they are written in.

In a pattern `*` stands for any characters, or for none. Nothing else is special, and letter case counts: characters are
compared one by one, in whatever form of Unicode they are written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from handler.core.errors import NotPermitted
from handler.core.model.operation import Counters, Mode
from handler.core.model.payload import field_path

ANY = "*"

Patterns: TypeAlias = tuple[str, ...]

# The path of a field of the body, such as the second counter's key.
_Field: TypeAlias = tuple[int | str, ...]

# The fields in the order in which a grant looks at them: a grant whose gap comes later comes nearer to the operation.
_FIELDS = ("Mode", "GroupId", "Key", "Value")


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `may`: the modes, groups and keys, and the largest amount, up or down. None is any."""

    modes: frozenset[Mode] | None = None
    groups: Patterns | None = None
    keys: Patterns | None = None
    at_most: int | None = None

    def gap(self, mode: Mode, group_id: str, counters: Counters) -> _Field | None:
        """The first field of an operation that this grant does not cover; None if it covers the whole of it."""
        if self.modes is not None and mode not in self.modes:
            return ("Mode",)
        if self.groups is not None and not matches(group_id, self.groups):
            return ("GroupId",)
        for index, (key, _) in enumerate(counters):
            if self.keys is not None and not matches(key, self.keys):
                return ("GroupCounter", index, "Key")
        for index, (_, value) in enumerate(counters):
            if self.at_most is not None and abs(value) > self.at_most:
                return ("GroupCounter", index, "Value")
        return None


Grants: TypeAlias = tuple[Grant, ...]


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller may do, of which each part that is None is everything.

    `read` is for questions after its own operations. `calls_per_second` bounds its requests over HTTP.
    """

    may: Grants | None = None
    read: Patterns | None = None
    calls_per_second: float | None = None

    def check_read(self, group_id: str) -> None:
        """Raise NotPermitted where the caller may not ask after its operations on this group."""
        if self.read is not None and not matches(group_id, self.read):
            raise NotPermitted("GroupId", "is outside of what the caller may read")


EVERYTHING = Rights()


class SourceRights(msgspec.Struct, frozen=True, kw_only=True):
    """What the producers of a source may do: which callers their payloads may name, and what they may ask for."""

    callers: frozenset[str] | None = None
    may: Grants | None = None


def check(may: Grants | None, whose: str, mode: Mode, group_id: str, counters: Counters) -> None:
    """Raise NotPermitted unless one grant covers the whole operation. `whose` grants they are stands in the error.

    One grant, and not several together: "a Set of `topic`, or an Increase of `like` by up to 5" is never more than what
    either of them says. An operation that spans two grants can be asked for as two. The error names the field at which
    the grant that comes nearest ends, and shows nothing of any grant.
    """
    if may is None:
        return
    gaps: list[_Field] = []
    for grant in may:
        gap = grant.gap(mode, group_id, counters)
        if gap is None:
            return
        gaps.append(gap)
    nearest = max(gaps, key=lambda gap: _FIELDS.index(str(gap[-1])), default=("Mode",))
    raise NotPermitted(field_path(nearest), f"is outside of what the {whose} may do")


def together(rights: Iterable[Rights]) -> Rights:
    """What any of these may do: the entries of one name, while its token rotates."""
    each = tuple(rights)
    may, read, rates = [one.may for one in each], [one.read for one in each], [one.calls_per_second for one in each]
    return Rights(
        may=None if None in may else tuple(grant for grants in may for grant in grants or ()),
        read=None if None in read else tuple(pattern for patterns in read for pattern in patterns or ()),
        calls_per_second=None if None in rates else max(rate for rate in rates if rate is not None),
    )


def matches(name: str, patterns: Patterns) -> bool:
    """Whether any of the patterns stands for this name."""
    return any(_is_match(pattern, name) for pattern in patterns)


def _is_match(pattern: str, name: str) -> bool:
    """Look for the pieces between the stars from left to right, the last one at the end."""
    head, *pieces = pattern.split(ANY)
    if not pieces:
        return name == head
    *middle, tail = pieces
    if not name.startswith(head) or not name.endswith(tail):
        return False
    place = len(head)
    for piece in middle:
        found = name.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    return place <= len(name) - len(tail)
