"""Verifying: what is found of an API in memory, how it is paced, and when it ends without an answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from handler.core.errors import AppRefused, BadInput, NotAccepted
from handler.core.model.row import Group
from handler.core.ports.counter_api import Counted, Fault, Refused, Unclear
from handler.core.ports.system import Notice
from handler.core.runtime.rules import Rules
from handler.core.verify.finding import CheckResult, Finding
from handler.core.verify.session import OUT_OF_TIME, ProbeSession
from handler.core.verify.verify import CALLS_MAX, CALLS_MAX_QUICK, Verification, verify
from handler.core.verify.volume_checks import KEYS, Rounds, Tally
from tests.unit.core.verify.memory_probes import MemoryProbes

RULES = Rules("_receipt", timeout_s=4.0, life_s=6, bound_s=11.0, guard_s=5.0, calls_per_second=200.0)
TOO_OFTEN = Refused(60007, "too often", Fault.RATE, None)


class SteppedClock:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.moved_s = 0.0

    def now(self) -> float:
        return 1_700_000_000.0 + self.moved_s

    def monotonic(self) -> float:
        return self.moved_s

    def sleep(self, seconds: float) -> None:
        self.moved_s += seconds


class OneAfterAnother:
    """Workers that wait for each other."""

    def together(self, works: Sequence[Callable[[], Tally]]) -> list[Tally]:
        return [work() for work in works]


class Told:
    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.failures: list[Exception] = []

    def report(self, notice: Notice, **evidence: str | float | None) -> None:
        self.notices.append(notice)

    def failed(self, error: Exception) -> None:
        self.failures.append(error)


class Scene:
    """An API in memory and a bench in front of it."""

    def __init__(self) -> None:
        self.clock = SteppedClock()
        self.api = MemoryProbes(self.clock)
        self.rules = RULES
        self.told = Told()

    def verify(
        self, *, quick: bool = False, timeout_s: float = 900.0, calls_max: int | None = None, rounds: int = 20
    ) -> Verification:
        """Verify, with few rounds unless told otherwise."""
        bench = ProbeSession(
            *(Group(1, "scratch"), self.api, self.clock, self.rules, self.told),
            deadline=timeout_s,
            calls_max=calls_max or (CALLS_MAX_QUICK if quick else CALLS_MAX),
        )
        return verify(bench, random.Random(1), OneAfterAnother(), Rounds(rounds, rounds), quick=quick)

    def found(self, name: str, *, quick: bool = False) -> Finding:
        [finding] = [finding for finding in self.verify(quick=quick).findings if finding.question.name == name]
        return finding


@pytest.fixture
def scene() -> Scene:
    """An API that does what is assumed."""
    return Scene()


def names(verified: Verification, verdict: CheckResult) -> list[str]:
    return [finding.question.name for finding in verified.findings if finding.verdict is verdict]


def test_an_api_as_assumed_holds_throughout(scene: Scene) -> None:
    """Every test of L1 to L6 is there, and none fails."""
    verified = scene.verify()
    assert {finding.verdict for finding in verified.findings} == {CheckResult.HOLDS}
    assert {finding.question.test for finding in verified.findings} == {"L1", "L2", "L3", "L4", "L5", "L6"}
    assert {finding.advice for finding in verified.findings} == {""}


def test_a_whole_run_stays_within_its_calls(scene: Scene) -> None:
    """As many rounds as there are by default, counted at the API."""
    usual = Rounds()
    verified = scene.verify(rounds=max(usual.whole, usual.current))
    assert verified.calls == scene.api.calls <= CALLS_MAX


def test_the_usual_rounds_fit_into_the_calls(scene: Scene) -> None:
    bench_calls = 2 * Rounds().whole + 4 * Rounds().current
    few = scene.verify(rounds=1).calls - 6
    assert bench_calls + few <= CALLS_MAX


def test_a_quick_run_takes_fewer_than_100_calls(scene: Scene) -> None:
    """It leaves out L3, L4 and L6, and still judges everything else."""
    verified = scene.verify(quick=True)
    assert verified.calls == scene.api.calls < 100
    assert {finding.question.test for finding in verified.findings} == {"L1", "L2", "L5"}


def test_calls_keep_to_half_the_rate(scene: Scene) -> None:
    verified = scene.verify(rounds=200)
    assert verified.calls / scene.clock.moved_s <= RULES.calls_per_second / 2


def test_the_counters_are_set_back(scene: Scene) -> None:
    assert scene.verify().set_back
    assert scene.api.counters == dict.fromkeys(KEYS, 0)


def test_only_keys_of_its_own_are_touched(scene: Scene) -> None:
    scene.verify()
    assert {key for trial in scene.api.trials for key, _ in trial.counters} == set(KEYS)


def test_a_group_with_other_counters_is_refused_untouched(scene: Scene) -> None:
    """A group in use may hold receipts."""
    scene.api.counters = {"like": 5}
    with pytest.raises(BadInput, match="GroupId: has 1 counters of its own"):
        scene.verify()
    assert scene.api.trials == []


def test_the_groups_own_refusal_is_the_operators_mistake(scene: Scene) -> None:
    """A group that is not there cannot be tried out."""
    scene.api.fates = [Refused(10010, "no group", Fault.OPERATION, None)]
    with pytest.raises(BadInput, match="GroupId: the vendor refuses this group with code 10010"):
        scene.verify()


def test_an_app_that_is_refused_is_told(scene: Scene) -> None:
    scene.api.fates = [Refused(60020, "arrears", Fault.APP, None)]
    with pytest.raises(AppRefused, match="60020"):
        scene.verify()


def test_an_api_out_of_reach_is_told(scene: Scene) -> None:
    scene.api.fates = [Unclear("ConnectTimeout")]
    with pytest.raises(NotAccepted, match="the API could not be asked: ConnectTimeout"):
        scene.verify()


def test_a_refusal_for_the_rate_is_asked_again(scene: Scene) -> None:
    scene.api.fates = [TOO_OFTEN, TOO_OFTEN]
    assert names(scene.verify(), CheckResult.HOLDS)


def test_time_that_runs_out_leaves_tests_undone_and_says_how_to_do_them(scene: Scene) -> None:
    """A function with the usual short timeout comes through the quick part at most."""
    verified = scene.verify(timeout_s=29.0, rounds=5000)
    [whole] = [finding for finding in verified.findings if finding.question.test == "L3" and finding.evidence]
    assert (whole.verdict, whole.advice) == (CheckResult.NOT_TESTED, OUT_OF_TIME)
    assert whole.evidence["rounds"]
    assert names(verified, CheckResult.VIOLATED) == []


def test_time_that_runs_out_still_lets_the_counters_be_set_back(scene: Scene) -> None:
    verified = scene.verify(timeout_s=29.0, rounds=5000)
    assert verified.set_back
    assert verified.calls == scene.api.calls


def test_no_call_begins_that_could_outlast_the_invocation(scene: Scene) -> None:
    """Each may take as long as the timeout of a call."""
    scene.verify(timeout_s=29.0, rounds=5000)
    assert scene.clock.moved_s <= 29.0 - RULES.timeout_s


def test_calls_that_run_out_leave_tests_undone_and_the_counters_set_back(scene: Scene) -> None:
    """The last call is kept for that."""
    verified = scene.verify(calls_max=60)
    assert "the 60 calls of this run were used up" in {finding.advice for finding in verified.findings}
    assert verified.set_back
    assert verified.calls == scene.api.calls == 60


def test_a_short_signature_is_not_tried_again_after_a_refusal_for_the_rate(scene: Scene) -> None:
    """By then it may have ended, which would be the test's own fault."""
    scene.api.refuses_short = TOO_OFTEN
    finding = scene.found("short signature accepted", quick=True)
    assert (finding.verdict, finding.advice) == (CheckResult.NOT_TESTED, "refused with code 60007")


