"""The controls of a sandbox in another process, as a typed Python client."""

import http.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import urlsplit

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from tests.sandbox.commands import Name
from tests.sandbox.counters import GroupKind
from tests.sandbox.faults import Fault
from tests.sandbox.journal import Entry
from tests.sandbox.violations import Violation

_TIMEOUT_S: Final = 10.0

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The same controls as `Controls`, for the sandbox at `endpoint`. Wrong arguments are a `ValueError`, as there."""

    endpoint: str

    def create_group(self, group: str, kind: GroupKind = "Public", counters: Mapping[str, int] | None = None) -> None:
        """Make a group, with counters from the start if wanted."""
        self._tell("create_group", group=group, kind=kind, counters=counters)

    def dismiss_group(self, group: str) -> None:
        """Dismiss a group; its counters are gone, and the ID may be used again."""
        self._tell("dismiss_group", group=group)

    def groups(self) -> dict[str, GroupKind]:
        """The groups that are there, with the type of each."""
        return self._ask("groups", TypeAdapter(dict[str, GroupKind]))

    def values(self, group: str) -> dict[str, int]:
        """The true counters of a group, the receipt among them."""
        return self._ask("values", TypeAdapter(dict[str, int]), group=group)

    def plan(self, faults: Sequence[Fault | None], command: Name = "update", group: str = "*") -> None:
        """Let the next requests meet these faults, one each and in order; `None` lets one request pass unharmed."""
        self._tell("plan", faults=faults, command=command, group=group)

    def always(self, fault: Fault, command: Name = "update", group: str = "*") -> None:
        """Let every request of this command meet this fault."""
        self._tell("always", fault=fault, command=command, group=group)

    def randomly(
        self,
        rate: float,
        faults: Sequence[Fault],
        seed: int,
        commands: Sequence[Name] = ("update", "get"),
        group: str = "*",
    ) -> None:
        """Let a share of the requests meet one of these faults, drawn evenly by a seed, in place of an earlier draw."""
        self._tell("randomly", rate=rate, faults=faults, seed=seed, commands=commands, group=group)

    def clear_faults(self) -> None:
        """Forget all faults to come; what is under way goes on."""
        self._tell("clear_faults")

    def planned(self) -> int:
        """How many faults of `plan` no request has met yet."""
        return self._ask("planned", TypeAdapter(int))

    def set_rate_limit(self, calls_per_second: int | None) -> None:
        """Change the limit per command; `None` turns it off."""
        self._tell("set_rate_limit", calls_per_second=calls_per_second)

    def set_clock_offset(self, offset_s: float) -> None:
        """Set how far the API's clock is ahead of the real one. Delays keep their length."""
        self._tell("set_clock_offset", offset_s=offset_s)

    def set_apply_lag(self, lag_s: float) -> None:
        """Set how long the API takes from checking a signature to applying the request."""
        self._tell("set_apply_lag", lag_s=lag_s)

    def set_keys(self, keys: Sequence[str]) -> None:
        """Set the keys that are valid; several while one is being replaced."""
        self._tell("set_keys", keys=keys)

    def violate(self, violations: Sequence[Violation]) -> None:
        """Be an API that is not what the function assumes, in these ways and no others."""
        self._tell("violate", violations=violations)

    def journal(self, after: int = 0) -> tuple[Entry, ...]:
        """What happened to every request, in the order of arrival, from the one that follows number `after`."""
        return self._ask("journal", TypeAdapter(tuple[Entry, ...]), after=after)

    def dropped(self) -> int:
        """How many entries the journal had to let go because it was full; an auditor wants 0."""
        return self._ask("dropped", TypeAdapter(int))

    def connections(self) -> int:
        """TCP connections so far on which a call of the API came."""
        return self._ask("connections", TypeAdapter(int))

    def drain(self, timeout_s: float = 10.0) -> bool:
        """Wait until every request is answered and applied, late ones too; false if that takes longer."""
        return self._ask("drain", TypeAdapter(bool), patience_s=timeout_s, timeout_s=timeout_s)

    def reset(self) -> None:
        """Back to the start: no groups, faults, journal or landings; keys, limit, lag and clock as at first."""
        self._tell("reset")

    def _tell(self, control: str, **arguments: object) -> None:
        self._post(control, arguments, _TIMEOUT_S)

    def _ask(self, control: str, result: TypeAdapter[_Result], patience_s: float = 0.0, **arguments: object) -> _Result:
        return result.validate_json(self._post(control, arguments, _TIMEOUT_S + patience_s))

    def _post(self, control: str, arguments: Mapping[str, object], timeout_s: float) -> bytes:
        connection = http.client.HTTPConnection(urlsplit(self.endpoint).netloc, timeout=timeout_s)
        try:
            connection.request("POST", f"/sandbox/{control}", to_json(arguments), {"Connection": "close"})
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise ValueError(from_json(body)["error"])
        return body
