"""Queues, topics and streams in a storm: records of SQS, CKafka and Kinesis, redelivered, with faults and `kill -9`.

Some come in envelopes of SNS or EventBridge, some of the stream's in aggregates, many of those ask for the same, and a
few can never be executed. `make flood RECORDS=3000` prints the figures. As in `storm`, the auditor takes the truth from
the Chat server; which records were refused for good it takes from what the sources were told in the end, in calm
weather, and from what is parked.
"""

import argparse
import base64
import json
import random
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from tests.faults.storms.ledgers import StormLedger
from tests.faults.storms.storm import every_fault
from tests.faults.storms.weather import SWEEP, KilledError, Weather
from tests.sandbox.aggregates import aggregate
from tests.sandbox.chat import ChatApp, ChatServer
from tests.sandbox.environment import KEY, SDKAPPID
from tests.sandbox.poller import sqs_event
from tests.sandbox.queue import Message, message

BATCH = 100
QUEUE_ARN = "arn:aws:sqs:eu-west-1:123456789012:likes"
TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:likes"
KEYS = ("like", "twin")
STREAM_ARN = "arn:aws:kinesis:eu-west-1:123456789012:stream/likes"


@dataclass(frozen=True)
class Note:
    """One record: an increase or decrease of one counter by a value that no other record has.

    A twin adds one to a counter of its own, as all twins of its group do. Poison has a value that is no number.
    """

    number: int
    group: str
    mode: str
    value: int
    is_twin: bool = False

    @property
    def payload(self) -> str:
        """The text in the queue or topic; every third names its own idempotency key."""
        value = str(self.value) if self.is_poison else self.value
        counters = [{"Key": "twin", "Value": 1}] if self.is_twin else [{"Key": "like", "Value": value}]
        body: dict[str, object] = {"GroupId": self.group, "GroupCounter": counters, "Mode": self.mode}
        if self.number % 3 == 0:
            body["IdempotencyKey"] = f"note-{self.number}"
        return json.dumps(body)

    @property
    def is_poison(self) -> bool:
        return self.number % 41 == 7

    @property
    def enveloped(self) -> str:
        """The text, in two of five in an envelope, whose identity it has then."""
        when, name = "2026-11-30T00:00:00Z", f"inner-{self.number}"
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
            # The partition key of an aggregate that its library has made of several.
            key, data = "a", aggregate([(note.group, note.payload) for note in self.notes])
        return {
            "kinesis": {"partitionKey": key, "sequenceNumber": self.sequence, "data": data},
            "eventID": f"shardId-000000000000:{self.sequence}",
            "eventSource": "aws:kinesis",
            "eventSourceARN": STREAM_ARN,
        }


def carried(notes: Sequence[Note]) -> list[Carried]:
    """These in order, every fifth record an aggregate of several."""
    records: list[Carried] = []
    place = 0
    while place < len(notes):
        size = 4 if len(records) % 5 == 4 else 1
        records.append(Carried(notes[place : place + size]))
        place += size
    return records


