"""What verifying finds of an API in memory; `tests/integration/test_verify.py` has it against the Chat server."""

import dataclasses
import random
from collections.abc import Callable
from itertools import groupby

import pytest
from msgspec.structs import replace

from handler.core.errors import AppRefused, NotAccepted
from handler.core.model.operation import Mode
from handler.core.model.row import Group
from handler.core.ports.counter_api import LONG_LIFE_S, Counted, Fault, ProbeCall, Refused, Reply, Unclear
from handler.core.runtime.instance import Rules
from handler.core.verify.clock_checks import GUARD_AGAINST_HOSTS
from handler.core.verify.counter_checks import NOT_BELOW_ZERO, NOT_LIFTED, NOT_NEGATIVE
from handler.core.verify.finding import CheckResult, Evidence, Finding
from handler.core.verify.session import OUT_OF_TIME, RATE_TRIES, RATE_WAIT_S, ProbeSession
from handler.core.verify.signature_checks import KEY as SIGNED_KEY
from handler.core.verify.signature_checks import MISTRUST, WAIT_MAX_S
from handler.core.verify.verify import CALLS_MAX, CALLS_MAX_QUICK, RETRY_AFTER_S, Verification, verify
from handler.core.verify.volume_checks import KEYS, Rounds
from tests.unit.core.samples import HandClock, Notices
from tests.unit.core.verify.memory_probes import MemoryProbes

RULES = Rules(receipt_key="_receipt", timeout_s=4.0, life_s=6, bound_s=11.0, guard_s=5.0, calls_per_second=200.0)
INVALID = Refused(10004, "invalid parameter", Fault.OPERATION, None)
TOO_OFTEN = Refused(60007, "too often", Fault.RATE, None)
LOST = Unclear("ReadTimeout")

Do = Callable[[ProbeCall], Reply]


class Scene:
    """An API in memory and a session of calls to it."""

    def __init__(self) -> None:
        self.clock = HandClock(moment=0.0)
        self.api = MemoryProbes(self.clock)
        self.rules = RULES

    def session(self, calls_max: int = 100, deadline: float = 100.0) -> ProbeSession:
        return ProbeSession(
            group=Group(1, "scratch"),
            api=self.api,
            clock=self.clock,
            rules=self.rules,
            reporter=Notices(),
            deadline=deadline,
            calls_max=calls_max,
        )

    def verify(
        self, *, quick: bool = False, timeout_s: float = 900.0, calls_max: int | None = None, rounds: int = 20
    ) -> Verification:
        """Verify with few rounds, one worker after the other."""
        session = self.session(calls_max or (CALLS_MAX_QUICK if quick else CALLS_MAX), timeout_s)
        chance, counts = random.Random(1), Rounds(rounds, rounds)
        return verify(session, chance, lambda works: [work() for work in works], counts, quick=quick)

    def found(self, name: str, *, quick: bool = False) -> Finding:
        [finding] = [finding for finding in self.verify(quick=quick).findings if finding.check.name == name]
        return finding

    def answer_updates(self, how: Callable[[ProbeCall, Do], Reply]) -> None:
        """Let updates be answered by `how`, which is given the call and the API as assumed."""
        do = self.api.update
        self.api.update = lambda trial: how(trial, do)  # type: ignore[method-assign]  # a broken API

    def answer_reads(self, how: Callable[[Reply], Reply]) -> None:
        read = self.api.read
        self.api.read = lambda *question, **_: how(read(*question))  # type: ignore[method-assign]  # a broken API


@pytest.fixture
def scene() -> Scene:
    return Scene()


def undone(verified: Verification) -> dict[str, str]:
    findings = [finding for finding in verified.findings if finding.result is CheckResult.NOT_TESTED]
    return {finding.check.name: finding.advice for finding in findings}


