"""A Redis that was restarted, replaced or put back may have forgotten: it is met as another one before it is used."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from redis import Redis

from handler.config.ledger_url import RedisUrl
from handler.core.errors import LedgerUnavailable
from handler.core.model.row import Pause
from handler.core.ports.ledger import Generation, Ledger
from handler.ledgers.redis.ledger import ASKS_AFTER_S, RedisLedger
from tests.contract.redis_server import started
from tests.contract.redis_store import no_warning
from tests.contract.samples import GENERATION, GROUP, RECEIPT_KEY, attempt, entry, idle_row
from tests.contract.stores import GivenClock
from tests.integration.redis_ledgers import WRITES, commands_of, opened, update
from tests.sandbox.redis_servers import RedisServer
from tests.sandbox.relay import Relay

DURABLE = {"appendonly": "yes", "appendfsync": "always"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that has on disk what it acknowledged."""
    with started(tmp_path, options=DURABLE) as running:
        yield running


def test_a_restart_begins_a_new_generation(server: RedisServer) -> None:
    """It lasts as long as the server does; when it started is for a worker to say that hears the API's time."""
    with opened(server.url) as ledger:
        assert ledger.generation() == Generation(1, 0)
        server.restart()
        with pytest.raises(LedgerUnavailable, match="another server than before"):
            ledger.load(GROUP)
        raised = ledger.generation()
        assert raised == Generation(2, 0)
    with opened(server.url) as cold:
        assert cold.generation() == raised


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_the_command_that_meets_another_server_does_not_run_there(
    server: RedisServer, write: Callable[[Ledger], object]
) -> None:
    with opened(server.url) as ledger:
        ledger.swap(GROUP, idle_row(), {})
        server.restart()
        with pytest.raises(LedgerUnavailable):
            write(ledger)
        with Redis.from_url(server.url) as client:
            assert {"evalsha", "mget"}.isdisjoint(commands_of(client))
        assert ledger.load(GROUP) == idle_row()


def test_a_row_is_not_written_over_what_another_server_has(server: RedisServer) -> None:
    """It was read before the failover, and somebody else of this process has met the new server since."""
    with opened(server.url) as ledger:
        ledger.swap(GROUP, idle_row(), {})
        row = ledger.load(GROUP)
        assert row is not None
        server.restart()
        with ThreadPoolExecutor(1) as elsewhere, pytest.raises(LedgerUnavailable):
            elsewhere.submit(ledger.load, GROUP).result()
        with pytest.raises(LedgerUnavailable, match="whose place another has taken"):
            ledger.swap(GROUP, row.changed(base=5), {})
        assert ledger.load(GROUP) == idle_row()
        assert ledger.swap(GROUP, row.changed(base=5), {})


def test_however_many_meet_a_new_server_it_is_one_generation(server: RedisServer) -> None:
    with ExitStack() as stack:
        ledgers = [stack.enter_context(opened(server.url)) for _ in range(5)]
        for ledger in ledgers:
            ledger.load(GROUP)
        server.restart()
        for ledger in ledgers:
            with pytest.raises(LedgerUnavailable):
                ledger.load(GROUP)
        assert [ledger.generation().number for ledger in ledgers] == [2] * 5


def test_a_connection_that_was_cut_says_nothing_of_the_server(server: RedisServer) -> None:
    """The next one leads to the same, and the generation stays."""
    with Relay(server.port) as relay, opened(f"redis://{relay.address}/0") as ledger:
        update(ledger)
        relay.cut_all()
        assert ledger.load(GROUP) is not None
        relay.cut_all()
        update(ledger, "second")
        assert ledger.generation() == Generation(1, 0)


def test_a_server_that_was_put_back_to_a_copy_is_of_a_new_generation(server: RedisServer, tmp_path: Path) -> None:
    """Its rows are older than that, so nothing is opened in them before they are verified."""
    with opened(server.url) as ledger:
        update(ledger, "kept")
        server.keep(tmp_path / "copy")
        update(ledger, "forgotten")
        server.kill()
        server.put_back(tmp_path / "copy")
        server.start()
        with pytest.raises(LedgerUnavailable):
            ledger.load(GROUP)
        # The server's own clock does not say when it started (R12).
        assert ledger.generation() == Generation(2, 0)
        assert set(ledger.find(GROUP, ["kept", "forgotten"])) == {"kept"}
        assert ledger.begin(GROUP, attempt(entry("new")), RECEIPT_KEY, 2) is None


