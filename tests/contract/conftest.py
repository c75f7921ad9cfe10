"""The ledgers under contract as fixtures: each test runs once for every kind that `stores` names."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from handler.core.ports.ledger import ParkedAndNotes
from tests.contract.parked_stores import PARKED_STORES
from tests.contract.redis_server import end_shared_servers
from tests.contract.stores import LEDGERS, SHARED_LEDGERS, Closing, GivenClock, OpenLedger, SharedStore, Store
from tests.sandbox.ministack import MiniStack


@pytest.fixture(scope="session", autouse=True)
def _servers() -> Iterator[None]:
    """The servers that tests share end with the last test."""
    yield
    end_shared_servers()


@pytest.fixture(scope="session")
def dynamodb_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where DynamoDB is, started by the first test that wants it."""
    with MiniStack(tmp_path_factory.mktemp("ministack"), "dynamodb") as stack:
        yield stack.endpoint


@pytest.fixture
def clock() -> GivenClock:
    return GivenClock()


@pytest.fixture(params=sorted(LEDGERS))
def store(request: pytest.FixtureRequest, clock: GivenClock) -> Store:
    return LEDGERS[request.param](request, clock)


@pytest.fixture(params=sorted(SHARED_LEDGERS))
def shared_store(request: pytest.FixtureRequest, clock: GivenClock) -> SharedStore:
    """An empty store that other processes reach too."""
    return SHARED_LEDGERS[request.param](request, clock)


@pytest.fixture
def ledger(store: Store, clock: GivenClock) -> Iterator[OpenLedger]:
    opened = store.open(clock)
    yield opened
    opened.close()


@pytest.fixture
def shared_ledger(shared_store: SharedStore, clock: GivenClock) -> Iterator[OpenLedger]:
    """A ledger on an empty store that other processes reach too."""
    opened = shared_store.open(clock)
    yield opened
    opened.close()


@pytest.fixture(params=sorted(PARKED_STORES))
def parked_store(request: pytest.FixtureRequest) -> Iterator[ParkedAndNotes]:
    with PARKED_STORES[request.param](request) as opened:
        yield opened


@pytest.fixture
def closing() -> Iterator[Closing]:
    with ExitStack() as stack:

        def closed_later(ledger: OpenLedger) -> OpenLedger:
            stack.callback(ledger.close)
            return ledger

        yield closed_later