def test_every_check_is_made_in_order_and_holds(scene: Scene) -> None:
    """Those of many calls are left out of a quick run; nothing but the scratch counters is touched."""
    found = scene.verify().findings
    assert [test for test, _ in groupby(found, lambda one: one.check.test)] == ["L2", "L5", "L1", "L6", "L3", "L4"]
    assert {(one.result, one.advice) for one in found} == {(CheckResult.HOLDS, "")}
    assert {key for trial in scene.api.trials for key, _ in trial.counters} == set(KEYS)
    quick = {finding.check.name for finding in Scene().verify(quick=True).findings}
    left_out = [one for one in found if one.check.name not in quick]
    assert {one.check.test for one in left_out} == {"L1", "L3", "L4", "L6"}
    assert [one.check.name for one in left_out if one.check.test == "L1"] == ["signature refused 60 s after its end"]


def counts_refused(trial: ProbeCall, do: Do) -> Reply:
    """What is refused for its signature is carried out all the same."""
    reply = do(trial)
    if isinstance(reply, Refused) and reply.fault is Fault.SIGNATURE:
        do(replace(trial, life_s=LONG_LIFE_S))
    return reply


def takes_negative_as_zero(trial: ProbeCall, do: Do) -> Reply:
    nothing = replace(trial, counters=tuple((key, 0) for key, _ in trial.counters))
    return do(nothing if trial.counters[0][1] < 0 else trial)


def passes_over_2(trial: ProbeCall, do: Do) -> Reply:
    """A Decrease by 2, which goes below zero, changes nothing and is called done."""
    is_below = trial.mode is Mode.DECREASE and trial.counters[0][1] == 2
    return do(replace(trial, counters=tuple((key, 0) for key, _ in trial.counters)) if is_below else trial)


def takes_31_bits(trial: ProbeCall, do: Do) -> Reply:
    return INVALID if trial.mode is Mode.INCREASE and trial.counters[0][1] >= 2**31 else do(trial)


def rounds(trial: ProbeCall, do: Do) -> Reply:
    """Large values lose their last bits, as in a float."""
    reply = do(trial)
    if not isinstance(reply, Counted):
        return reply
    return dataclasses.replace(
        reply, values={key: value >> 25 << 25 if value > 2**47 else value for key, value in reply.values.items()}
    )


@pytest.mark.parametrize(
    ("how", "name", "advice", "evidence"),
    [
        (counts_refused, "refused calls have no effect", MISTRUST, {"accepted": 2, "counted": 6}),
        (takes_negative_as_zero, "Decrease by -1 counts up", NOT_NEGATIVE, {"start": 10, "after": 10, "code": 0}),
        (
            passes_over_2,
            "Decrease below zero is counted",
            NOT_BELOW_ZERO,
            {"start": 1, "after": 1, "outcome": "neither counted nor cut off"},
        ),
        (
            takes_31_bits,
            "a receipt is lifted, and lowered again",
            NOT_LIFTED,
            {"mode": "Increase", "outcome": "refused with code 10004"},
        ),
        (
            rounds,
            "a receipt is lifted, and lowered again",
            NOT_LIFTED,
            {"lifted": 2**48, "lowered": 2**48 - 2**25},
        ),
    ],
)
def test_a_broken_assumption_is_named_with_its_evidence(
    scene: Scene, how: Callable[[ProbeCall, Do], Reply], name: str, advice: str, evidence: Evidence
) -> None:
    scene.answer_updates(how)
    finding = scene.found(name)
    assert (finding.result, finding.advice, finding.evidence) == (CheckResult.VIOLATED, advice, evidence)


def test_hosts_whose_clocks_differ_are_found(scene: Scene) -> None:
    off = iter([0, 3] * 100)
    scene.answer_reads(lambda reply: dataclasses.replace(reply, date=(reply.date or 0) + next(off)))
    finding = scene.found("the hosts' clocks agree", quick=True)
    assert (finding.result, finding.advice) == (CheckResult.VIOLATED, GUARD_AGAINST_HOSTS)


def test_replies_without_a_date_are_found(scene: Scene) -> None:
    """Without one no attempt could ever be judged dead; and nothing compares the hosts."""
    scene.api.dates = False
    verified = scene.verify(quick=True)
    [date] = [finding for finding in verified.findings if finding.check.name == "Date tells the time"]
    assert (date.result, date.evidence["calls_with_date"]) == (CheckResult.VIOLATED, 0)
    assert undone(verified) == {"the hosts' clocks agree": "no reply had a Date"}


