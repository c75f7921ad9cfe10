"""What can go wrong with Redis, and what callers are told: that nothing was written, or that it may have been."""

import os
import re
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.core.ports.ledger import Ledger
from handler.core.ports.schedules import Hold, Schedule
from handler.ledgers.redis.ledger import RedisLedger
from tests.contract.parked_stores import APP, parked
from tests.contract.redis_server import started
from tests.contract.samples import GROUP, claim, idle_row, record
from tests.contract.stores import GivenClock
from tests.e2e.watching import wait_for
from tests.integration.redis_ledgers import READS, WRITES, opened
from tests.sandbox.redis_servers import RedisServer
from tests.sandbox.relay import Cut, Moment, Relay, Silence

README = Path(__file__).parents[2] / "handler" / "ledgers" / "README.md"


@pytest.fixture
def ledger(relay: Relay) -> Iterator[RedisLedger]:
    """A ledger on that way, with an idle row."""
    with opened(f"redis://{relay.address}/0") as made:
        made.swap(GROUP, idle_row(), {})
        yield made


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.DURING, Moment.AFTER])
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_write_that_was_cut_off_is_an_answer_lost(
    ledger: RedisLedger, relay: Relay, write: Callable[[Ledger], object], moment: Moment
) -> None:
    relay.befall(Cut(moment))
    with pytest.raises(AnswerLost):
        write(ledger)


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_read_that_was_cut_off_is_made_once_more(
    ledger: RedisLedger, relay: Relay, read: Callable[[Ledger], object]
) -> None:
    expected = read(ledger)
    relay.befall(Cut(Moment.AFTER))
    assert read(ledger) == expected
    # The first is for the read, the second for the introduction over the new connection.
    relay.befall(Cut(Moment.AFTER), Cut(Moment.AFTER))
    with pytest.raises(LedgerUnavailable):
        read(ledger)


def test_a_connection_that_was_closed_while_idle_costs_nobody_an_answer(ledger: RedisLedger, relay: Relay) -> None:
    for base in range(2, 6):
        relay.cut_all()
        row = ledger.load(GROUP)
        assert row is not None
        relay.cut_all()
        time.sleep(0.05)
        assert ledger.swap(GROUP, row.changed(base=base), {})


@pytest.mark.parametrize("call", [READS["load"], WRITES["swap"]], ids=["load", "swap"])
def test_a_server_that_is_silent_is_waited_for_no_longer_than_a_second(
    ledger: RedisLedger, relay: Relay, call: Callable[[Ledger], object]
) -> None:
    relay.befall(Silence(Moment.SENT))
    began = time.monotonic()
    with pytest.raises((AnswerLost, LedgerUnavailable), match="did not answer in time"):
        call(ledger)
    assert time.monotonic() - began < 1.8


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_replica_takes_no_writes(server: RedisServer, tmp_path: Path, write: Callable[[Ledger], object]) -> None:
    """Where the endpoint of a primary leads to one after a failover, nothing is written and that is said."""
    (tmp_path / "replica").mkdir()
    options = {"replicaof": f"127.0.0.1 {server.port}"}
    with opened(server.url) as primary, started(tmp_path / "replica", options=options) as replica:
        primary.swap(GROUP, idle_row(), {})
        with opened(replica.url) as ledger, pytest.raises(LedgerUnavailable, match=r"READONLY.*is a replica"):
            write(ledger)
        assert primary.load(GROUP) == idle_row()


def test_a_server_whose_memory_is_full_takes_nothing_half(ledger: RedisLedger, server: RedisServer) -> None:
    """A script is refused at its first write."""
    with Redis.from_url(server.url) as client:
        client.config_set("maxmemory", "1")
        with pytest.raises(LedgerUnavailable, match=r"OOM.*memory is full"):
            ledger.swap(GROUP, idle_row().changed(base=5), {"operation": record()})
        client.config_set("maxmemory", "0")
    assert ledger.load(GROUP) == idle_row()
    assert ledger.find(GROUP, ["operation"]) == {}


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_server_that_would_evict_is_refused(tmp_path: Path, policy: str) -> None:
    """The error says what to change; without a bound of memory nothing is ever evicted."""
    options = {"maxmemory": "100mb", "maxmemory-policy": policy}
    with started(tmp_path, options=options) as server, Redis.from_url(server.url) as client:
        with opened(server.url) as ledger, pytest.raises(LedgerUnavailable, match="maxmemory-policy to noeviction"):
            ledger.load(GROUP)
        client.config_set("maxmemory", "0")
        with opened(server.url) as ledger:
            assert ledger.load(GROUP) is None


