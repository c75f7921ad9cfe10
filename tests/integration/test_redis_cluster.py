"""The ledger in a Redis Cluster: groups lie on all primaries, and all of them together are the store."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis
from redis.crc import key_slot

from handler.core.errors import LedgerUnavailable
from handler.core.model.row import Group
from handler.core.ports.ledger import Ledger
from handler.ledgers.redis.ledger import PREFIX
from handler.ledgers.redis.rows import Keys
from tests.contract.parked_stores import APP, parked
from tests.contract.redis_server import started
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, claim, entry, idle_row, settlement
from tests.contract.stores import GivenClock
from tests.e2e.watching import wait_for
from tests.integration.redis_ledgers import commands_of, opened, update
from tests.sandbox.redis_cluster import SLOTS, redis_cluster
from tests.sandbox.redis_servers import RedisServer

GROUPS = [Group(APP, f"group {number:02}") for number in range(24)]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[RedisServer]]:
    folder = tmp_path_factory.mktemp("cluster")
    # Whether there is a server at all is found out, and told, in one place.
    started(folder)
    with redis_cluster(folder) as running:
        yield running


@pytest.fixture
def ledger(servers: Sequence[RedisServer]) -> Iterator[Ledger]:
    """A ledger in an empty cluster, which it enters by one of its servers."""
    for server in servers:
        with Redis.from_url(server.url) as client:
            client.flushall()
    with opened(servers[1].url, cluster=True) as made:
        yield made


def slot(group: Group) -> int:
    return key_slot(Keys(PREFIX).row(group).encode())


def test_operations_are_accepted_and_settled_on_every_primary(ledger: Ledger, servers: Sequence[RedisServer]) -> None:
    for group in GROUPS:
        update(ledger, group.id, group)
    for group in GROUPS:
        assert list(ledger.find(group, [group.id])) == [group.id]
    for server in servers:
        with Redis.from_url(server.url) as client:
            assert any(b":row:" in key for key in client.scan_iter())


def test_unfinished_groups_are_merged_from_all_primaries(ledger: Ledger) -> None:
    for group in reversed(GROUPS):
        ledger.swap(group, idle_row(), {})
        ledger.begin(group, attempt(entry()), RECEIPT_KEY, GENERATION)
    ids = [group.id for group in GROUPS]
    assert ledger.unfinished(APP, 100) == ids
    assert ledger.unfinished(APP, 5, after=ids[6]) == ids[7:12]
    for group in GROUPS:
        ledger.append(group, [entry("more")], 36 * 1024)
        assert ledger.settle(group, settlement(attempt(entry())))
    assert ledger.unfinished(APP, 100) == ids


def test_what_belongs_to_no_group_has_its_place_too(servers: Sequence[RedisServer], ledger: Ledger) -> None:
    """The schedule of calls, the generation, and what is shelved."""
    assert ledger.lease(claim(GivenClock(), 10)).wait_s == 0
    assert ledger.raise_generation().number == 2
    with opened(servers[0].url, cluster=True) as other:
        assert other.generation().number == 2
        kept = other.parked()
        kept.park(APP, parked())
        kept.note(APP, "a", "1")
        assert (list(kept.page(APP, 10)), kept.noted(APP, "a")) == ([parked()], "1")


def test_a_slot_that_has_moved_is_followed_to_its_new_primary(servers: Sequence[RedisServer], ledger: Ledger) -> None:
    """While it moves, by a redirection for one command, and then for good; nothing is done twice."""
    ledger.swap(GROUP, idle_row(), {})
    with ExitStack() as stack:
        clients = [stack.enter_context(Redis.from_url(server.url, decode_responses=True)) for server in servers]
        here = slot(GROUP) * len(servers) // SLOTS
        there = (here + 1) % len(servers)
        names = [client.cluster("MYID") for client in clients]
        clients[there].cluster("SETSLOT", slot(GROUP), "IMPORTING", names[here])
        clients[here].cluster("SETSLOT", slot(GROUP), "MIGRATING", names[there])
        keys = clients[here].cluster("GETKEYSINSLOT", slot(GROUP), 100)
        clients[here].migrate("127.0.0.1", servers[there].port, list(keys), 0, 5000)
        assert ledger.load(GROUP) == idle_row()
        for client in (clients[there], clients[here]):
            client.cluster("SETSLOT", slot(GROUP), "NODE", names[there])
        assert ledger.swap(GROUP, idle_row().changed(base=5), {})
        assert ledger.load(GROUP) == idle_row().changed(base=5)
        assert ledger.generation().number == GENERATION
        for client in clients:
            client.cluster("SETSLOT", slot(GROUP), "NODE", names[there])


@pytest.mark.parametrize("which", [0, 1], ids=["the first", "a later one"])
def test_rows_of_a_slot_that_is_moving_are_read_from_both_primaries(
    servers: Sequence[RedisServer], ledger: Ledger, which: int
) -> None:
    """One of them is there already, and all are asked for together."""
    for group in GROUPS:
        ledger.swap(group, idle_row(), {})
    by_slot = {slot(group): [other for other in GROUPS if slot(other) == slot(group)] for group in GROUPS}
    moving = sorted(place for place, groups in by_slot.items() if len(groups) > 1 and place != slot(GROUP))[which]
    with ExitStack() as stack:
        clients = [stack.enter_context(Redis.from_url(server.url, decode_responses=True)) for server in servers]
        here = moving * len(servers) // SLOTS
        there = (here + 1) % len(servers)
        names = [client.cluster("MYID") for client in clients]
        clients[there].cluster("SETSLOT", moving, "IMPORTING", names[here])
        clients[here].cluster("SETSLOT", moving, "MIGRATING", names[there])
        gone = Keys(PREFIX).row(by_slot[moving][which])
        clients[here].migrate("127.0.0.1", servers[there].port, gone, 0, 5000)
        assert ledger.rows(APP, [group.id for group in GROUPS]) == {group.id: idle_row() for group in GROUPS}
        rest = clients[here].cluster("GETKEYSINSLOT", moving, 100)
        clients[here].migrate("127.0.0.1", servers[there].port, list(rest), 0, 5000)
        for client in (clients[there], clients[here]):
            client.cluster("SETSLOT", moving, "NODE", names[there])


def test_a_server_of_a_cluster_that_is_not_called_one_says_what_to_change(servers: Sequence[RedisServer]) -> None:
    """Rather than to fail for some groups only."""
    generation = key_slot(Keys(PREFIX).generation.encode()) * len(servers) // SLOTS
    with (
        opened(servers[(generation + 1) % len(servers)].url) as ledger,
        pytest.raises(LedgerUnavailable, match="cluster=true"),
    ):
        ledger.load(GROUP)


def test_a_replica_that_takes_over_begins_a_new_generation(tmp_path: Path) -> None:
    """For all groups, and no command runs on it before; the cluster is entered by those that are left."""
    started(tmp_path)
    with redis_cluster(tmp_path, replicas=1) as servers, opened(servers[0].url, cluster=True) as ledger:
        mine = next(group for group in GROUPS if slot(group) < SLOTS // 3)
        ledger.swap(mine, idle_row(), {})
        with Redis.from_url(servers[0].url) as client:
            client.wait(1, 5000)
        servers[0].kill()
        problems = []

        def is_back() -> bool:
            try:
                return ledger.load(mine) == idle_row()
            except LedgerUnavailable as problem:
                problems.append(str(problem))
                return False

        wait_for(is_back, "the replica to take over")
        assert "another server than before" in problems[-1]
        assert ledger.generation().number == 2


def test_a_warm_operation_in_a_cluster_takes_two_round_trips(servers: Sequence[RedisServer], ledger: Ledger) -> None:
    ledger.swap(GROUP, idle_row(), {})
    ledger.begin(GROUP, attempt(entry("a")), RECEIPT_KEY, GENERATION)
    ledger.settle(GROUP, settlement(attempt(entry("a"))))
    before = scripts_called(servers)
    ledger.begin(GROUP, attempt(entry("b")), RECEIPT_KEY, GENERATION)
    assert ledger.settle(GROUP, settlement(attempt(entry("b")), 601_000))
    assert scripts_called(servers) - before == 2


def scripts_called(servers: Sequence[RedisServer]) -> int:
    """How many scripts all servers together were asked to run."""
    with ExitStack() as stack:
        clients = [stack.enter_context(Redis.from_url(server.url)) for server in servers]
        return sum(count for client in clients for name, count in commands_of(client).items() if "eval" in name)
