"""The controls of a sandbox in another process, as a Python client."""

from dataclasses import dataclass, field

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json
from typing_extensions import Self

from layers.console.rules import TOKEN_HEADER
from tests.sandbox.caller import ask
from tests.sandbox.journal import Entry


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The same controls as `Controls`, for the sandbox at `endpoint`."""

    endpoint: str
    token: str = field(repr=False)

    @classmethod
    def at(cls, address: str) -> Self:
        """The sandbox at an address as it prints it: its endpoint, `/#` and its token."""
        endpoint, _, token = address.partition("/#")
        return cls(endpoint, token)

    def create_group(self, group: str) -> None:
        self.control("create_group", group=group)

    def values(self, group: str) -> dict[str, int]:
        """The true counters of a group, the receipt among them."""
        return TypeAdapter(dict[str, int]).validate_json(self.control("values", group=group))

    def journal(self, after: int = 0) -> tuple[Entry, ...]:
        """What happened to every request, in the order of arrival, from the one that follows number `after`."""
        return TypeAdapter(tuple[Entry, ...]).validate_json(self.control("journal", after=after))

    def control(self, name: str, **arguments: object) -> bytes:
        """The result of any control, as JSON. Wrong arguments are a `ValueError`, as they are for `Controls`."""
        headers = {"Content-Type": "application/json", TOKEN_HEADER: self.token}
        answer = ask(f"{self.endpoint}/sandbox/{name}", "POST", headers, to_json(arguments))
        if answer.status != 200:
            raise ValueError(from_json(answer.body)["error"])
        return answer.body
