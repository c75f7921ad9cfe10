"""The control interface over HTTP: `/sandbox/<control>` with named arguments as JSON, answered with the result as JSON.

Reads also answer GET, with their arguments in the query string, so that a browser or curl can look in. A POST carries
the server's token, and no page of another origin gets an answer (`layers.console.rules`).
"""

from collections.abc import Callable, Mapping
from typing import Final

from pydantic import ConfigDict, TypeAdapter, ValidationError, validate_call
from pydantic_core import to_json

from tests.sandbox.controls import Controls
from tests.sandbox.replies import Reply

READS: Final = ("groups", "values", "planned", "journal", "dropped", "connections")
WRITES: Final = (
    *("create_group", "dismiss_group", "plan", "always", "randomly", "clear_faults", "set_rate_limit"),
    *("set_clock_offset", "set_apply_lag", "set_keys", "violate", "drain", "reset"),
)


def answer(controls: Controls, method: str, operation: str, query: Mapping[str, str], body: bytes) -> Reply:
    """Do what a control request asks for. Status 404 for an unknown control, 400 for wrong arguments."""
    if operation not in (READS if method == "GET" else READS + WRITES):
        return _error(404, f"no such control; to read: {', '.join(READS)}; by POST only: {', '.join(WRITES)}")
    control: Callable[..., object] = getattr(controls, operation)
    try:
        arguments = TypeAdapter(dict[str, object]).validate_json(body) if body else query
        result = validate_call(config=ConfigDict(extra="forbid"))(control)(**arguments)
    except ValidationError as error:
        return _error(400, _named(error))
    except ValueError as error:
        return _error(400, str(error))
    return Reply("sent", body=to_json(result))


def _named(error: ValidationError) -> str:
    # Without the values: a key of the app may be among them.
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    places = [".".join(str(step) for step in ("arguments", *fault["loc"])) for fault in faults]
    return "; ".join(f"{place}: {fault['msg']}" for place, fault in zip(places, faults, strict=True))


def _error(status: int, message: str) -> Reply:
    return Reply("sent", status=status, body=to_json({"error": message}))
