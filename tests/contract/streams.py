"""A group that is fed by a stream, record by record: each is begun and settled as the core does it."""

from msgspec.structs import replace

from handler.core.model.operation import Position
from handler.core.model.outcome import UNRECORDED_S
from handler.core.model.row import Attempt, Entry, Group, Settlement
from handler.core.ports.ledger import Ledger
from tests.contract.samples import GENERATION, RECEIPT_KEY, attempt, entry, idle_row

STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/likes"


def placed(number: int, shard: int) -> Entry:
    """The record of that number, under an id as long as a real one."""
    at = Position.of(f"{STREAM}/shardId-{shard:012}", f"49{number:054}")
    return replace(entry(f"{shard:010}{number:012}"), fingerprint="", window_s=UNRECORDED_S, position=at)


def feed(ledger: Ledger, group: Group, *, records: int, shards: int = 1, in_a_call: int = 1) -> None:
    """Bring so many records of each of so many shards to the group, one shard after the other."""
    assert ledger.swap(group, idle_row(), {})
    base = idle_row().base or 0
    entries = [placed(number, shard) for shard in range(shards) for number in range(records)]
    for start in range(0, len(entries), in_a_call):
        run = _run(entries[start : start + in_a_call], start)
        assert ledger.begin(group, run, RECEIPT_KEY, GENERATION) is not None
        assert ledger.settle(group, Settlement(attempt=run, base=base, new_base=base + run.weight))
        base += run.weight


def _run(entries: list[Entry], number: int) -> Attempt:
    return attempt(*entries, name=f"{number:024}")
