"""The three calls on group counters: which path names which, and what a body asks for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from tests.sandbox.codes import RefusalError

Name = Literal["update", "get", "delete"]
Mode = Literal["Set", "Increase", "Decrease"]

NAMES: Final[tuple[Name, ...]] = ("update", "get", "delete")
MODES: Final[tuple[Mode, ...]] = ("Set", "Increase", "Decrease")
SERVICE_PATH: Final = "/v4/group_open_http_svc/"
MOST_GROUP_ID_BYTES: Final = 48
MOST_KEY_BYTES: Final = 128
LEAST_VALUE: Final = -(2**63)
MOST_VALUE: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Update:
    """Write the counters of a group: each key's value is set, added or subtracted, as the mode says."""

    group: str
    mode: Mode
    counters: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Get:
    """Read counters of a group; no key means all."""

    group: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete counters of a group; no key means all."""

    group: str
    keys: tuple[str, ...]


Command = Update | Get | Delete


def path_of(name: Name) -> str:
    """The path that the vendor gives to a command."""
    return f"{SERVICE_PATH}{name}_group_counter"


def named_by(path: str) -> Name:
    """The command that a path names; `RefusalError` for every other path."""
    for name in NAMES:
        if path == path_of(name):
            return name
    raise RefusalError(10003 if path.startswith(SERVICE_PATH) else 60009)


def fields_of(body: bytes) -> Mapping[str, object]:
    """The fields of a body; `RefusalError` 60003 if it is no JSON object. The API wants at least `{}`."""
    try:
        fields: object = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise RefusalError(60003) from None
    if not isinstance(fields, dict):
        raise RefusalError(60003)
    return fields


def parse(name: Name, fields: Mapping[str, object]) -> Command:
    """What the body's fields ask for; `RefusalError` 10004 or 10015 otherwise.

    Unknown fields are ignored. What the vendor leaves open is refused here, so that nobody comes to rely on it: an
    empty key, a key given twice, a value that is not written as an integer.
    """
    group = _group(fields.get("GroupId"))
    if name == "update":
        return Update(group, _mode(fields.get("Mode")), _counters(fields.get("GroupCounter")))
    keys = _keys(fields.get("GroupCounterKeys", []))
    return Get(group, keys) if name == "get" else Delete(group, keys)


def _group(value: object) -> str:
    if not isinstance(value, str):
        raise RefusalError(10004, "GroupId must be a string")
    if not 1 <= len(value) <= MOST_GROUP_ID_BYTES or not (value.isascii() and value.isprintable()):
        raise RefusalError(10015, f"GroupId must be 1 to {MOST_GROUP_ID_BYTES} printable ASCII characters")
    return value


def _mode(value: object) -> Mode:
    for mode in MODES:
        if value == mode:
            return mode
    raise RefusalError(10004, "Mode must be Set, Increase or Decrease")


def _counters(value: object) -> dict[str, int]:
    if not isinstance(value, list) or not value:
        raise RefusalError(10004, "GroupCounter must be a list of at least one counter")
    counters: dict[str, int] = {}
    for item in value:
        if not isinstance(item, dict):
            raise RefusalError(10004, "each counter must be an object with Key and Value")
        key = _key(item.get("Key"))
        if key in counters:
            raise RefusalError(10004, "a Key is given twice")
        counters[key] = _value(item.get("Value"))
    return counters


def _keys(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise RefusalError(10004, "GroupCounterKeys must be a list")
    return tuple(_key(key) for key in value)


def _key(value: object) -> str:
    if not isinstance(value, str):
        raise RefusalError(10004, "Key must be a string")
    try:
        length_bytes = len(value.encode("utf-8"))
    except UnicodeEncodeError:
        raise RefusalError(10004, "Key must be valid Unicode") from None
    if not 1 <= length_bytes <= MOST_KEY_BYTES:
        raise RefusalError(10004, f"Key must take 1 to {MOST_KEY_BYTES} bytes")
    return value


def _value(value: object) -> int:
    if type(value) is not int or not LEAST_VALUE <= value <= MOST_VALUE:
        raise RefusalError(10004, "Value must be a signed 64-bit integer")
    return value