class Flood:
    """Records on their way, and the instances that get them in batches."""

    def __init__(
        self, folder: Path, server: ChatServer, *, seed: int, records: int, groups: int, instances: int
    ) -> None:
        self.chance = random.Random(seed)
        self.server = server
        self.weather = Weather(folder, server, self.chance, StormLedger(), instances=instances)
        self.figures = self.weather.figures
        third = records // 3
        self.notes = [self._note(number, groups, from_stream=number >= 2 * third) for number in range(records)]
        self.queue, self.topic = deque(self.notes[:third]), self.notes[third : 2 * third]
        self.shard = carried(self.notes[2 * third :])
        self.twins_parked: Counter[str] = Counter()
        self._lock = Lock()
        for number in range(groups):
            server.create_group(f"G{number}")

    def _note(self, number: int, groups: int, *, from_stream: bool) -> Note:
        """Half of the stream's records that have no key of their own are twins."""
        mode = self.chance.choice(("Increase", "Increase", "Decrease"))
        group, value = f"G{self.chance.randrange(groups)}", number * 10**6 + self.chance.randrange(10**6)
        is_twin = from_stream and number % 3 == 1 and number % 41 != 7
        return Note(number, group, "Increase" if is_twin else mode, value, is_twin)

    def run(self) -> float:
        """Let it rain; returns how many seconds it took until queue and topic were empty."""
        began = time.monotonic()
        with self.weather.raging(kill_every_s=1.2), ThreadPoolExecutor(4) as pollers:
            polls = [self._poll_queue, self._poll_queue, self._consume_topic, self._read_shard]
            for poller in [pollers.submit(poll) for poll in polls]:
                poller.result()
        return time.monotonic() - began

    def _poll_queue(self) -> None:
        """A poller of the queue: what fails comes back, and now and then what did not fail comes back as well."""
        chance = random.Random(self.chance.random())
        receives: Counter[int] = Counter()
        while batch := self._receive(chance):
            receives.update(note.number for note in batch)
            failed = self._failed(batch, chance)
            again = [note for note in batch if note in failed and receives[note.number] < 12]
            again += [note for note in batch if note not in failed and chance.random() < 0.05]
            with self._lock:
                self.queue.extend(again)
            self.figures["queue redeliveries"] += len(again)

    def _receive(self, chance: random.Random) -> list[Note]:
        with self._lock:
            size = min(len(self.queue), chance.randrange(1, BATCH + 1))
            batch = [self.queue.popleft() for _ in range(size)]
        # A queue that delivers at least once sometimes delivers twice in one batch.
        return batch + [note for note in batch if chance.random() < 0.02]

    def _failed(self, batch: Sequence[Note], chance: random.Random) -> list[Note]:
        try:
            reply = self.weather.invoke(sqs_event([note.sqs for note in batch], QUEUE_ARN), chance)
        except KilledError:
            return list(batch)
        if not isinstance(reply, Mapping):
            self.figures["raised"] += 1
            return list(batch)
        failures = {failure["itemIdentifier"] for failure in reply["batchItemFailures"]}
        self.figures["queue failures"] += len(failures)
        return [note for note in batch if note.sqs["MessageId"] in failures]

    def _consume_topic(self) -> None:
        """A consumer of the topic: in order, the same batch again until it is acknowledged, and sometimes after."""
        chance = random.Random(self.chance.random())
        position = 0
        while position < len(self.topic):
            size = chance.randrange(1, BATCH + 1)
            if self._acknowledged(self.topic[position : position + size], chance):
                # A rebalance goes back to an older position.
                position = max(0, position + size - (chance.randrange(size) if chance.random() < 0.1 else 0))

    def _acknowledged(self, batch: Sequence[Note], chance: random.Random) -> bool:
        try:
            reply = self.weather.invoke({"Records": [note.ckafka for note in batch]}, chance)
        except KilledError:
            return False
        self.figures["topic batches" if isinstance(reply, Mapping) else "raised"] += 1
        return isinstance(reply, Mapping)

    def _read_shard(self) -> None:
        """A consumer of the stream: from the first record that was not taken on, in batches of any size."""
        chance = random.Random(self.chance.random())
        position = 0
        while position < len(self.shard):
            batch = self.shard[position : position + chance.randrange(1, BATCH + 1)]
            taken = self._taken(batch, chance)
            # A checkpoint that was not written brings some of them again.
            position += max(0, taken - (chance.randrange(BATCH) if chance.random() < 0.1 else 0))

    def _taken(self, batch: Sequence[Carried], chance: random.Random) -> int:
        """How many records of the batch stand before the first that failed."""
        try:
            reply = self.weather.invoke({"Records": [record.kinesis for record in batch]}, chance)
        except KilledError:
            return 0
        if not isinstance(reply, Mapping):
            self.figures["raised"] += 1
            return 0
        failed = {failure["itemIdentifier"] for failure in reply["batchItemFailures"]}
        self.figures["stream batches"] += 1
        return next((place for place, record in enumerate(batch) if record.sequence in failed), len(batch))

    def calm(self) -> set[int]:
        """No more faults: finish everything, deliver everything once more, and learn what was refused for good."""
        self.server.clear_faults()
        chance = random.Random(0)
        self.weather.invoke(SWEEP, chance)
        refused: set[int] = set()
        third = len(self.notes) // 3
        for start in range(0, third, BATCH):
            refused |= {note.number for note in self._failed(self.notes[start : min(third, start + BATCH)], chance)}
        for start in range(0, third, BATCH):
            assert self._acknowledged(self.topic[start : start + BATCH], chance)
        for start in range(0, len(self.shard), BATCH):
            records = self.shard[start : start + BATCH]
            assert self._taken(records, chance) == len(records)
        self.weather.invoke(SWEEP, chance)
        return refused | self._parked(chance)

    def _parked(self, chance: random.Random) -> set[int]:
        parked: set[int] = set()
        after = ""
        while True:
            event: dict[str, object] = {"Type": "Operator", "task": "parked", "action": "list", "limit": 100}
            if after:
                event["after"] = after
            page = self.weather.invoke(event, chance)
            assert isinstance(page, Mapping), page
            for record in page["records"]:
                body = json.loads(record["payload"])
                # What can never be executed is parked as it came.
                body = json.loads(body["Message"]) if "Message" in body else body.get("detail", body)
                [counter] = body["GroupCounter"]
                if counter["Key"] == "twin":
                    self.twins_parked[body["GroupId"]] += counter["Value"]
                else:
                    parked.add(int(counter["Value"]) // 10**6)
            if not page.get("next"):
                return parked
            after = page["next"]

    def audit(self, refused: set[int]) -> list[str]:
        """What is wrong, in words; nothing if every counter is exact and nothing secret was said."""
        expected: Counter[tuple[str, str]] = Counter()
        for note in self.notes:
            if note.is_twin:
                expected[note.group, "twin"] += 1
            elif note.number not in refused:
                expected[note.group, "like"] += note.value if note.mode == "Increase" else -note.value
        for group, times in self.twins_parked.items():
            expected[group, "twin"] -= times
        truth = {(group, key): self.server.values(group).get(key, 0) for group in self.server.groups() for key in KEYS}
        wrong = [
            f"{group} {key} is {value}, not {expected[group, key]}"
            for (group, key), value in truth.items()
            if value != expected[group, key]
        ]
        poison = [note.number for note in self.notes if note.is_poison and note.number not in refused]
        return wrong + [f"{number} can never be executed, and is nowhere" for number in poison] + self.weather.leaks()


def play(
    *, seed: int, records: int, groups: int, instances: int, rate: float
) -> tuple[Flood, float, set[int], list[str]]:
    """One flood from beginning to end: the flood, its seconds, what was refused for good, and what the auditor says."""
    app = ChatApp(sdkappid=SDKAPPID, keys=(KEY,))
    with tempfile.TemporaryDirectory() as folder, ChatServer(app) as server:
        server.randomly(rate, every_fault(), seed)
        flood = Flood(Path(folder), server, seed=seed, records=records, groups=groups, instances=instances)
        try:
            took_s = flood.run()
            refused = flood.calm()
        finally:
            flood.weather.close()
        return flood, took_s, refused, flood.audit(refused)


def main() -> int:
    """Play one flood and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=3000)
    parser.add_argument("--groups", type=int, default=40)
    parser.add_argument("--instances", type=int, default=6)
    parser.add_argument("--rate", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    flood, took_s, refused, wrong = play(**vars(arguments))
    faults = sum(entry.fault is not None for entry in flood.server.journal())
    print(f"seed {arguments.seed}: {len(flood.notes)} records in {took_s:.0f} s, {len(refused)} refused for good")
    print(f"{faults} faults in {len(flood.server.journal())} calls, {flood.weather.kills} kills; {dict(flood.figures)}")
    twins = sum(note.is_twin for note in flood.notes)
    print(f"{twins} twins, of which {flood.twins_parked.total()} were parked")
    print("\n".join(wrong) if wrong else "every counter exact, nothing leaked")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
