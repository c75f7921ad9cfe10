"""The new image of a DynamoDB stream's record, as a payload."""

from __future__ import annotations

import json
import re
from typing import TypeAlias

from handler.core.errors import BadInput
from handler.core.model.payload import FIELDS, field_path
from handler.triggers.event_kind import part_of

# DynamoDB's own limits of a number's digits and of nesting.
_WHOLE = re.compile(r"-?[0-9]{1,38}")
_DEPTH = 32

_NEW_IMAGE = ("dynamodb", "NewImage")

_Attribute: TypeAlias = tuple[int | str, ...]


def image_text(change: object) -> str:
    """The new image in the `dynamodb` part of a record, as plain JSON: each attribute of the item is a field.

    A table may have any key, so the key's attributes are left out unless the payload has fields of these names;
    `IdempotencyKey` makes a good key. BadInput names the attribute that cannot be read.
    """
    change = change if isinstance(change, dict) else {}
    image = change.get("NewImage")
    if not isinstance(image, dict):
        raise BadInput(field_path(_NEW_IMAGE), "is missing: the stream's view type must include new images")
    table_keys = part_of(change, "Keys").keys() - FIELDS
    item = {name: value for name, value in image.items() if name not in table_keys}
    return json.dumps(_unwrapped({"M": item}, _NEW_IMAGE, _DEPTH), ensure_ascii=False)


def _unwrapped(value: object, place: _Attribute, depth: int) -> object:
    """Unwrap an attribute value, such as {"N": "5"}."""
    if not isinstance(value, dict) or len(value) != 1 or not depth:
        raise BadInput(field_path(place), "is not an attribute value of DynamoDB")
    [(kind, content)] = value.items()
    if kind == "M" and isinstance(content, dict):
        return {str(name): _unwrapped(part, (*place, str(name)), depth - 1) for name, part in content.items()}
    if kind == "L" and isinstance(content, list):
        return [_unwrapped(part, (*place, index), depth - 1) for index, part in enumerate(content)]
    if kind == "N" and isinstance(content, str):
        return _whole(content, place)
    if (kind == "S" and isinstance(content, str)) or (kind == "BOOL" and isinstance(content, bool)):
        return content
    if kind == "NULL":
        return None
    raise BadInput(field_path(place), "has a type that a payload cannot have")


def _whole(digits: str, place: _Attribute) -> int:
    if not _WHOLE.fullmatch(digits):
        raise BadInput(field_path(place), "is not a whole number")
    return int(digits)
