"""Whatever becomes of what was accepted, its row can be written, and nothing that is owed gives way (R13)."""

import random

import pytest
from msgspec.structs import replace

from handler.core.model.codec import ROW_BYTES
from handler.core.model.known_keys import knowing
from handler.core.model.operation import INT64_MAX, INT64_MIN, KEY_BYTES, Mode, key_limit
from handler.core.model.outcome import Rejected
from handler.core.model.pace import Pace
from handler.core.model.placed import Content, Place, Placed
from handler.core.model.row import Attempt, Entry, Row
from handler.core.model.row_size import accepted, accepting_bytes, fits, fitted, on_top
from handler.core.state.folding import Asked
from handler.core.state.merge import correction_of, next_run
from handler.core.state.parting import can_be_parted
from handler.core.state.receipts import choose_weight
from handler.core.state.transitions import (
    CounterReading,
    answered,
    appended,
    frozen,
    landed,
    not_landed,
    parted,
    refused,
    returned,
)
from tests.unit.core.model.test_codec import size
from tests.unit.core.samples import LIFE_S, NOW

# JSON writes each as six bytes, as two, as two, as four, as three, and as one.
CHARACTERS = ("\x01", '"', "\\", "😀", "观", "k")
VALUES = (INT64_MIN, INT64_MAX, -1, 1, 10**9)
LIMIT = key_limit("_receipt")


