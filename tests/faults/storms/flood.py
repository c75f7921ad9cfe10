"""Queues, topics and streams in a storm: records of SQS, CKafka and Kinesis, redelivered, with faults and `kill -9`.

Some come in envelopes of SNS or EventBridge, some of the stream's in aggregates, many of those ask for the same, and a
few can never be executed. The API refuses some for good that are added up with others: a counter is full, or their
group does not exist. `make flood RECORDS=3000` prints the figures. As in `storm`, the auditor takes the truth from the
Chat server; which records were refused for good it takes from what the sources were told in the end, in calm weather,
and from what is parked.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from tests.faults.storms.history import History
from tests.faults.storms.ledgers import StormLedger
from tests.faults.storms.records import (
    BEGUN,
    BRIM,
    GONE,
    LIKE,
    TWIN,
    Carried,
    Note,
    ParkedNotes,
    carried,
    expected,
    is_poison,
)
from tests.faults.storms.storm import every_fault
from tests.faults.storms.weather import SWEEP, KilledError, Weather
from tests.sandbox.chat import ChatApp, ChatServer
from tests.sandbox.environment import KEY, SDKAPPID
from tests.sandbox.poller import sqs_event

BATCH = 100
QUEUE_ARN = "arn:aws:sqs:eu-west-1:123456789012:likes"

# So many of the stream's records are of one group in twenty, as those of live rooms are.
HOT_SHARE = 0.8
HOT_IN = 20

# Longer than a group waits at most after calls that were lost one after another (R11).
CALM_S = 150.0


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
        self.parked = ParkedNotes(self.notes)
        self.history = History(folder / "ledger.sqlite")
        self.owing: list[str] = []
        self._lock = Lock()
        for number in range(groups):
            server.create_group(f"G{number}", counters=BEGUN)

    def _note(self, number: int, groups: int, *, from_stream: bool) -> Note:
        """Of the stream's records that have no key of their own three in four ask for the same as others do."""
        mode, value = "Increase", number * 10**6 + self.chance.randrange(10**6)
        if self.chance.random() < (0.1 if from_stream else 0.3):
            mode = "Decrease"
        is_hot = from_stream and self.chance.random() < HOT_SHARE
        group = f"G{self.chance.randrange(max(1, groups // HOT_IN) if is_hot else groups)}"
        if from_stream and number % 29 == 5:
            group = GONE
        key = {1: TWIN, 4: TWIN, 2: BRIM}.get(number % 6, LIKE) if from_stream and not is_poison(number) else LIKE
        if key != LIKE:
            mode, value = "Increase", 1
        return Note(number, group, mode, value, key, is_of_stream=from_stream)

    def run(self) -> float:
        """Let it rain; returns how many seconds it took until queue, topic and stream were at their end."""
        # The first invocation makes the ledger.
        self.weather.invoke(SWEEP, self.chance)
        self.history.begin()
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
        calm_until = time.monotonic() + CALM_S
        self.weather.invoke(SWEEP, chance)
        while self.history.owing() and time.monotonic() < calm_until:
            time.sleep(1)
            self.weather.invoke(SWEEP, chance)
        self.owing = self.history.owing()
        return refused | self._parked(chance)

    def _parked(self, chance: random.Random) -> set[int]:
        after = ""
        while True:
            event: dict[str, object] = {"Type": "Operator", "task": "parked", "action": "list", "limit": 100}
            if after:
                event["after"] = after
            page = self.weather.invoke(event, chance)
            assert isinstance(page, Mapping), page
            for record in page["records"]:
                self.parked.add(record["payload"])
            if not page.get("next"):
                return set(self.parked.times)
            after = page["next"]

    def story(self) -> str:
        """How many records were refused for good on purpose, and what of them is parked."""
        stories: list[str] = []
        for name, notes in (
            ("that ask for the same", [note for note in self.notes if note.key == TWIN and note.group != GONE]),
            ("on full counters", [note for note in self.notes if note.key == BRIM and note.group != GONE]),
            ("of a group that does not exist", [note for note in self.notes if note.group == GONE]),
        ):
            where = {(note.group, note.key) for note in notes if note.key != LIKE}
            parked = sum(self.parked.sums[one] for one in where)
            parked += sum(self.parked.times[note.number] for note in notes if note.key == LIKE)
            stories.append(f"{len(notes)} records {name}, of which {parked} are parked")
        return "; ".join(stories)

    def audit(self, refused: set[int]) -> list[str]:
        """What is wrong, in words; nothing if every counter is exact and nothing secret was said."""
        moved = expected(self.notes, refused, self.parked.sums)
        truth = {group: self.server.values(group) for group in self.server.groups()} | {GONE: BEGUN}
        wrong = [
            f"{group} {key} was moved by {values.get(key, 0) - BEGUN.get(key, 0)}, not {moved[group, key]}"
            for group, values in truth.items()
            for key in (LIKE, TWIN, BRIM)
            if values.get(key, 0) - BEGUN.get(key, 0) != moved[group, key]
        ]
        poison = [note.number for note in self.notes if note.is_poison and note.number not in refused]
        wrong += [f"{number} can never be executed, and is nowhere" for number in poison]
        wrong += [f"{group} still owes something" for group in self.owing]
        return wrong + self.parked.wrong() + self.weather.leaks()


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
            flood.figures.update(flood.history.figures())
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
    print(flood.story())
    print("\n".join(wrong) if wrong else "every counter exact, nothing leaked")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
