"""Read the operation in a record's text: the HTTP body, perhaps with an `IdempotencyKey` and a `Caller`.

`read_plain` reads what is valid beyond doubt, by the same decoder and the same checks. It leaves all the rest to
`read_operation`, which says what is wrong.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from handler.core.errors import BadInput, BodyTooLarge, NotAccepted, OutcomeUnknown
from handler.core.model.operation import Operation, Origin
from handler.core.model.payload import DecodedBody, check_payload, decode_body, read_payload
from handler.core.model.placed import Content
from handler.triggers.foreign import advice
from handler.triggers.idempotency_key import read_key
from handler.triggers.parsing import BODY_BYTES, read_json
from handler.triggers.rights import RecordRights
from handler.triggers.sources.envelopes import Envelope, read_caller


class Requested(msgspec.Struct, frozen=True):
    """What a text asks for, and of which group; `key` is empty where that is the record's place in its source."""

    group_id: str
    content: Content
    caller: str
    key: str

    def operation(self, source: str, place: str, window_s: float) -> Operation:
        """The operation that the record `place` of a source requests."""
        caller, key = self.caller, self.key or place
        return Operation(
            group_id=self.group_id,
            mode=self.content.mode,
            counters=self.content.counters,
            caller=caller,
            key=key,
            window_s=window_s,
            origin=Origin(source=source, place=place, caller=caller, key=key),
        )


def read_operation(
    text: str, key: str, caller: str, receipt_key: str, window_s: float, envelope: Envelope | None = None
) -> Operation:
    """Read a record's text, or that of the envelope in it.

    `key` and `caller` are its source's: its origin, and used where neither the payload nor the envelope names any.
    Raises BadInput for all that HTTP refuses too.
    """
    place, source = key, caller
    if envelope is not None:
        text, key, caller = envelope.text, envelope.key, envelope.caller
    if len(text) > BODY_BYTES or len(data := text.encode(errors="surrogatepass")) > BODY_BYTES:
        raise BodyTooLarge("body", f"is longer than {BODY_BYTES // 1024} KiB")
    decoded = decode_body(data)
    if decoded is not None:
        requested = _requested(decoded, key, caller, receipt_key)
    else:
        document = read_json(text, "body")
        if not isinstance(document, dict):
            raise BadInput("body", "is not an object")
        own_key, own_caller = _names(document.pop("IdempotencyKey", UNSET), document.pop("Caller", UNSET), key, caller)
        if "GroupId" not in document and (known := advice(document)):
            raise BadInput("body", f"is {known}")
        payload = read_payload(document, receipt_key)
        requested = Requested(payload.group_id, Content(payload.mode, payload.counters), own_caller, own_key)
    return requested.operation(source, place, window_s)


def read_plain(text: bytes, source: str, receipt_key: str, rights: RecordRights) -> Requested | None:
    """Read a text of this source, once it has the right to what it asks for; None where in any doubt."""
    body = decode_body(text) if len(text) <= BODY_BYTES else None
    if body is None:
        return None
    try:
        found = _requested(body, "", source, receipt_key)
        content = found.content
        rights.check(source, found.caller, mode=content.mode, group_id=body.group_id, counters=content.counters)
    except (BadInput, NotAccepted, OutcomeUnknown):
        return None
    return found


def _requested(body: DecodedBody, key: str, caller: str, receipt_key: str) -> Requested:
    own_key, own_caller = _names(body.key, body.caller, key, caller)
    content = Content(body.mode, body.counters)
    check_payload(body.group_id, content.counters, receipt_key)
    return Requested(body.group_id, content, own_caller, own_key)


def _names(written_key: object, written_caller: object, key: str, caller: str) -> tuple[str, str]:
    """The key and the caller of the operation: those that the text names, else those of its source."""
    if written_key is not UNSET:
        key = read_key(_string(written_key, "IdempotencyKey"), "IdempotencyKey")
    if written_caller is not UNSET:
        caller = read_caller(_string(written_caller, "Caller"), "Caller")
    return key, caller


def _string(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise BadInput(field, "is not a string")
    return value