@pytest.mark.parametrize(("dedupes", "counted"), [(False, 2), (True, 1)])
def test_what_a_repeated_random_does_is_a_fact(scene: Scene, *, dedupes: bool, counted: int) -> None:
    """Every call of ours has one of its own, so it holds either way."""
    scene.api.dedupes = dedupes
    finding = scene.found("what the same random twice does")
    assert (finding.result, finding.advice, finding.evidence["counted"]) == (CheckResult.HOLDS, "", counted)
    repeated = [trial.random for trial in scene.api.trials if trial.random is not None]
    assert len(repeated) == 2
    assert len(set(repeated)) == 1


def test_an_api_that_overflows_offers_no_call_that_fails(scene: Scene) -> None:
    assert scene.found("what 2^63-1 + 1 does").evidence["after"] == "9223372036854775807"
    scene.api.wraps = True
    assert scene.found("what 2^63-1 + 1 does").evidence["after"] == "-9223372036854775808"
    assert undone(scene.verify()).keys() == {"a refused call moves no key"}


def test_a_reply_that_proves_nothing_leaves_its_own_check_undone(scene: Scene) -> None:
    scene.answer_updates(lambda trial, do: LOST if trial.counters[0][1] < 0 else do(trial))
    reason = "no clear reply: ReadTimeout"
    assert undone(scene.verify()) == {"Increase by -1 counts down": reason, "Decrease by -1 counts up": reason}


def test_a_lost_look_at_the_counter_leaves_the_check_that_compares_with_it_undone(scene: Scene) -> None:
    lost = iter([False] * 12 + [True] + [False] * 99)
    scene.answer_reads(lambda reply: LOST if next(lost) else reply)
    reason = "what the counter showed before could not be read"
    assert undone(scene.verify(quick=True)) == {"refused calls have no effect": reason}


def test_counters_that_are_not_shown_count_as_none(scene: Scene) -> None:
    scene.answer_reads(lambda reply: Counted({}, reply.date))
    found = {finding.check.name: finding.evidence for finding in scene.verify().findings}
    assert found["what the same random twice does"]["counted"] == 0
    assert found["refused calls have no effect"] == {"accepted": 2, "counted": 0}
    assert found["a refused call moves no key"] == {"keys": 20, "moved": 20}
    assert found["what a key given twice does"]["after"] is None


def test_rounds_without_a_clear_reply_are_no_failures(scene: Scene) -> None:
    def lose(trial: ProbeCall, do: Do) -> Reply:
        reply = do(trial)
        many = len(trial.counters) == 20 and trial.mode is Mode.INCREASE
        return LOST if many or trial.counters == ((KEYS[0], 1),) else reply

    scene.answer_updates(lose)
    found = {finding.check.name: finding for finding in scene.verify().findings}
    whole, current = found["all keys of a call move together"], found["reads show the last update"]
    assert (whole.result, whole.advice) == (CheckResult.NOT_TESTED, "no reply was clear")
    assert whole.evidence == {"rounds": 40, "failures": 0, "unclear": 40}
    assert (current.result, current.evidence["unclear"]) == (CheckResult.HOLDS, 20)


def test_a_worker_stops_at_the_first_contradiction(scene: Scene) -> None:
    def tear(trial: ProbeCall, do: Do) -> Reply:
        reply = do(trial)
        if isinstance(reply, Counted) and len(trial.counters) == 20 and trial.mode is Mode.INCREASE:
            return dataclasses.replace(reply, values={**reply.values, KEYS[0]: -1})
        return reply

    scene.answer_updates(tear)
    finding = scene.found("all keys of a call move together")
    assert (finding.result, finding.evidence) == (CheckResult.VIOLATED, {"rounds": 2, "failures": 2, "unclear": 0})


def test_values_of_earlier_runs_and_lost_calls_are_no_effects_of_refused_ones(scene: Scene) -> None:
    """The scratch counters need not be at zero, and a call whose reply is lost may have counted."""
    scene.api.counters = {SIGNED_KEY: 7}
    assert scene.found("refused calls have no effect").evidence == {"accepted": 9, "counted": 9}
    scene, short = Scene(), iter([True] + [False] * 9)
    scene.answer_updates(lambda trial, do: (do(trial), LOST)[1] if trial.life_s == 6 and next(short) else do(trial))
    finding = scene.found("refused calls have no effect", quick=True)
    assert (finding.result, finding.evidence) == (CheckResult.HOLDS, {"accepted": 1, "counted": 1})


