"""What several files of tests have in common: servers on this machine, and names that no other test has."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.contract.redis_server import started
from tests.integration.on_call import AtThePage, OnCall, console
from tests.integration.wire import forget_environment
from tests.sandbox.ministack import MiniStack
from tests.sandbox.queue import Sqs
from tests.sandbox.redis_servers import RedisServer
from tests.sandbox.relay import Relay


@pytest.fixture(scope="module")
def sqs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sqs]:
    with MiniStack(tmp_path_factory.mktemp("ministack"), "sqs") as stack, Sqs(stack.endpoint) as client:
        yield client


@pytest.fixture(scope="module", params=["sqlite", "redis", "dynamodb"])
def ledger_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the ledger is, a new one for each kind."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        yield f"sqlite:///{folder}/ledger?synchronous=normal"
    elif request.param == "redis":
        with started(folder) as server:
            yield server.url
    else:
        with MiniStack(folder, "dynamodb") as stack:
            yield f"dynamodb://counters?endpoint={stack.endpoint}&create=true"


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    """A number for each thing that a test makes for itself."""
    return count(1)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with started(tmp_path) as running:
        yield running


@pytest.fixture
def relay(server: RedisServer) -> Iterator[Relay]:
    with Relay(server.port) as running:
        yield running


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Forget what this machine says about proxies and certificates.

    By a patch of its own: a test's own one has to end before that of a function which it changes.
    """
    with pytest.MonkeyPatch.context() as patch:
        forget_environment(patch)
        yield


@pytest.fixture(params=["by commands", "from the page"])
def on_call(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[OnCall]:
    """Each situation is found and ended twice: by the commands alone, and from the page alone."""
    if request.param == "by commands":
        yield OnCall(capsys)
    else:
        with console() as address:
            yield AtThePage(capsys, address)