def test_a_lost_reply_leaves_one_test_undone(scene: Scene) -> None:
    """It proves neither the one nor the other, and the others go on."""
    quick = len(scene.verify(quick=True).findings)
    begun = Counted({}, int(scene.clock.now()))
    scene.api.fates = [begun, *[Counted({}, None)] * 6, Unclear("ReadTimeout")]
    verified = scene.verify(quick=True)
    assert len(verified.findings) == quick
    assert len(names(verified, CheckResult.NOT_TESTED)) == 1


def test_replies_without_a_date_are_found(scene: Scene) -> None:
    """Without it no attempt could ever be judged dead."""
    scene.api.dates = False
    finding = scene.found("Date tells the time")
    assert (finding.verdict, finding.evidence["calls_with_date"]) == (CheckResult.VIOLATED, 0)


def test_a_life_too_long_to_wait_for_is_not_waited_for(scene: Scene) -> None:
    """The rest of L1 works with any life."""
    scene.rules = replace(RULES, life_s=90_000)
    verified = scene.verify(quick=True)
    assert names(verified, CheckResult.NOT_TESTED) == ["used signature refused after its end"]
    assert scene.clock.moved_s < 60


def test_an_api_that_dedupes_by_random_is_told_as_a_fact(scene: Scene) -> None:
    """Nothing relies on it, so it holds either way."""
    scene.api.dedupes = True
    finding = scene.found("what the same random twice does")
    assert (finding.verdict, finding.evidence["counted"]) == (CheckResult.HOLDS, 1)


def test_an_api_that_counts_a_repeated_random_is_told_as_a_fact(scene: Scene) -> None:
    """Every call of ours has a number of its own."""
    finding = scene.found("what the same random twice does")
    assert (finding.verdict, finding.evidence["counted"]) == (CheckResult.HOLDS, 2)


def test_overflow_is_told_as_a_fact(scene: Scene) -> None:
    evidence = scene.found("what 2^63-1 + 1 does").evidence
    assert evidence == {
        "start": "9223372036854775807",
        "reply": "refused with code 10004",
        "after": "9223372036854775807",
    }


def test_an_api_that_overflows_offers_no_call_that_fails(scene: Scene) -> None:
    """So nothing shows whether one that fails is undone whole."""
    scene.api.wraps = True
    assert scene.found("what 2^63-1 + 1 does").evidence["after"] == "-9223372036854775808"
    assert scene.found("a refused call moves no key").verdict is CheckResult.NOT_TESTED
