"""What the text of a source's record asks for: the HTTP body, with `IdempotencyKey` and `Caller` where it has them."""

from __future__ import annotations

from handler.core.commands import Operation, read_payload
from handler.core.errors import BadInput, BodyTooLarge
from handler.triggers.documents import read_json
from handler.triggers.headers import read_key
from handler.triggers.request import BODY_BYTES

FIELDS = frozenset({"GroupId", "GroupCounter", "Mode", "IdempotencyKey", "Caller"})

CALLER_CHARACTERS = 256


def read_operation(text: str, key: str, caller: str, receipt_key: str, window_s: float) -> Operation:
    """Read a record's text; `key` and `caller` are the source's own, for a text that names none.

    Raises BadInput, for every field as over HTTP.
    """
    if len(text) > BODY_BYTES or len(text.encode(errors="surrogatepass")) > BODY_BYTES:
        raise BodyTooLarge("body", f"is longer than {BODY_BYTES // 1024} KiB")
    document = read_json(text, "body")
    if not isinstance(document, dict):
        raise BadInput("body", "is not an object")
    if "IdempotencyKey" in document:
        key = read_key(_text(document.pop("IdempotencyKey"), "IdempotencyKey"), "IdempotencyKey")
    if "Caller" in document:
        caller = _caller(_text(document.pop("Caller"), "Caller"))
    payload = read_payload(document, receipt_key)
    return Operation(payload.group_id, payload.mode, payload.counters, caller, key, window_s)


def _caller(name: str) -> str:
    if not 1 <= len(name) <= CALLER_CHARACTERS or not name.isprintable():
        raise BadInput("Caller", f"must be 1 to {CALLER_CHARACTERS} printable characters")
    return name


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise BadInput(field, "is not a string")
    return value