@pytest.mark.parametrize(("life_s", "verdict"), [(53, CheckResult.HOLDS), (54, CheckResult.NOT_TESTED)])
def test_the_end_of_a_signature_is_waited_for_up_to_a_minute(scene: Scene, life_s: int, verdict: CheckResult) -> None:
    scene.rules = replace(RULES, life_s=life_s)
    assert life_s + RULES.guard_s + 2 - WAIT_MAX_S in {0, 1}
    assert scene.found("used signature refused after its end", quick=True).result is verdict


def test_a_signature_refused_at_its_first_use_is_not_tried_again(scene: Scene) -> None:
    short = iter([False] * 3 + [True] * 9)
    refused = Refused(70001, "expired", Fault.SIGNATURE, None)
    scene.answer_updates(lambda trial, do: refused if trial.life_s == 6 and next(short) else do(trial))
    reason = "the signature was refused at its first use"
    assert undone(scene.verify(quick=True)) == {"used signature refused after its end": reason}


def test_time_that_runs_out_leaves_checks_undone_and_the_counters_set_back(scene: Scene) -> None:
    """A function with the usual short timeout completes the quick part; no call begins that could outlast it."""
    verified = scene.verify(timeout_s=29.0, rounds=5000)
    assert undone(verified)["all keys of a call move together"] == OUT_OF_TIME
    assert {finding.result for finding in verified.findings} == {CheckResult.HOLDS, CheckResult.NOT_TESTED}
    assert verified.set_back
    assert scene.clock.moment <= 29.0 - RULES.timeout_s
    short = Scene()
    with pytest.raises(NotAccepted, match=OUT_OF_TIME):
        short.verify(timeout_s=8.0)
    assert short.api.calls == 0


def test_calls_that_run_out_leave_checks_undone_and_the_counters_set_back(scene: Scene) -> None:
    verified = scene.verify(calls_max=60)
    assert "the 60 calls of this run were used up" in undone(verified).values()
    assert verified.set_back
    assert verified.calls == scene.api.calls == 60


def test_counters_that_cannot_be_set_back_are_reported(scene: Scene) -> None:
    last = tuple((key, 0) for key in KEYS)
    scene.answer_updates(lambda trial, do: INVALID if trial.counters == last else do(trial))
    assert not scene.verify(quick=True).set_back


def test_an_app_that_is_refused_is_asked_again_in_a_minute(scene: Scene) -> None:
    """Waiting alone does not help; and an API out of reach is another case."""
    scene.api.fates = [Refused(60020, "arrears", Fault.APP, None), LOST]
    with pytest.raises(AppRefused) as caught:
        scene.verify()
    assert (caught.value.info, caught.value.retry_after_s) == ("arrears", RETRY_AFTER_S)
    with pytest.raises(NotAccepted, match="the API could not be asked: ReadTimeout"):
        scene.verify()


def test_calls_keep_to_half_the_rate(scene: Scene) -> None:
    session = scene.session()
    for _ in range(11):
        session.read()
    assert scene.clock.moment == pytest.approx(10 / 100)
    scene.clock.advance(5)
    for _ in range(11):
        session.read()
    assert scene.clock.moment == pytest.approx(5.2)


def test_a_refusal_for_the_rate_is_asked_again_unless_the_signature_is_short(scene: Scene) -> None:
    """A second apart, and the last reply stands; a short signature may have ended by then."""
    scene.api.fates = [TOO_OFTEN] * RATE_TRIES
    assert scene.session().read() is TOO_OFTEN
    assert scene.clock.moment == pytest.approx((RATE_TRIES - 1) * RATE_WAIT_S)
    scene.api.fates = [TOO_OFTEN]
    assert isinstance(scene.session().update([("k", 1)]), Counted)
    scene.api.fates = [TOO_OFTEN]
    assert scene.session().update([("k", 1)], signed_at=1_700_000_000, life_s=6) is TOO_OFTEN
