"""The records of a flood: what each of them asks for, and how its source delivers it."""

import base64
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from handler.core.model.operation import INT64_MAX
from tests.sandbox.aggregates import aggregate
from tests.sandbox.queue import Message, message

TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:likes"
STREAM_ARN = "arn:aws:kinesis:eu-west-1:123456789012:stream/likes"

# A counter for values that no other record has, one that records raise by one, and one that can be raised by so much
# before it is full: the API refuses for good what would raise it further, whatever else the same call raises.
LIKE, TWIN, BRIM = "like", "twin", "brim"
ROOM = 3
BEGUN = {BRIM: INT64_MAX - ROOM}

# A group that does not exist: the API refuses for good what is asked of it.
GONE = "gone"


@dataclass(frozen=True)
class Note:
    """One record: an increase or decrease of one counter. Poison has a value that is no number."""

    number: int
    group: str
    mode: str
    value: int
    key: str = LIKE
    is_of_stream: bool = False

    @property
    def payload(self) -> str:
        """The text in the queue, topic or stream; some name their own idempotency key."""
        value = str(self.value) if self.is_poison else self.value
        counters = [{"Key": self.key, "Value": value}]
        body: dict[str, object] = {"GroupId": self.group, "GroupCounter": counters, "Mode": self.mode}
        if self.number % (6 if self.is_of_stream else 3) == 0:
            body["IdempotencyKey"] = f"note-{self.number}"
        return json.dumps(body)

    @property
    def is_poison(self) -> bool:
        return is_poison(self.number)

    @property
    def moves(self) -> int:
        """By how much it moves its counter."""
        return self.value if self.mode == "Increase" else -self.value

    @property
    def enveloped(self) -> str:
        """The text, some in an envelope, whose identity it has then."""
        when, name = "2026-11-30T00:00:00Z", f"inner-{self.number}"
        if self.is_of_stream and self.number % 2:
            return self.payload
        if self.number % 5 == 1:
            topic = {"Type": "Notification", "MessageId": name, "TopicArn": TOPIC_ARN, "Timestamp": when}
            return json.dumps({**topic, "Message": self.payload})
        if self.number % 5 == 2:
            event = {"version": "0", "id": name, "detail-type": "likes", "source": "game", "account": "123456789012"}
            detail = {"time": when, "region": "eu-west-1", "resources": [], "detail": json.loads(self.payload)}
            return json.dumps({**event, **detail})
        return self.payload

    @property
    def sqs(self) -> Message:
        return message(f"message-{self.number}", self.enveloped)

    @property
    def ckafka(self) -> dict[str, object]:
        partition = {"topic": "likes", "partition": 0, "offset": self.number, "msgKey": "None"}
        return {"Ckafka": {**partition, "msgBody": self.payload}}


def is_poison(number: int) -> bool:
    """Whether the record of that number can never be executed."""
    return number % 41 == 7


@dataclass(frozen=True)
class Carried:
    """A record of the stream as its only shard has it: one note, whose group is the partition key, or an aggregate."""

    notes: Sequence[Note]

    @property
    def sequence(self) -> str:
        return f"{49 * 10**54 + self.notes[0].number}"

    @property
    def kinesis(self) -> dict[str, object]:
        key, data = self.notes[0].group, base64.b64encode(self.notes[0].enveloped.encode()).decode()
        if len(self.notes) > 1:
            # The partition key of an aggregate that its library has made of several groups' records.
            key = "a" if len({note.group for note in self.notes}) > 1 else key
            data = aggregate([(note.group, note.payload) for note in self.notes])
        return {
            "kinesis": {"partitionKey": key, "sequenceNumber": self.sequence, "data": data},
            "eventID": f"shardId-000000000000:{self.sequence}",
            "eventSource": "aws:kinesis",
            "eventSourceARN": STREAM_ARN,
        }


def carried(notes: Sequence[Note]) -> list[Carried]:
    """These in order, every eighth record an aggregate of several."""
    records: list[Carried] = []
    place = 0
    while place < len(notes):
        size = 4 if len(records) % 8 == 7 else 1
        records.append(Carried(notes[place : place + size]))
        place += size
    return records


class ParkedNotes:
    """What of a flood is parked in the end, and how often."""

    def __init__(self, notes: Iterable[Note]) -> None:
        self._notes = {note.number: note for note in notes}
        self.times: Counter[int] = Counter()
        """How often each note is parked, by its number; those on `LIKE` only, which have a value of their own."""
        self.sums: Counter[tuple[str, str]] = Counter()
        """What is parked of the other notes of each group and key, which raise it by one."""
        self.strange: list[str] = []

    def add(self, payload: str) -> None:
        """Take in one parked record; what can never be executed is parked as it came."""
        body = json.loads(payload)
        body = json.loads(body["Message"]) if "Message" in body else body.get("detail", body)
        [counter] = body["GroupCounter"]
        group, key, value = body["GroupId"], counter["Key"], int(counter["Value"])
        if key != LIKE:
            self.sums[group, key] += value
            return
        note = self._notes.get(value // 10**6)
        if note is None or (note.group, note.mode, note.value) != (group, body["Mode"], value):
            self.strange.append(f"{payload} is parked, and was never asked for")
        else:
            self.times[note.number] += 1

    def wrong(self) -> list[str]:
        """What was parked more than once, or as something else."""
        return self.strange + [f"{number} is parked {times} times" for number, times in self.times.items() if times > 1]


def expected(
    notes: Iterable[Note], refused: Iterable[int], parked: Mapping[tuple[str, str], int]
) -> Mapping[tuple[str, str], int]:
    """What each counter has to have been moved by, without what was refused for good."""
    sums: Counter[tuple[str, str]] = Counter()
    out = set(refused)
    for note in notes:
        if note.key != LIKE or note.number not in out:
            sums[note.group, note.key] += note.moves
    sums.subtract(parked)
    return sums
