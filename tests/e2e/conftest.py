"""A Chat server and a function on either cloud, with lives so short that what has to expire does so within the test.

Tests that end processes have instances of their own; the others share a warm one on each cloud, and have groups of
their own. Every instance is searched for secrets when it is over.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.backend import Backend
from tests.e2e.clouds import DIALECTS, INSTANCES, Cloud, Platform, calling, started
from tests.e2e.instances import FunctionInstance
from tests.sandbox.chat import ChatApp, ChatServer
from tests.sandbox.environment import KEY, SDKAPPID, sandboxed_environment

SHORT_LIVES: Final = {"SIGNATURE_LIFE_S": "2", "CLOCK_GUARD_S": "1", "CHAT_TIMEOUT_S": "0.5", "WAIT_S": "6"}


@pytest.fixture(params=sorted(INSTANCES))
def platform(request: pytest.FixtureRequest) -> Platform:
    chosen: Platform = request.param
    return chosen


@pytest.fixture(scope="session")
def shared_chat() -> Iterator[ChatServer]:
    """A Chat server for the tests that need none of their own."""
    with _chat() as server:
        yield server


@pytest.fixture(scope="session")
def warm_instances(
    shared_chat: ChatServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[Platform, FunctionInstance]]:
    """An instance of the same function on each cloud, started by the first test that wants it."""
    folder = tmp_path_factory.mktemp("warm")
    variables = sandboxed_environment(shared_chat.endpoint, folder / "function", DOCS="on", **SHORT_LIVES)
    with ExitStack() as stack:
        yield {name: stack.enter_context(started(name, variables, folder / name)) for name in INSTANCES}


@pytest.fixture(scope="session")
def group_numbers() -> Iterator[int]:
    return count(1)


@pytest.fixture
def cloud(
    platform: Platform,
    shared_chat: ChatServer,
    warm_instances: Mapping[Platform, FunctionInstance],
    group_numbers: Iterator[int],
) -> Iterator[Cloud]:
    """A warm instance on each cloud in turn."""
    group = f"room-{next(group_numbers)}"
    shared_chat.create_group(group)
    with calling(warm_instances[platform], DIALECTS[platform], group) as backend:
        yield Cloud(shared_chat, warm_instances[platform], backend, group)


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with _chat() as server:
        server.create_group("G")
        yield server


@pytest.fixture
def variables(chat: ChatServer, tmp_path: Path) -> dict[str, str]:
    """The environment of a function with that Chat server, a secret and a ledger."""
    return sandboxed_environment(chat.endpoint, tmp_path / "function", **SHORT_LIVES)


@pytest.fixture
def instance(platform: Platform, variables: dict[str, str], tmp_path: Path) -> Iterator[FunctionInstance]:
    """An instance that may be ended, on each cloud in turn."""
    with started(platform, variables, tmp_path / "first") as first:
        yield first


@pytest.fixture
def another(platform: Platform, variables: dict[str, str], tmp_path: Path) -> Iterator[FunctionInstance]:
    """Another instance of the same function: the same secret and ledger in another process."""
    with started(platform, variables, tmp_path / "second") as second:
        yield second


@pytest.fixture
def backend(instance: FunctionInstance, platform: Platform) -> Iterator[Backend]:
    with calling(instance, DIALECTS[platform]) as caller:
        yield caller


@pytest.fixture
def other_backend(another: FunctionInstance, platform: Platform) -> Iterator[Backend]:
    with calling(another, DIALECTS[platform]) as caller:
        yield caller


@contextmanager
def _chat() -> Iterator[ChatServer]:
    with ChatServer(ChatApp(sdkappid=SDKAPPID, keys=(KEY,))) as server:
        yield server
