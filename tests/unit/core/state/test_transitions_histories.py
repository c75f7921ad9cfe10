"""Random histories of one row against the truth: every operation counts once, or is owed back until it does."""

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from handler.core.model.codec import decode_row, encode_row
from handler.core.model.operation import Mode
from handler.core.model.outcome import Answer, Applied, Records, Rejected
from handler.core.model.row import Attempt, Entry, Row
from handler.core.state import transitions
from handler.core.state.losses import REMEMBERED_MAX
from handler.core.state.merge import correction_of, next_run
from handler.core.state.receipts import Landed, ReceiptReading, Unexplained, choose_weight, death, judge
from handler.core.state.transitions import CounterReading
from tests.unit.core.samples import BOUND_S, LIFE_S, NOW, WINDOW_S, row
from tests.unit.core.truth import KEYS, Truth, count, one_by_one

COUNTERS = st.dictionaries(st.sampled_from(KEYS), st.integers(-9, 9), min_size=1)


class Histories(RuleBasedStateMachine):
    """One row, moved by the transitions as the protocol allows, while requests land whenever they like.

    What the counters were when the receipt was last explained is, at any time, what all applied operations come to if
    each counted once, plus what the row owes back.
    """

    def __init__(self) -> None:
        super().__init__()
        self.row = row()
        self.truth = Truth()
        self.chance = random.Random(1)
        self.serial = 0
        self.accepted: dict[str, Entry] = {}
        self.answers: dict[str, Answer] = {}
        self.once = dict(self.truth.counters)
        self.observed = dict(self.truth.counters)

    @rule(mode=st.sampled_from([Mode.INCREASE, Mode.INCREASE, Mode.DECREASE, Mode.SET]), counters=COUNTERS)
    def accept(self, mode: Mode, counters: dict[str, int]) -> None:
        name = self._name("operation")
        self.accepted[name] = Entry(
            id=name, fingerprint=f"v1:{name}", mode=mode, counters=tuple(counters.items()), window_s=WINDOW_S
        )
        self._becomes(transitions.appended(self.row, [self.accepted[name]]))

    @precondition(lambda self: not self.row.attempt and (self.row.queue or self.row.debt))
    @rule()
    def open(self) -> None:
        """An attempt is opened, for a debt first; before a Set the receipt is read."""
        if self.row.queue and self.row.queue[0].mode is Mode.SET:
            self.look()
        if self.row.debt:
            mode, correction = correction_of(self.row.debt, 1)
            self._open(mode, (), correction)
        elif self.row.queue:
            run = next_run(self.row.queue, {}, 19)
            self._open(run[0].mode, run, ())

    @rule(data=st.data())
    def land(self, data: st.DataObject) -> None:
        """A request takes effect, and nobody hears of it."""
        names = self.truth.may_land(self._open_id)
        if names:
            self._land(data.draw(st.sampled_from(names)))

    @precondition(lambda self: not self.truth.unexplained)
    @rule(data=st.data(), copies=st.integers(2, 4))
    def land_several_times(self, data: st.DataObject, copies: int) -> None:
        names = self.truth.may_repeat(copies, self._open_id)
        if names:
            name = data.draw(st.sampled_from(names))
            for _ in range(copies):
                self.truth.land(name)
            self.look()

    @precondition(lambda self: self._open_id in self.truth.may_land(self._open_id))
    @rule()
    def reply(self) -> None:
        """The attempt lands, and its reply tells each operation the values after its own share."""
        assert self.row.attempt
        operations, before = self.row.attempt.entries, dict(self.truth.counters)
        owed = [operation.id for operation in self.row.attempt.owed]
        self.truth.land(self.row.attempt.id)
        self._conclude(later=False)
        expected = one_by_one(before, operations)
        assert [self.answers[name] for name in owed] == [Applied(expected[name]) for name in owed]

    @rule()
    def look(self) -> None:
        """Somebody reads the receipt, at a time that proves nothing but landings."""
        self._conclude(later=True)

    @precondition(lambda self: self.row.attempt and len(self.row.remembered) < REMEMBERED_MAX)
    @rule()
    def expire(self) -> None:
        """Somebody reads the receipt after the attempt's death."""
        assert self.row.attempt
        self._conclude(later=True, asked_after=int(death(self.row.attempt, BOUND_S)))

    @precondition(lambda self: self.row.attempt and len(self.row.remembered) < REMEMBERED_MAX)
    @rule(split=st.booleans())
    def refuse(self, split: bool) -> None:
        """The API refuses the attempt; the code may lie, and the request land before or after."""
        assert self.row.attempt
        if self.row.attempt.mode is not Mode.SET or not self.truth.unexplained:
            self._becomes(transitions.refused(self.row, split=split).row)

    @precondition(lambda self: self.row.attempt and len(self.row.attempt.entries) == 1 and not self.truth.unexplained)
    @precondition(lambda self: len(self.row.remembered) < REMEMBERED_MAX)
    @rule()
    def reject(self) -> None:
        """The API refuses the attempt's one operation for good."""
        change = transitions.answered(self.row, Rejected(10004, "no"), NOW)
        self._becomes(change.row, change.records)

    @precondition(lambda self: self._open_id in self.truth.may_land(self._open_id))
    @rule()
    def take_back(self) -> None:
        assert self.row.attempt
        del self.truth.requests[self.row.attempt.id]
        self._becomes(transitions.returned(self.row))

    @precondition(lambda self: self.row.attempt is None or self.row.attempt.mode is not Mode.SET)
    @rule(key=st.sampled_from(KEYS), delta=st.integers(-9, 9))
    def write_from_elsewhere(self, key: str, delta: int) -> None:
        """Another writer changes a counter; it is no business of the receipt's."""
        for counters in (self.truth.counters, self.once, self.observed):
            counters[key] += delta

    @invariant()
    def every_operation_is_owed_or_answered_once(self) -> None:
        assert sorted([entry.id for entry in self.row.owed] + list(self.answers)) == sorted(self.accepted)

    @invariant()
    def what_is_too_much_is_owed_back(self) -> None:
        debt = dict(self.row.debt)
        assert self.observed == {key: self.once[key] + debt.get(key, 0) for key in KEYS}

    @invariant()
    def a_row_can_be_stored(self) -> None:
        assert decode_row(encode_row(self.row)) == self.row
        assert len(self.row.remembered) <= REMEMBERED_MAX
        assert self.row.frozen is None

    def teardown(self) -> None:
        """Let everything finish: then each operation has counted once, or was refused."""
        self.look()
        for _ in range(4 * len(self.accepted) + 40):
            if self.row.attempt:
                self.reply()
            elif not self.row.is_settled:
                self.open()
        assert self.row.is_settled
        assert self.truth.counters == self.once
        assert sorted(self.answers) == sorted(self.accepted)

    @property
    def _open_id(self) -> str | None:
        return self.row.attempt.id if self.row.attempt else None

    def _name(self, what: str) -> str:
        self.serial += 1
        return f"{what} {self.serial:03}"

    def _open(self, mode: Mode, run: tuple[Entry, ...], correction: tuple[tuple[str, int], ...]) -> None:
        weight = choose_weight(self.row.remembered_shifts, self.chance)
        attempt = Attempt(
            id=self._name("attempt"),
            weight=weight,
            mode=mode,
            entries=run,
            signed_at=NOW,
            life_s=LIFE_S,
            correction=correction,
        )
        self._becomes(self.row.opened(attempt, self.row.queue[len(run) :]))
        assert self.row.attempt == replace(attempt, base=self.row.base or 0)
        assert mode is not Mode.SET or self.row.base == self.truth.receipt
        self.truth.send(self.row.attempt)

    def _land(self, name: str) -> None:
        """While a Set is under way, what lands before it has to be seen at once, or the Set hides it."""
        self.truth.land(name)
        if self.row.attempt and self.row.attempt.mode is Mode.SET and name != self.row.attempt.id:
            self.look()

    def _conclude(self, *, later: bool, asked_after: int | None = None) -> None:
        verdict = judge(self.row, ReceiptReading(self.truth.receipt, asked_after), BOUND_S)
        assert not isinstance(verdict, Unexplained)
        assert (verdict.times if isinstance(verdict, Landed) else {}) == self.truth.unexplained
        if isinstance(verdict, Landed):
            seen = CounterReading(dict(self.truth.counters), later, NOW)
            change = transitions.landed(self.row, self.truth.receipt, verdict.times, seen)
            self.observed = dict(self.truth.counters)
            self.truth.explained()
            self._becomes(change.row, change.records)
        elif asked_after is not None:
            self._becomes(transitions.not_landed(self.row).row)

    def _becomes(self, row: Row, records: Records | None = None) -> None:
        """Write the next version; the first answer of an operation is its only one."""
        assert row.version == self.row.version + 1
        self.row = row
        for name in sorted(records or {}):
            assert name not in self.answers
            answer = self.answers[name] = (records or {})[name].answer
            if isinstance(answer, Applied):
                count(self.once, self.accepted[name])
                self._check(self.accepted[name], answer)

    def _check(self, operation: Entry, answer: Applied) -> None:
        """What was observed later is what the counters are now, own keys in their own order."""
        if answer.observed_later:
            assert answer.counters == tuple((key, self.truth.counters[key]) for key, _ in operation.counters)


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