def test_an_operators_generation_is_known_to_all_at_their_next_write(server: RedisServer) -> None:
    """Nobody opens an attempt or writes a row on the strength of the older one."""
    with opened(server.url) as operator, opened(server.url) as ledger:
        ledger.swap(GROUP, idle_row(), {})
        raised = operator.raise_generation()
        assert ledger.begin(GROUP, attempt(entry()), RECEIPT_KEY, GENERATION) is None
        assert ledger.generation() == Generation(2, 0)
        operator.start_generation(raised, 1_800_000_000)
        assert ledger.start_generation(raised, 1_800_000_009) == Generation(2, 1_800_000_000)
        operator.raise_generation()
        assert not ledger.swap(GROUP, idle_row().changed(base=5), {})
        assert ledger.generation() == Generation(3, 0)
        assert ledger.swap(GROUP, idle_row().changed(base=5), {})


def test_a_pause_is_known_to_all_at_their_next_write_and_its_end_a_little_later(server: RedisServer) -> None:
    """Meanwhile nothing is opened; before, and between two questions, it is no round trip."""
    clock = GivenClock()
    place = RedisUrl(server.url)
    with opened(server.url) as operator, closing(RedisLedger(place, clock, warn=no_warning)) as ledger:
        ledger.swap(GROUP, idle_row(), {})
        pause = Pause(1_700_000_000, "why")
        operator.pause(pause)
        assert ledger.generation() == Generation(1, 0)
        assert ledger.begin(GROUP, attempt(entry()), RECEIPT_KEY, GENERATION) is None
        assert (ledger.generation().paused, ledger.load(GROUP)) == (pause, idle_row())
        operator.pause(None)
        assert ledger.generation().paused == pause
        clock.advance(ASKS_AFTER_S)
        assert ledger.generation().paused is None
        assert ledger.begin(GROUP, attempt(entry()), RECEIPT_KEY, GENERATION) is not None


def test_an_instance_that_lists_groups_knows_of_a_pause_without_a_further_round_trip(server: RedisServer) -> None:
    """A sweep and a look over all groups write nothing where nothing is owed."""
    pause = Pause(1_700_000_000, "why")
    with Relay(server.port) as relay, opened(server.url) as operator, opened(f"redis://{relay.address}/0") as ledger:
        assert ledger.unfinished(GROUP.app, 10) == []
        for paused in (pause, None):
            operator.pause(paused)
            before = relay.round_trips
            assert ledger.unfinished(GROUP.app, 10) == []
            assert (ledger.generation().paused, relay.round_trips - before) == (paused, 1)


def test_a_store_that_was_emptied_begins_with_the_first_generation(server: RedisServer) -> None:
    """Without a row every group is met as one never seen (R9)."""
    with opened(server.url) as ledger, Redis.from_url(server.url) as client:
        ledger.raise_generation()
        client.flushall()
        assert not ledger.swap(GROUP, idle_row(), {})
        assert ledger.generation() == Generation(1, 0)
        assert ledger.swap(GROUP, idle_row(), {})


def test_where_a_server_does_not_tell_who_it_is_the_generation_stays_and_a_warning_says_so(tmp_path: Path) -> None:
    options = {**DURABLE, "user": "app on nopass ~* &* +@all -info"}
    warnings: list[str] = []
    with started(tmp_path, options=options) as server:
        url = server.url.replace("//", "//app:any@")
        with opened(url, warn=warnings.append) as ledger:
            update(ledger)
            server.restart()
            update(ledger, "second")
            assert ledger.generation() == Generation(1, 0)
    assert [("wait=1" in text, "maxmemory-policy" in text) for text in warnings] == [(False, True), (True, False)]
