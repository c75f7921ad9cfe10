"""Queues, topics and streams in a storm; `make flood` plays a larger one."""

import json

from tests.faults.storms.flood import play
from tests.faults.storms.records import BRIM, GONE, TWIN, Note, ParkedNotes


def test_a_flood_of_records_ends_with_every_counter_exact() -> None:
    """Redeliveries, faults and kills count nothing twice and lose nothing, from a queue, a topic and a stream alike.

    So it is with what is refused for good amid others that it was added up with.
    """
    flood, _, refused, wrong = play(seed=20261123, records=210, groups=8, instances=4, rate=0.3)
    assert not wrong, "\n".join(wrong)
    assert len(refused) < len(flood.notes) / 4
    assert flood.figures["queue redeliveries"]
    assert flood.figures["topic batches"]
    assert flood.figures["stream batches"]
    assert any(len(record.notes) > 1 for record in flood.shard)
    assert flood.figures["entries of several records"]
    assert flood.figures["refused and taken apart"]
    assert flood.parked.sums["G0", BRIM]
    assert sum(note.group == GONE and note.key == TWIN for note in flood.notes) == flood.parked.sums[GONE, TWIN]


def test_a_note_that_is_parked_twice_or_as_another_is_seen() -> None:
    poison, good = Note(7, "G0", "Increase", 7_000_001), Note(8, "G0", "Increase", 8_000_001)
    parked = ParkedNotes([poison, good])
    parked.add(poison.payload)
    assert parked.wrong() == []
    parked.add(json.dumps({"Type": "Notification", "Message": poison.payload}))
    parked.add(good.payload.replace("8000001", "8000002"))
    assert [one.rpartition(" is ")[2].partition(",")[0] for one in parked.wrong()] == ["parked", "parked 2 times"]
