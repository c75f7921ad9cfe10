"""The function on either cloud, and a caller of it; both are searched for secrets when they are over."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from tests.e2e.backend import Backend
from tests.e2e.instances import FunctionInstance
from tests.e2e.leaks import leaks
from tests.e2e.runtime_api import LambdaInstance
from tests.e2e.scf import ScfInstance
from tests.sandbox.chat import ChatServer
from tests.sandbox.dialects import Dialect
from tests.sandbox.gateway import Gateway

Platform: TypeAlias = Literal["lambda", "scf"]

INSTANCES: Final[Mapping[Platform, type[FunctionInstance]]] = {"lambda": LambdaInstance, "scf": ScfInstance}
DIALECTS: Final[Mapping[Platform, Dialect]] = {"lambda": "http-v2", "scf": "scf"}


@dataclass(frozen=True, slots=True)
class Cloud:
    """A warm instance, one of its callers, and a group that only this test uses."""

    chat: ChatServer
    instance: FunctionInstance
    backend: Backend
    group: str

    @property
    def like(self) -> int:
        return self.chat.values(self.group).get("like", 0)

    @property
    def updates(self) -> int:
        """How many updates of the group have reached the Chat server."""
        return sum(entry.command == "update" and entry.group == self.group for entry in self.chat.journal())


@contextmanager
def started(
    platform: Platform,
    variables: Mapping[str, str],
    folder: Path,
    kinds: Mapping[Platform, type[FunctionInstance]] = INSTANCES,
) -> Iterator[FunctionInstance]:
    """An instance of the function. Whatever is done to it, no secret is in its logs."""
    with kinds[platform](variables, folder) as instance:
        yield instance
        assert leaks(instance.logs) == []


@contextmanager
def calling(instance: FunctionInstance, dialect: Dialect, group: str = "G") -> Iterator[Backend]:
    """A caller of `instance` by way of a gateway. Whatever it is told, no secret is in it."""
    with Gateway(instance.handle, dialect) as gateway:
        caller = Backend(gateway.url, group)
        yield caller
        assert leaks("".join(f"{answer.headers} {answer.body!r}" for answer in caller.heard)) == []
