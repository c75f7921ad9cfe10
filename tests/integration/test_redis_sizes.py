"""What a group takes in Redis: a stream that has fed it for long leaves its hash as small as a fresh one's."""

from collections.abc import Iterator

import pytest
from redis import Redis

from handler.core.model.row import Group
from handler.core.state.watermarks import WATERMARK_S, partitions_of
from tests.contract.samples import GROUP, entry
from tests.contract.streams import feed, placed
from tests.integration.redis_ledgers import opened, update
from tests.sandbox.redis_servers import RedisServer

FRESH = Group(GROUP.app, "fresh")
PREFIX = "update-group-counter"

# What a hash takes more where numbers in it are longer, and where an allocator rounds up.
SLACK = 128


@pytest.fixture
def client(server: RedisServer) -> Iterator[Redis]:
    with Redis.from_url(server.url, decode_responses=True) as client:
        yield client


def hash_of(client: Redis, group: Group) -> tuple[int, int]:
    """How many fields the group's hash has, and the bytes of memory that it takes."""
    [key] = client.keys(f"{{{PREFIX}:*}}:row:{group.id}")
    return client.hlen(key), client.memory_usage(key, samples=0) or 0


@pytest.mark.parametrize(("records", "shards"), [(3000, 1), (1, 1000)], ids=["3,000 records", "1,000 shards"])
def test_the_hash_of_a_group_that_a_stream_has_fed_is_as_small_as_a_fresh_one(
    server: RedisServer, client: Redis, records: int, shards: int
) -> None:
    """Batches of one record, which leave the fast path to begin and settle all of them."""
    with opened(server.url) as ledger:
        feed(ledger, FRESH, records=1)
        feed(ledger, GROUP, records=records, shards=shards)
    fields, memory = hash_of(client, GROUP)
    assert fields == hash_of(client, FRESH)[0]
    assert memory <= hash_of(client, FRESH)[1] + SLACK


def test_a_mark_expires_and_a_row_does_not(server: RedisServer, client: Redis) -> None:
    """366 days after it rose for the last time."""
    with opened(server.url) as ledger:
        feed(ledger, GROUP, records=2)
    [mark] = client.keys(f"{{{PREFIX}:*}}:mark:*")
    assert WATERMARK_S - 60 < client.ttl(mark) <= WATERMARK_S
    [row] = client.keys(f"{{{PREFIX}:*}}:row:*")
    assert client.ttl(row) == -1


def test_what_an_older_hash_has_left_over_goes_with_the_next_row_that_is_written_whole(
    server: RedisServer, client: Redis
) -> None:
    """Fields of operations that were settled long ago, and marks in the hash itself."""
    with opened(server.url) as ledger:
        update(ledger)
        fields, _ = hash_of(client, GROUP)
        [key] = client.keys(f"{{{PREFIX}:*}}:row:{GROUP.id}")
        client.hset(key, mapping={f"o:{number:022}": "an attempt of before" for number in range(100)})
        client.hset(key, "marks", f"{'p' * 16}:{7:064},")
        row = ledger.load(GROUP)
        assert row is not None
        assert row.watermarks == (("p" * 16, f"{7:064}"),)
        assert ledger.swap(GROUP, row.changed(watermarks=()), {}, dict(row.watermarks))
        assert hash_of(client, GROUP)[0] == fields
        assert ledger.watermarks(GROUP, ["p" * 16]) == dict(row.watermarks)


def test_a_settled_attempt_leaves_nothing_of_what_it_carried(server: RedisServer, client: Redis) -> None:
    """Operations with and without a record alike; what waits stays."""
    with opened(server.url) as ledger:
        feed(ledger, GROUP, records=2)
        update(ledger, "keyed")
        ledger.append(GROUP, [entry("waits"), placed(7, 0)], 10_000)
    [key] = client.keys(f"{{{PREFIX}:*}}:row:{GROUP.id}")
    left = sorted(name for name in map(str, client.hkeys(key)) if name.startswith(("o:", "p:")))
    assert left == sorted(["o:waits", f"o:{placed(7, 0).id}", f"p:{partitions_of([placed(7, 0)])[0]}"])