def key(number: int, character: str) -> str:
    head = f"{number:03}"
    return head + character * ((KEY_BYTES - len(head)) // len(character.encode()))


PACE = Pace(now_ms=1000 * NOW, interval_ms=1000, ahead_max_ms=5000)


class History:
    """One group, whose operations have keys of one kind."""

    def __init__(self, seed: int, *, fed: bool = False) -> None:
        self.chance, self.fed = random.Random(seed), fed
        self.character = self.chance.choice(CHARACTERS)
        self.keys_each = self.chance.choice((1, 4, LIMIT))
        self.keys = self.chance.choice((LIMIT, 60, 400)) if self.keys_each < LIMIT else 6 * LIMIT
        self.row = Row(version=1, generation=1, receipt_key="_receipt", base=2**62)
        self.serial = 0
        self.dropped = 0

    def becomes(self, row: Row) -> None:
        whole = fitted(row, ROW_BYTES)
        assert size(whole.row) <= ROW_BYTES
        assert whole.row.owed == row.owed
        assert (whole.row.debt, whole.row.frozen, whole.row.attempt) == (row.debt, row.frozen, row.attempt)
        assert (*whole.dropped, *whole.row.remembered) == row.remembered
        assert whole.row.keys == row.keys[: len(whole.row.keys)]
        self.row = whole.row
        self.dropped += len(whole.dropped)

    def operation(self) -> Entry:
        self.serial += 1
        named = self.chance.sample(range(self.keys), min(self.keys_each, self.keys))
        counters = tuple((key(number, self.character), self.chance.choice(VALUES)) for number in named)
        mode = self.chance.choice((Mode.INCREASE, Mode.INCREASE, Mode.DECREASE, Mode.SET))
        if self.fed and self.chance.random() < 0.5:
            return self.stretch(mode, named)
        return Entry(
            id=f"{self.serial:022}", fingerprint="v1:" + "f" * 64, mode=mode, counters=counters, window_s=1_296_000.0
        )

    def stretch(self, mode: Mode, named: list[int]) -> Entry:
        """What was added up of a stream's records, on these keys, of as many contents as one entry keeps."""
        values, place = (
            range(2, 2 + self.chance.choice((1, 40))),
            Place("p" * 16, "arn:" + "s" * 80, "arn:" + "s" * 120),
        )
        contents = [Content(mode, tuple((key(number, self.character), value) for number in named)) for value in values]
        records = Placed(place, 2 * contents, [f"{self.serial:032}{at:032}" for at in range(2 * len(contents))])
        owed = Asked.of([records], LIMIT, NOW).beyond({})[0]
        assert isinstance(owed, Entry)
        return owed

    def fill(self) -> None:
        """Accept as many as there is room for, by ones that ledgers add piece by piece and by whole rows."""
        for _ in range(400):
            grown = appended(self.row, [self.operation()])
            whole = accepted(grown, ROW_BYTES)
            if fits(grown, accepting_bytes(ROW_BYTES)):
                assert whole is not None, "what a ledger appends by itself leaves the same reserve"
            if whole is None:
                return
            self.becomes(whole.row)

    def step(self) -> None:
        """Go on in one of the ways there are."""
        row = self.row
        if row.attempt is None:
            self.open()
        else:
            way = self.chance.choice((not_landed, not_landed, refused, self.split, returned, self.reject, self.part))
            after = way(row)
            self.becomes(after if isinstance(after, Row) else after.row)
        if self.chance.random() < 0.1:
            self.land()

    def open(self) -> None:
        """A payment of what is owed back, else the next run."""
        row = self.row
        if row.debt:
            mode, correction = correction_of(row.debt, LIMIT)
            run: tuple[Entry, ...] = ()
        elif row.queue:
            run, correction = next_run(row.queue, {}, LIMIT), ()
            mode = run[0].mode
        else:
            return
        self.serial += 1
        weight = choose_weight(row.remembered_shifts, self.chance)
        call = Attempt(
            id=f"{self.serial:024}",
            weight=weight,
            mode=mode,
            entries=run,
            signed_at=NOW,
            life_s=LIFE_S,
            correction=correction,
        )
        self.becomes(row.opened(call, row.queue[len(run) :], PACE))

    def split(self, row: Row) -> Row:
        return refused(row, split=True).row

    def part(self, row: Row) -> Row:
        """As the core does: what was added up goes out piece by piece once it is refused alone."""
        is_alone = row.attempt is not None and len(row.attempt.owed) == 1 and can_be_parted(row.attempt.owed[0])
        return parted(row).row if is_alone else self.split(row)

    def reject(self, row: Row) -> Row:
        return answered(row, Rejected(10004, "invalid"), NOW).row

    def land(self) -> None:
        """Some of what may land, once or several times, perhaps on keys that are new."""
        attempts = [past.attempt for past in self.row.remembered if past.attempt.mode is not Mode.SET]
        attempts += [self.row.attempt] if self.row.attempt else []
        some = [attempt for attempt in attempts if self.chance.random() < 0.5]
        if not some:
            return
        times = {attempt.id: self.chance.choice((1, 1, 8)) for attempt in some}
        change = landed(self.row, 2**62 + 1, times, CounterReading({}, later=True, at=NOW))
        assert change.row.base
        new = [key(number, self.character) for number in self.chance.sample(range(self.keys), LIMIT)]
        self.becomes(replace(change.row, base=2**62, keys=knowing(change.row.keys, new, NOW)))


@pytest.mark.parametrize("fed", [False, True], ids=["operations", "and records of a stream"])
@pytest.mark.parametrize("seed", range(20))
def test_what_was_accepted_can_always_be_written(seed: int, *, fed: bool) -> None:
    """Opened, remembered, split, rejected, settled, owed back or frozen, however long its keys are in JSON."""
    history = History(seed, fed=fed)
    for _ in range(3):
        history.fill()
        assert on_top(history.row) < ROW_BYTES
        for _ in range(12):
            history.step()
            assert size(fitted(frozen(history.row, "x" * 300), ROW_BYTES).row) <= ROW_BYTES


def test_memory_gives_way_oldest_first() -> None:
    """Of operations that were lost once and have counted since, on keys of their own, the latest are kept in mind."""
    history = History(0)
    history.character, history.keys_each = CHARACTERS[0], LIMIT
    for number in range(8):
        counters = tuple((key(LIMIT * number + each, "\x01"), 1) for each in range(LIMIT))
        whole = accepted(appended(history.row, [replace(history.operation(), counters=counters)]), ROW_BYTES)
        assert whole is not None
        history.dropped += len(whole.dropped)
        history.row = whole.row
        history.open()
        history.becomes(not_landed(history.row).row)
        history.open()
        assert history.row.attempt is not None
        seen = CounterReading({}, later=True, at=NOW)
        history.becomes(landed(history.row, 2**62, {history.row.attempt.id: 1}, seen).row)
    kept = [past.folded[0][0] for past in history.row.remembered]
    assert kept == [key(LIMIT * number, "\x01") for number in range(8 - len(kept), 8)]
    assert (history.dropped, len(kept)) == (4, 4)
