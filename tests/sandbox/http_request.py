"""An HTTP request as it came, and the few ways in which platforms spell its parts."""

import base64
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

_TEXT: Final = ("text/", "application/json", "application/javascript", "application/xml")
"""The content types whose bodies come as text; API Gateway's format 2.0 and load balancers send others in base64."""


@dataclass(frozen=True, slots=True)
class Request:
    """`path` and `query` are as sent; a header may stand more than once."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    time_ms: int = field(default_factory=lambda: int(time.time() * 1000))

    @property
    def arrived(self) -> str:
        """The moment of arrival in the Common Log Format."""
        return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(self.time_ms / 1000))

    def header(self, name: str) -> str:
        """The last value of a header, empty if it is not there."""
        return last(grouped(self.headers, str.lower)).get(name, "")

    def parameters(self) -> dict[str, list[str]]:
        """The decoded values of each name in the query."""
        return grouped(parse_qsl(self.query, keep_blank_values=True), str)

    def raw_parameters(self) -> dict[str, list[str]]:
        """The values of each name in the query, as sent."""
        pairs = [pair.partition("=") for pair in self.query.split("&") if pair]
        return grouped([(name, value) for name, _, value in pairs], str)

    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are lost on the way."""
        return self.body.decode("utf-8", "replace")

    def content(self) -> tuple[str, bool]:
        """The body as text or base64, and whether it is base64."""
        if not self.body or self.header("content-type").startswith(_TEXT):
            return self.text(), False
        return base64.b64encode(self.body).decode(), True


def grouped(pairs: Iterable[tuple[str, str]], spelled: Callable[[str], str]) -> dict[str, list[str]]:
    """The values of each name, in order; names that are `spelled` the same are one."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(spelled(name), []).append(value)
    return values


def last(values: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: each[-1] for name, each in values.items()}
