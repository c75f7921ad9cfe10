"""Deployments with other windows come and go, and old messages come again: none counts twice, however it is played.

Each world is a random history of one ledger: instances of several deployments side by side, messages that are delivered
again at any age, a ledger of before or a new one. Every rule is also left out once, and some world counts twice then.
"""

import random
from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from handler.core.model.outcome import Records, kept
from handler.core.model.row import Group
from handler.core.protocol.visit import Visit
from handler.core.runtime import windows
from handler.core.runtime.windows import ALWAYS, Horizon, Noted, Notes
from handler.triggers.context import AppContext
from tests.sandbox.memory_ledger import MemoryLedger
from tests.unit.triggers.sources.source_events import records, sqs, text
from tests.unit.triggers.stage import RULES, START, Stage, invocation

# Much shorter than in life, and as far apart: what counts is how they compare with the lag and the cache.
WINDOWS_S = (1_000.0, 3_000.0, 10_000.0, 40_000.0)
FORMER_S = 2_000.0
STEPS_S = (1, 60, 301, 900, 1_201, 1_500, 4_000, 12_000, 50_000)
AGES_S = (0, 0, 0, 100, 900, 1_300, 5_000, 30_000)

STEPS = 60
WORLDS = 60
WORLDS_MAX = 1_500


class PromptLedger(MemoryLedger):
    """A ledger that has forgotten a record in the very moment in which it may."""

    def _found(self, group: Group, ids: Sequence[str]) -> Records:
        now = self._clock.now()
        return {name: record for name, record in super()._found(group, ids).items() if record.expires_at > now}

    def lose_notes(self) -> None:
        self._windows.clear()


class History:
    """One world. Each message has a group of its own, so that its counter tells how often it was counted."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.stage = Stage(rules=replace(RULES, window_s=FORMER_S))
        self.stage.use_ledger(PromptLedger(self.stage.clock))
        self.sent: list[float] = []
        self.instances: list[AppContext] = [self.stage.context]
        if self.chance.random() < 0.5:
            self._begin_before_notes()
        self._deploy()

    def counted_twice(self) -> str | None:
        """Play it, and name a message that was counted more than once."""
        for _ in range(STEPS):
            self._step()
            for name, counters in self.stage.chat.groups.items():
                if counters.get("like", 0) > 1:
                    return f"{name}, sent at {self.sent[int(name)] - START:.0f}, at {self._now - START:.0f}"
        return None

    def _begin_before_notes(self) -> None:
        """Some messages are counted by the version before, which notes nothing."""
        for _ in range(3):
            self._send()
        assert isinstance(self.stage.ledger, PromptLedger)
        self.stage.ledger.lose_notes()
        self.stage.use_ledger(self.stage.ledger)
        self.instances = [self.stage.context]

    def _step(self) -> None:
        draw = self.chance.random()
        if draw < 0.12:
            self._deploy()
        elif draw < 0.35:
            self._send()
        elif draw < 0.65:
            self._deliver(self.chance.randrange(len(self.sent)) if self.sent else self._send())
        else:
            self.stage.clock.sleep(self.chance.choice(STEPS_S))

    def _deploy(self) -> None:
        """Another window; some instances of before go on for a while, with what they know."""
        self.stage.rules = replace(RULES, window_s=self.chance.choice(WINDOWS_S))
        self.stage.use_ledger(self.stage.ledger)
        stay = self.chance.randrange(3)
        self.instances = [*self.instances[len(self.instances) - stay :], self.stage.context]

    def _send(self) -> int:
        """A message, which comes for the first time now."""
        self.sent.append(self._now - self.chance.choice(AGES_S))
        self.stage.chat.groups[f"{len(self.sent) - 1}"] = {}
        self._deliver(len(self.sent) - 1)
        return len(self.sent) - 1

    def _deliver(self, number: int) -> None:
        stage = self.stage
        stage.context = self.chance.choice(self.instances)
        stage.invocation = invocation(stage.clock.monotonic(), stage.clock.monotonic() + 60)
        sent = {"SentTimestamp": str(int(self.sent[number] * 1000))}
        message = sqs(text(group=f"{number}"), number, attributes=sent)
        assert stage.batch(records(message)) == {"batchItemFailures": []}

    @property
    def _now(self) -> float:
        return self.stage.clock.now()


@pytest.fixture(autouse=True)
def _times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "FORMER_S", FORMER_S)
    monkeypatch.setattr(windows, "SEEN_EVERY_S", 300.0)


@pytest.mark.parametrize("first", [0, 1_000_000])
def test_whatever_windows_deployments_have_no_message_counts_twice(first: int) -> None:
    assert [History(seed).counted_twice() for seed in range(first, first + WORLDS)] == [None] * WORLDS


def _by_its_own(_: Visit, written: Records) -> Records:
    return kept(written)


def _by_the_present(self: Horizon, moment: float) -> bool:
    return self.now - moment > min(self.window_s, windows.longest(self.notes))


def _by_its_own_window(self: Horizon, moment: float) -> bool:
    return self.now - moment > self.window_s


def _always_new(window_s: float, now: float, *, has_rows: bool) -> Notes:
    return (Noted(window_s, ALWAYS, now),)


def _never_forgotten_since(original: Callable[..., Notes]) -> Callable[..., Notes]:
    """A window that was forgotten comes back as if it had been in force all the time."""
    first: dict[float, float] = {}

    def with_window(notes: Notes, window_s: float, now: float) -> Notes:
        made = original(notes, window_s, now)
        for noted in made:
            first[noted.window_s] = min(first.get(noted.window_s, noted.since), noted.since)
        return tuple(noted._replace(since=first[noted.window_s]) for noted in made)

    return with_window


VARIANTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "a raise counts at once": lambda patch: patch.setattr(windows, "RAISE_LAG_S", 0.0),
    "the largest window of now is asked": lambda patch: patch.setattr(Horizon, "has_passed", _by_the_present),
    "only the instance's own window is asked": lambda patch: patch.setattr(Horizon, "has_passed", _by_its_own_window),
    "records by the instance's own window": lambda patch: patch.setattr(Visit, "lasting", _by_its_own),
    "a ledger with rows is taken for a new one": lambda patch: patch.setattr(windows, "first_notes", _always_new),
    "notes are read once": lambda patch: patch.setattr(windows, "CACHE_S", float("inf")),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_without_any_of_the_rules_some_message_counts_twice(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    VARIANTS[variant](monkeypatch)
    assert any(History(seed).counted_twice() for seed in range(WORLDS_MAX))


def test_a_window_that_was_forgotten_may_not_come_back_as_if_it_had_been_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(WORLDS_MAX):
        with monkeypatch.context() as patch:
            patch.setattr(windows, "with_window", _never_forgotten_since(windows.with_window))
            if History(seed).counted_twice():
                return
    pytest.fail("no world tells")
