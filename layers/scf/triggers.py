"""The triggers of a plan beside those that are there: what is new, what differs, and what goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec

from layers.scf.account import is_made_here
from layers.scf.requests import ALIAS, LATEST, OWN_TYPES, Fields, Trigger

ADDRESS_STAYS: Final = "of $LATEST serves the latest deployment, for callers of its address, and follows no roll-back"

Key: TypeAlias = tuple[str, str]


class Triggers(msgspec.Struct, frozen=True):
    """Those that are wanted, all of the alias, and those that were found, of any version."""

    wanted: list[Trigger]
    found: list[Fields]

    @property
    def to_create(self) -> list[Trigger]:
        """Those that are not there."""
        return [each for each in self.wanted if _key(each) not in self._there]

    @property
    def to_update(self) -> list[Trigger]:
        """Those that are there and differ."""
        there = self._there
        return [each for each in self.wanted if _key(each) in there and not _is_same(each, there[_key(each)])]

    @property
    def to_delete(self) -> list[Fields]:
        """Those that a deployment has made, and that are not wanted there."""
        return [each for each in self._excess if self._is_ours(each)]

    @property
    def is_empty(self) -> bool:
        """Whether all is as it should be."""
        return not (self.to_create or self.to_update or self.to_delete)

    def lines(self) -> Iterator[str]:
        """Each that is new (+), differs (~) or goes (-), and those that are left alone."""
        yield from (f"+ {each.type} {each.name}: {_shown(each)}" for each in self.to_create)
        for each in self.to_update:
            yield f"~ {each.type} {each.name}: {_shown_found(self._there[_key(each)])} -> {_shown(each)}"
        for excess in self._excess:
            named = f"{excess['Type']} {excess['TriggerName']}"
            yield (
                f"- {named}: {_shown_found(excess)}" if self._is_ours(excess) else f"  {named} {_why_it_stays(excess)}"
            )

    @property
    def _there(self) -> dict[Key, Fields]:
        return {_found_key(each): each for each in self.found if each.get("Qualifier") == ALIAS}

    @property
    def _excess(self) -> list[Fields]:
        wanted = {_key(each) for each in self.wanted}
        others = [each for each in self.found if each.get("Qualifier") != ALIAS or _found_key(each) not in wanted]
        return [each for each in others if each["Type"] in OWN_TYPES]

    def _is_ours(self, excess: Fields) -> bool:
        """Whether it may go. Release 0.9.0 made triggers of $LATEST without a mark, and callers know their URL."""
        if excess.get("Qualifier") != LATEST:
            return is_made_here(excess)
        is_planned = _found_key(excess) in {_key(each) for each in self.wanted}
        return excess["Type"] != "http" and (is_planned or is_made_here(excess))


def _key(trigger: Trigger) -> Key:
    return trigger.type, trigger.name


def _found_key(found: Fields) -> Key:
    return str(found["Type"]), str(found["TriggerName"])


def _why_it_stays(found: Fields) -> str:
    is_old_address = found["Type"] == "http" and found.get("Qualifier") == LATEST
    return ADDRESS_STAYS if is_old_address else "was not made by a deployment, and stays"


def _is_same(wanted: Trigger, found: Fields) -> bool:
    """Whether a trigger is as planned. A URL has neither argument nor mark, as it cannot be updated for these alone."""
    if not holds(_description(found), _read(wanted.description)):
        return False
    is_open = str(found.get("Enable")) in {"1", "OPEN"}
    same = is_open == wanted.is_open and str(found.get("CustomArgument") or "") == wanted.argument
    return wanted.type == "http" or (same and is_made_here(found))


def _description(found: Fields) -> object:
    """A timer is asked for as a rule, and described as `{"cron": rule}`."""
    read = _read(str(found.get("TriggerDesc")))
    return read.get("cron", read) if isinstance(read, dict) and found.get("Type") == "timer" else read


def _read(description: str) -> object:
    try:
        read: object = json.loads(description)
    except ValueError:
        return description
    return read


def holds(found: object, wanted: object) -> bool:
    """Whether all that is wanted is found; the platform adds to it, such as a URL's address."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(holds(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(holds, found, wanted))
    return str(found) == str(wanted)


def _shown(trigger: Trigger) -> str:
    words = [trigger.description, *([trigger.argument] if trigger.argument else [])]
    return " ".join([*words, *([] if trigger.is_open else ["(closed)"])])


def _shown_found(found: Fields) -> str:
    description = _description(found)
    argument = str(found.get("CustomArgument") or "")
    is_open = str(found.get("Enable")) in {"1", "OPEN"}
    text = description if isinstance(description, str) else json.dumps(description)
    return _shown(Trigger(str(found["Type"]), str(found["TriggerName"]), text, is_open, argument))
