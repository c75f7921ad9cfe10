"""Queues, topics and streams in a storm; `make flood` plays a larger one."""

from tests.faults.storms.flood import play


def test_a_flood_of_records_ends_with_every_counter_exact() -> None:
    """Redeliveries, faults and kills count nothing twice and lose nothing, from a queue, a topic and a stream alike."""
    flood, _, refused, wrong = play(seed=20261123, records=160, groups=8, instances=4, rate=0.3)
    assert not wrong, "\n".join(wrong)
    assert len(refused) < len(flood.notes) / 4
    assert flood.figures["queue redeliveries"]
    assert flood.figures["topic batches"]
    assert flood.figures["stream batches"]
    assert any(len(record.notes) > 1 for record in flood.shard)