def test_the_rights_that_the_readme_names_are_enough(tmp_path: Path) -> None:
    rights = re.search(r"needs `(~\S+)` and `([^`]+)`", README.read_text("utf-8"))
    assert rights is not None
    options = {"user": f"app on >word -@all {rights[1]} {' '.join(rights[2].split())}"}
    with started(tmp_path, options=options) as server, opened(server.url.replace("//", "//app:word@")) as ledger:
        ledger.swap(GROUP, idle_row(), {})
        for call in (*WRITES.values(), *READS.values()):
            call(ledger)
        ledger.delete(GROUP, 1)
        ledger.lease(claim(GivenClock(), 1))
        ledger.hold(Hold(APP, Schedule.ACCEPTANCES, 0, 0))
        ledger.note_windows(APP, "[]", ledger.windows(APP))
        ledger.has_rows(APP)
        kept = ledger.parked()
        kept.park(APP, parked(expires_at=1.0))
        kept.park(APP, parked(expires_at=4e9))
        assert (len(kept.page(APP, 10)), len(list(kept.labels(APP)))) == (1, 1)
        kept.unpark(APP, parked().id)
        kept.note(APP, "a", "1")
        assert kept.noted(APP, "a") == "1"


@pytest.mark.parametrize(
    ("user", "problem"), [("app:wrong-hunter2", "WRONGPASS"), ("app:hunter2", "NOPERM"), ("", "NOAUTH")]
)
def test_a_user_who_may_not_is_told_so_without_the_password(tmp_path: Path, user: str, problem: str) -> None:
    """Neither the error nor its traceback has it, and nothing has reached the store."""
    options = {"requirepass": "hunter2-of-default", "user": "app on >hunter2 ~* &* +@all -eval -evalsha"}
    with started(tmp_path, options=options) as server:
        url = server.url.replace("//", f"//{user}@" if user else "//")
        with opened(url) as ledger, pytest.raises(LedgerUnavailable, match=problem) as refused:
            ledger.swap(GROUP, idle_row(), {})
    assert "hunter2" not in "".join(traceback.format_exception(refused.value))


def test_what_is_shelved_fails_as_the_ledger_does(ledger: RedisLedger, relay: Relay) -> None:
    """A lost answer is one, and parking again shows that it was kept."""
    kept = ledger.parked()
    kept.park(7, parked())
    relay.befall(Cut(Moment.AFTER))
    with pytest.raises(AnswerLost):
        kept.park(APP, parked())
    kept.park(APP, parked(reason="another"))
    assert list(kept.page(APP, 10)) == [parked()]
    relay.befall(Cut(Moment.AFTER))
    with pytest.raises(AnswerLost):
        kept.note(APP, "a", "1")
    assert kept.noted(APP, "a") == "1"


def test_with_wait_a_write_without_a_replica_is_an_answer_lost(server: RedisServer) -> None:
    with opened(server.url, wait=1) as ledger:
        with pytest.raises(AnswerLost, match="1 replicas"):
            ledger.swap(GROUP, idle_row(), {})
        with pytest.raises(LedgerUnavailable, match="fewer replicas"):
            ledger.load(GROUP)


def test_with_wait_a_write_counts_once_a_replica_has_it(server: RedisServer, tmp_path: Path) -> None:
    """In the same round trip; a replica that has stopped is waited for in vain."""
    (tmp_path / "replica").mkdir()
    options = {"replicaof": f"127.0.0.1 {server.port}"}
    with Redis.from_url(server.url) as client:
        client.config_set("repl-diskless-sync-delay", "0")
        with started(tmp_path / "replica", options=options) as replica, Relay(server.port) as relay:
            wait_for(lambda: client.wait(1, 10) == 1, "the replica to be in step")
            with opened(f"redis://{relay.address}/0", wait=1) as ledger:
                ledger.swap(GROUP, idle_row(), {})
                before = relay.round_trips
                assert ledger.swap(GROUP, idle_row().changed(base=5), {})
                assert not ledger.swap(GROUP, idle_row(), {})
                assert ledger.load(GROUP) == idle_row().changed(base=5)
                assert relay.round_trips - before == 3
                os.kill(replica.process_id, signal.SIGSTOP)
                with pytest.raises(AnswerLost):
                    ledger.swap(GROUP, idle_row().changed().changed(base=6), {})
