"""The schemas of the bodies of requests and answers, with the limits that the function checks."""

from __future__ import annotations

from typing import Final, cast

from handler.core.model.operation import GROUP_ID_BYTES, INT64_MAX, INT64_MIN, KEY_BYTES, KEYS_PER_GROUP, key_limit
from handler.core.model.payload import Payload
from handler.triggers.http import responses
from handler.triggers.idempotency_key import KEY_CHARACTERS
from layers.openapi.problems import schema_name

Json = dict[str, object]

RECEIPT_KEY: Final = "_receipt"
"""The document is of a function with the default of RECEIPT_KEY."""

# What Python calls printable: letters, marks, numbers, punctuation, symbols, and of all separators the space alone.
PRINTABLE: Final = r"^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$"

# A key as `read_key` reads it: bare, or a string of RFC 8941, without blanks in either.
_QUOTED: Final = rf'"([!#-\[\]-~]|\\["\\]){{1,{KEY_CHARACTERS}}}"'
_REST: Final = KEY_CHARACTERS - 1
QUERY_KEY: Final = rf"^[ \t]*([!#-~][!-~]{{0,{_REST}}}|{_QUOTED})[ \t]*$"

# A bare key in a header has no comma, by which platforms join two headers.
HEADER_KEY: Final = rf"^[ \t]*([!#-+\--~][!-+\--~]{{0,{_REST}}}|{_QUOTED})[ \t]*$"

EXAMPLE: Final[Json] = {"GroupId": "live-room", "GroupCounter": [{"Key": "like", "Value": 5}], "Mode": "Increase"}
EXAMPLE_KEY: Final = "3f0e7a52"

_INT64: Final[Json] = {"type": "integer", "format": "int64", "minimum": INT64_MIN, "maximum": INT64_MAX}
_EXACT: Final = "JavaScript's numbers are exact up to 2^53 - 1: beyond, use a JSON parser for big integers."


def group_id() -> Json:
    """A group's id, in a body or a query."""
    return {
        "type": "string",
        "minLength": 1,
        "maxLength": GROUP_ID_BYTES,
        "pattern": PRINTABLE,
        "description": f"The group's id: printable characters, at most {GROUP_ID_BYTES} bytes of UTF-8.",
    }


def key(pattern: str) -> Json:
    """An idempotency key, in a header or a query."""
    return {"type": "string", "pattern": pattern}


def schemas() -> dict[str, Json]:
    """Every body that is no problem, by name."""
    return {
        "Update": _update(),
        "Counter": _counter(),
        "Counters": _object({**_vendors_fields(), "GroupCounter": {"type": "array", "items": _reference("Value")}}),
        "Value": _object(
            {
                "Key": {"type": "string"},
                "Value": {**_INT64, "description": f"The counter's value after this operation. {_EXACT}"},
            }
        ),
        "Pending": _object({"state": {"const": "pending"}, "accepted": {"const": True}}),
        "State": _states(),
        "Applied": _beside("Counters", "applied", "Applied once; the stored answer stands beside the state."),
        "Refused": _beside("Rejected", "rejected", "Refused for good; the stored problem stands beside the state."),
        "Owed": _owed(),
        "Held": _held(),
        "Health": _object({"status": {"const": "ok"}, "version": {"type": "string"}}),
    }


def _update() -> Json:
    """The fields and the required ones are those of the model; what it checks beyond its types is added."""
    model = cast("Json", Payload.model_json_schema(ref_template="#/components/schemas/{model}"))
    fields = cast("dict[str, Json]", model["properties"])
    counters: Json = {
        "type": "array",
        "items": _reference("Counter"),
        "minItems": 1,
        "maxItems": key_limit(RECEIPT_KEY),
        "uniqueItems": True,
        "description": f"No `Key` stands twice. {KEYS_PER_GROUP} where the function works without receipts.",
    }
    mode: Json = {**fields["Mode"], "description": "`Increase` and `Decrease` take negative values, too."}
    mode.pop("title", None)
    return {
        "type": "object",
        "description": "The vendor's body; as JSON in UTF-8 of at most 64 KiB, in which no name stands twice.",
        "properties": {"GroupId": group_id(), "GroupCounter": counters, "Mode": mode},
        "required": model["required"],
        "additionalProperties": model["additionalProperties"],
    }


def _counter() -> Json:
    name: Json = {
        "type": "string",
        "minLength": 1,
        "maxLength": KEY_BYTES,
        "not": {"const": RECEIPT_KEY},
        "description": f"At most {KEY_BYTES} bytes of UTF-8, and not the receipt's key.",
    }
    value: Json = {
        **_INT64,
        "description": f"By how much to move the counter, or what to set it to, in digits alone: not `5.0`. {_EXACT}",
    }
    return {**_object({"Key": name, "Value": value}), "additionalProperties": False}


def _states() -> Json:
    named = {"applied": "Applied", "rejected": "Refused", "pending": "Owed", "frozen": "Held"}
    return {
        "description": "What became of an operation. A stored problem keeps its own `status` beside this 200.",
        "oneOf": [_reference(name) for name in named.values()],
        "discriminator": {
            "propertyName": "state",
            "mapping": {state: f"#/components/schemas/{name}" for state, name in named.items()},
        },
    }


def _beside(stored: str, state: str, description: str) -> Json:
    return {"description": description, "allOf": [_reference(stored), _object({"state": {"const": state}})]}


def _owed() -> Json:
    """An operation waits for its turn, or for the vendor to serve the app again: then with that problem."""
    refused = responses.STALLED
    optional: Json = {"type": {"const": refused.type}, "detail": {"type": "string"}, "ErrorCode": {"type": "integer"}}
    required: Json = {"state": {"const": "pending"}, "accepted": {"const": True}}
    return {
        "description": f"Accepted and owed. While the vendor refuses the whole app, `{refused.name}` stands beside.",
        **_object(required),
        "properties": required | optional,
        "dependentSchemas": {"type": _reference(schema_name(refused.name))},
    }


def _held() -> Json:
    problems = [_reference(schema_name(case.name)) for case in (responses.FROZEN, responses.OUTCOME_UNKNOWN)]
    reason: Json = {"type": "string", "description": "Why it is held, for the operator."}
    return {
        "description": "The group is frozen; or, without receipts, the reply was lost and the call is never repeated.",
        "allOf": [_object({"state": {"const": "frozen"}, "reason": reason})],
        "oneOf": problems,
    }


def _object(properties: Json) -> Json:
    return {"type": "object", "required": list(properties), "properties": properties}


def _vendors_fields() -> Json:
    return {"ActionStatus": {"const": "OK"}, "ErrorCode": {"const": 0}, "ErrorInfo": {"const": ""}}


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
