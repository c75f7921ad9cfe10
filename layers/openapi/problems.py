"""The schemas of problems: one for all, with every `type`, and one for each type, with what is fixed for it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from handler.core.ports.counter_api import Fault
from handler.core.ports.error_codes import VERDICTS
from handler.triggers.http import responses
from handler.triggers.http.responses import Case

Json = dict[str, object]

CASES: Final = tuple(case for case in vars(responses).values() if isinstance(case, Case))
"""Every problem of the function's replies; two of one name differ in `accepted`."""

NAMES: Final = tuple(dict.fromkeys(case.name for case in CASES))

# These name the field that is wrong.
_WITH_FIELD: Final = (responses.BAD_INPUT, responses.BODY_TOO_LARGE, responses.NOT_PERMITTED)


def statuses(name: str) -> list[int]:
    """The statuses that a problem can have: that of a refusal follows the vendor's code."""
    if name == responses.REJECTED.name:
        return sorted({meaning.status for meaning in VERDICTS.values() if meaning.fault is Fault.OPERATION})
    return sorted({case.status for case in CASES if case.name == name})


def schema_name(name: str) -> str:
    """The name of a problem's own schema: `GroupFrozen` for `group-frozen`."""
    return "".join(word.capitalize() for word in name.split("-"))


def schemas() -> dict[str, Json]:
    """`Problem`, and the schema of each type."""
    return {"Problem": _problem(), **{schema_name(name): _special(name) for name in NAMES}}


def one_of(names: Collection[str]) -> Json:
    """A problem of one of these types."""
    references: list[Json] = [{"$ref": f"#/components/schemas/{schema_name(name)}"} for name in names]
    if len(references) == 1:
        return references[0]
    mapping = {_type(name): f"#/components/schemas/{schema_name(name)}" for name in names}
    return {"oneOf": references, "discriminator": {"propertyName": "type", "mapping": mapping}}


def _problem() -> Json:
    fields: Json = {
        "type": {"type": "string", "enum": [_type(name) for name in NAMES], "description": _table()},
        "title": {"type": "string", "description": "The same for each occurrence of a type."},
        "status": {"type": "integer", "description": "The HTTP status of the answer to the update itself."},
        "detail": {"type": "string", "description": "What is wrong in this occurrence, for a developer to read."},
        "accepted": {
            "type": "boolean",
            "description": "Whether the operation is, or may be, taken on. While it is, repeat with the same key only.",
        },
        "field": {
            "type": "string",
            "description": "The path of the field that is wrong, such as `GroupCounter[0].Key`.",
        },
        "ActionStatus": {"const": "FAIL"},
        "ErrorCode": {"type": "integer", "description": "The vendor's code if it refused, else 0."},
        "ErrorInfo": {"type": "string", "description": "The vendor's words if it refused, else those of `detail`."},
    }
    return {
        "type": "object",
        "description": "A problem as RFC 9457 has it, with the three fields of the vendor's answers beside.",
        "required": [name for name in fields if name != "field"],
        "properties": fields,
        "x-problems": {_type(name): _told(name) for name in NAMES},
    }


def _special(name: str) -> Json:
    cases = [case for case in CASES if case.name == name]
    fixed: Json = {
        "type": {"const": _type(name)},
        "title": {"const": cases[0].title},
        "status": {"type": "integer", "enum": statuses(name)},
        "accepted": {"type": "boolean", "enum": sorted({case.accepted for case in cases})},
    }
    if any(case in _WITH_FIELD for case in cases):
        fixed["field"] = {"type": "string"}
    own: Json = {"type": "object", "required": list(fixed), "properties": fixed}
    return {"description": cases[0].then, "allOf": [{"$ref": "#/components/schemas/Problem"}, own]}


def _told(name: str) -> Json:
    """What is fixed for a type, for readers and programs that look for it in one place."""
    cases = [case for case in CASES if case.name == name]
    return {
        "title": cases[0].title,
        "status": statuses(name),
        "accepted": sorted({case.accepted for case in cases}),
        "then": cases[0].then,
    }


def _table() -> str:
    head = "Fixed for each case. `accepted` says whether the operation is, or may be, owed.\n\n"
    rows = ["| type | status | accepted | what a client does |", "|---|---|---|---|"]
    for name in NAMES:
        told = [case for case in CASES if case.name == name]
        accepted = " or ".join(sorted({str(case.accepted).lower() for case in told}))
        rows.append(f"| `{_type(name)}` | {', '.join(map(str, statuses(name)))} | {accepted} | {told[0].then} |")
    return head + "\n".join(rows)


def _type(name: str) -> str:
    return next(case.type for case in CASES if case.name == name)
