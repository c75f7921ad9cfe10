"""What verifying says of an API, to the figure: of one as assumed, and of each kind that breaks an assumption."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from handler.core.errors import AppRefused, NotAccepted
from handler.core.model.operation import Mode
from handler.core.model.row import Group
from handler.core.ports.counter_api import Counted, Fault, ProbeCall, Refused, Reply, Unclear
from handler.core.verify.clock_checks import GUARD_AGAINST_HOSTS, GUARD_MORE, RIGHT_THE_CLOCK
from handler.core.verify.finding import Check, CheckResult, Evidence, Finding, judge
from handler.core.verify.session import OUT_OF_TIME
from handler.core.verify.signature_checks import KEY as SIGNED_KEY
from handler.core.verify.signature_checks import LIVE_LONGER, WAIT_MAX_S
from handler.core.verify.verify import RETRY_AFTER_S
from handler.core.verify.volume_checks import KEYS
from tests.unit.core.verify.broken_probes import BREAKS, INVALID, Broken, broken
from tests.unit.core.verify.test_verify import Scene

START_S = 1_700_000_000
GROUP = Group(1, "scratch")

AS_ASSUMED: Mapping[tuple[str, str, str], Evidence] = {
    ("L2", "Date tells the time", "A2"): {
        "calls_with_date": 7,
        "api_ahead_s": 0.16,
        "off_at_least_s": 0.0,
        "replies_apart_s": 0.0,
        "guard_s": 5.0,
    },
    ("L2", "the hosts' clocks agree", "A11"): {"replies": 7, "replies_apart_s": 0.0, "allowed_s": 2.0},
    ("L2", "updates show within the guard", "A2"): {"longest_s": 0.02, "reads": 3, "guard_s": 5.0},
    ("L5", "Increase by -1 counts down", ""): {"start": 10, "after": 9, "code": 0},
    ("L5", "Decrease by -1 counts up", ""): {"start": 10, "after": 11, "code": 0},
    ("L5", "Increase by 0 is taken", ""): {"start": 10, "after": 10, "code": 0},
    ("L5", "Decrease below zero is counted", "A10"): {"start": 1, "after": -1, "outcome": "allowed"},
    ("L5", "a receipt is lifted, and lowered again", "A10"): {
        "lifted": 2**48 + 2**19,
        "lowered": 2**48 - 2**19,
    },
    ("L5", "what a key given twice does", ""): {"start": 10, "reply": "done", "after": 13},
    ("L5", "what 2^63-1 + 1 does", ""): {
        "start": "9223372036854775807",
        "reply": "refused with code 10004",
        "after": "9223372036854775807",
    },
    ("L1", "short signature accepted", "A2"): {"life_s": 6, "accepted": 1, "code": 0},
    ("L1", "signature refused 1 s after its end", "A2"): {"late_s": 1, "accepted": 0, "code": 70001},
    ("L1", "signature refused 5 s after its end", "A2"): {"late_s": 5, "accepted": 0, "code": 70001},
    ("L1", "signature refused 60 s after its end", "A2"): {"late_s": 60, "accepted": 0, "code": 70001},
    ("L1", "used signature refused after its end", "A2"): {"life_s": 6, "accepted": 1, "code": 70001},
    ("L1", "refused calls have no effect", "A2"): {"accepted": 2, "counted": 2},
    ("L6", "what the same random twice does", "A1"): {"calls": 2, "counted": 2, "second": "done"},
    ("L3", "all keys of a call move together", "A3"): {"rounds": 40, "failures": 0, "unclear": 0},
    ("L3", "a refused call moves no key", "A3"): {"keys": 20, "moved": 0},
    ("L4", "reads show the last update", "A4"): {"rounds": 40, "failures": 0, "unclear": 0},
}


@pytest.fixture
def scene() -> Scene:
    """An API that does what is assumed."""
    return Scene()


def test_an_api_as_assumed_is_described_to_the_figure(scene: Scene) -> None:
    """In the order in which it is tried out."""
    found = scene.verify().findings
    told = {(one.question.test, one.question.name, one.question.assumption): one.evidence for one in found}
    assert told == AS_ASSUMED
    assert list(told) == list(AS_ASSUMED)


@pytest.mark.parametrize("how", BREAKS, ids=lambda how: how.name)
def test_a_broken_assumption_is_told_with_its_evidence(scene: Scene, how: Broken) -> None:
    broken(scene, how)
    finding = scene.found(how.finding)
    assert finding.verdict is CheckResult.VIOLATED
    assert finding.evidence == how.evidence
    assert finding.advice == how.advice


def test_what_is_left_behind_is_set_once_by_one_call(scene: Scene) -> None:
    """The last one, which sets all twenty counters."""
    scene.verify()
    last = scene.api.trials[-1]
    assert (last.mode, last.counters) == (Mode.SET, tuple((key, 0) for key in KEYS))


def test_counters_that_cannot_be_set_back_are_told(scene: Scene) -> None:
    update = scene.api.update

    def refuse(trial: ProbeCall) -> Reply:
        return INVALID if trial.counters == tuple((key, 0) for key in KEYS) else update(trial)

    scene.api.update = refuse  # type: ignore[method-assign]  # the last call fails
    assert not scene.verify(quick=True).set_back


def test_a_short_signature_that_is_refused_weakens_the_promise(scene: Scene) -> None:
    """The others are tried with a long life then, and one that long is not waited for."""
    scene.api.refuses_short = Refused(70001, "too short", Fault.SIGNATURE, None)
    findings = {finding.question.name: finding for finding in scene.verify(quick=True).findings}
    short = findings["short signature accepted"]
    assert (short.verdict, short.advice) == (CheckResult.VIOLATED, LIVE_LONGER)
    assert short.evidence == {"life_s": 6, "accepted": 0, "code": 70001}
    assert findings["signature refused 5 s after its end"].verdict is CheckResult.HOLDS
    reused = findings["used signature refused after its end"]
    assert (reused.verdict, reused.advice) == (
        CheckResult.NOT_TESTED,
        "its end is 172807 s away, which is not waited for",
    )


def test_short_signatures_are_tried_as_late_as_their_tests_say(scene: Scene) -> None:
    """In whole seconds after their end: new ones, expired ones, and one before and after its end."""
    late: list[int] = []
    update = scene.api.update

    def note(trial: ProbeCall) -> Reply:
        if trial.life == 6:
            late.append(int(scene.clock.now()) - trial.time - trial.life)
        return update(trial)

    scene.api.update = note  # type: ignore[method-assign]  # the same, seen
    scene.verify()
    assert late == [-6, 1, 5, 60, -6, 7, -6, -6]


def test_the_same_random_is_sent_twice(scene: Scene) -> None:
    """Every other call has one of its own."""
    scene.verify()
    repeated = [trial.random for trial in scene.api.trials if trial.random is not None]
    assert len(repeated) == 2
    assert len(set(repeated)) == 1
    assert repeated[0] < 2**32


def test_a_repeated_random_that_is_refused_twice_says_nothing(scene: Scene) -> None:
    update = scene.api.update
    scene.api.update = lambda trial: update(trial) if trial.random is None else INVALID  # type: ignore[method-assign]  # one kind of call fails
    finding = scene.found("what the same random twice does")
    assert (finding.verdict, finding.advice) == (CheckResult.NOT_TESTED, "refused with code 10004")


def test_a_worker_stops_at_the_first_contradiction(scene: Scene) -> None:
    update = scene.api.update

    def tear(trial: ProbeCall) -> Reply:
        reply = update(trial)
        if isinstance(reply, Counted) and len(trial.counters) == 20 and trial.mode is Mode.INCREASE:
            return dataclasses.replace(reply, values={**reply.values, KEYS[0]: -1})
        return reply

    scene.api.update = tear  # type: ignore[method-assign]  # the reply shows it
    finding = scene.found("all keys of a call move together")
    assert (finding.verdict, finding.evidence) == (CheckResult.VIOLATED, {"rounds": 2, "failures": 2, "unclear": 0})


def test_rounds_without_a_clear_reply_are_counted(scene: Scene) -> None:
    update = scene.api.update

    def lose(trial: ProbeCall) -> Reply:
        reply = update(trial)
        return Unclear("lost") if len(trial.counters) == 20 and trial.mode is Mode.INCREASE else reply

    scene.api.update = lose  # type: ignore[method-assign]  # the replies are lost
    finding = scene.found("all keys of a call move together")
    assert finding.verdict is CheckResult.NOT_TESTED
    assert finding.advice == "no reply was clear"
    assert finding.evidence == {"rounds": 40, "failures": 0, "unclear": 40}


def test_an_app_that_is_refused_is_asked_again_in_a_minute(scene: Scene) -> None:
    """Not sooner: somebody has to do something about it."""
    scene.api.fates = [Refused(60020, "arrears", Fault.APP, None)]
    with pytest.raises(AppRefused) as caught:
        scene.verify()
    assert (caught.value.info, caught.value.retry_after_s) == ("arrears", RETRY_AFTER_S)


def test_values_of_earlier_runs_are_not_taken_for_effects(scene: Scene) -> None:
    """The scratch counters need not be at zero."""
    scene.api.counters = {SIGNED_KEY: 7}
    assert scene.found("refused calls have no effect").evidence == {"accepted": 9, "counted": 9}


def test_a_quick_run_leaves_out_the_minute(scene: Scene) -> None:
    asked = [finding.question.name for finding in scene.verify(quick=True).findings if finding.question.test == "L1"]
    assert asked == [
        "short signature accepted",
        "signature refused 1 s after its end",
        "signature refused 5 s after its end",
        "used signature refused after its end",
        "refused calls have no effect",
    ]


@pytest.mark.parametrize(("life_s", "verdict"), [(53, CheckResult.HOLDS), (54, CheckResult.NOT_TESTED)])
def test_an_end_is_waited_for_up_to_a_minute(scene: Scene, life_s: int, verdict: CheckResult) -> None:
    scene.rules = replace(scene.rules, life_s=life_s)
    assert life_s + scene.rules.guard_s + 2 - WAIT_MAX_S in {0, 1}
    assert scene.found("used signature refused after its end", quick=True).verdict is verdict


def test_replies_without_a_date_are_counted(scene: Scene) -> None:
    scene.api.dates = False
    assert scene.found("Date tells the time").evidence == {"calls": 7, "calls_with_date": 0}


def test_hosts_whose_clocks_differ_are_found(scene: Scene) -> None:
    """As far as it is certain: a `Date` is cut to whole seconds, and a call takes its time."""
    read = scene.api.read
    off = iter([0, 3] * 100)

    def told(group: Group, time: int, life: int, *, fresh: bool = False) -> Reply:
        reply = read(group, time, life, fresh=fresh)
        scene.clock.moved_s += 0.0613
        return dataclasses.replace(reply, date=None if reply.date is None else reply.date + next(off))

    scene.api.read = told  # type: ignore[method-assign]  # two hosts answer in turns
    found = {finding.question.name: finding for finding in scene.verify(quick=True).findings}
    finding, hosts = found["Date tells the time"], found["the hosts' clocks agree"]
    assert (finding.verdict, finding.advice) == (CheckResult.VIOLATED, RIGHT_THE_CLOCK)
    assert (finding.evidence["replies_apart_s"], finding.evidence["off_at_least_s"]) == (2.55, 2.63)
    assert (hosts.verdict, hosts.advice) == (CheckResult.VIOLATED, GUARD_AGAINST_HOSTS)


def test_without_a_date_nothing_is_said_of_the_hosts(scene: Scene) -> None:
    scene.api.dates = False
    found = scene.found("the hosts' clocks agree")
    assert (found.verdict, found.advice) == (CheckResult.NOT_TESTED, "no reply had a Date")


def test_an_update_that_shows_late_is_looked_for_at_growing_intervals(scene: Scene) -> None:
    """The counter is not there at all at first."""
    read = scene.api.read
    empty = iter([False] * 7 + [True] * 3 + [False] * 100)
    scene.api.read = lambda *question, **_: Counted({}, START_S) if next(empty) else read(*question)  # type: ignore[method-assign]  # three reads lag
    finding = scene.found("updates show within the guard")
    assert (finding.verdict, finding.evidence) == (CheckResult.HOLDS, {"longest_s": 0.37, "reads": 6, "guard_s": 5.0})


def test_a_delta_without_a_clear_reply_is_not_judged(scene: Scene) -> None:
    update = scene.api.update

    def lose(trial: ProbeCall) -> Reply:
        return Unclear("ReadTimeout") if trial.counters[0][1] < 0 else update(trial)

    scene.api.update = lose  # type: ignore[method-assign]  # one kind of call is lost
    finding = scene.found("Increase by -1 counts down")
    assert (finding.verdict, finding.advice) == (CheckResult.NOT_TESTED, "no clear reply: ReadTimeout")


@pytest.mark.parametrize(
    ("name", "evidence"),
    [
        ("what the same random twice does", {"calls": 2, "counted": 0, "second": "done"}),
        ("refused calls have no effect", {"accepted": 2, "counted": 0}),
        ("reads show the last update", {"rounds": 2, "failures": 2, "unclear": 0}),
        ("a refused call moves no key", {"keys": 20, "moved": 20}),
        ("what a key given twice does", {"start": 10, "reply": "done", "after": None}),
    ],
)
def test_counters_that_are_not_shown_count_as_none(scene: Scene, name: str, evidence: Evidence) -> None:
    """An API that shows nothing at all."""
    broken(scene, Broken("", "", {}, "", read=lambda _, reply: Counted({}, reply.date)))
    assert scene.found(name).evidence == evidence


def test_fresh_reads_are_tried_with_one_more_each_time(scene: Scene) -> None:
    """On a key of each worker's own, beginning at zero."""
    scene.verify(rounds=3)
    written = [trial.counters for trial in scene.api.trials[-7:-1]]
    assert written == [((KEYS[0], 1),)] * 3 + [((KEYS[1], 1),)] * 3
    assert scene.api.trials[-8].counters == tuple((key, 0) for key in KEYS)


def test_where_nothing_fails_nothing_shows_whether_it_is_undone(scene: Scene) -> None:
    scene.api.wraps = True
    advice = "the API lets a counter overflow, so no call could be made to fail"
    assert scene.found("a refused call moves no key").advice == advice


def test_a_signature_that_is_refused_at_its_first_use_is_not_tried_again(scene: Scene) -> None:
    update = scene.api.update
    short = iter([False] * 3 + [True] * 9)

    def refuse(trial: ProbeCall) -> Reply:
        is_due = trial.life == 6 and next(short)
        return Refused(70001, "expired", Fault.SIGNATURE, None) if is_due else update(trial)

    scene.api.update = refuse  # type: ignore[method-assign]  # from the fourth short signature on
    finding = scene.found("used signature refused after its end", quick=True)
    assert (finding.verdict, finding.advice) == (
        CheckResult.NOT_TESTED,
        "the signature was refused at its first use",
    )


def test_rounds_whose_replies_are_not_clear_are_no_failures(scene: Scene) -> None:
    update = scene.api.update

    def lose(trial: ProbeCall) -> Reply:
        reply = update(trial)
        return Unclear("lost") if trial.counters == ((KEYS[0], 1),) else reply

    scene.api.update = lose  # type: ignore[method-assign]  # the replies to one worker are lost
    finding = scene.found("reads show the last update")
    assert (finding.verdict, finding.evidence) == (CheckResult.HOLDS, {"rounds": 40, "failures": 0, "unclear": 20})


def test_counters_that_there_was_no_time_to_set_back_are_told(scene: Scene) -> None:
    """The last call needs its time too; whatever was found until then is told."""
    update = scene.api.update

    def hang(trial: ProbeCall) -> Reply:
        scene.clock.moved_s += 2000.0
        return update(trial)

    scene.api.update = hang  # type: ignore[method-assign]  # the first call takes it all
    verified = scene.verify(quick=True)
    assert not verified.set_back
    assert [finding.verdict for finding in verified.findings].count(CheckResult.NOT_TESTED) == 13


def test_a_lost_look_at_the_counter_leaves_its_own_test_undone(scene: Scene) -> None:
    """The one that compares with it; the other tests of signatures go on."""
    lost = scene.api.read
    reads = iter([False] * 12 + [True] + [False] * 99)
    scene.api.read = lambda *question, **_: Unclear("lost") if next(reads) else lost(*question)  # type: ignore[method-assign]  # one is
    findings = {finding.question.name: finding for finding in scene.verify(quick=True).findings}
    undone = [finding for finding in findings.values() if finding.verdict is CheckResult.NOT_TESTED]
    assert [(finding.question.name, finding.advice) for finding in undone] == [
        ("refused calls have no effect", "what the counter showed before could not be read")
    ]


def test_an_invocation_too_short_for_one_call_is_told(scene: Scene) -> None:
    with pytest.raises(NotAccepted, match=OUT_OF_TIME):
        scene.verify(timeout_s=8.0)
    assert scene.api.calls == 0


def test_an_update_that_shows_after_the_guard_is_told_with_its_time(scene: Scene) -> None:
    """It does show, but an attempt may have been judged by then."""
    read = scene.api.read
    since: list[float] = []

    def late(group: Group, time: int, life: int, *, fresh: bool = False) -> Reply:
        scene.clock.moved_s += 0.0313
        reply = read(group, time, life, fresh=fresh)
        if scene.api.trials and not since:
            since.append(scene.clock.moved_s)
        is_shown = not since or scene.clock.moved_s > since[0] + 6
        return reply if is_shown else Counted({}, START_S)

    scene.api.read = late  # type: ignore[method-assign]  # the first update shows after six seconds
    finding = scene.found("updates show within the guard")
    assert (finding.verdict, finding.advice) == (CheckResult.VIOLATED, GUARD_MORE)
    assert finding.evidence == {"longest_s": 6.904, "reads": 13, "guard_s": 5.0}


def test_a_fact_comes_without_advice() -> None:
    question = Check("L1", "what it does")
    assert judge(question, lambda: (False, {"n": 1})) == Finding(question, CheckResult.VIOLATED, {"n": 1}, "")


def test_a_call_about_which_nothing_is_known_may_have_counted_once(scene: Scene) -> None:
    """So much more than what was accepted is no evidence against the API."""
    update = scene.api.update
    short = iter([True] + [False] * 9)

    def lose(trial: ProbeCall) -> Reply:
        reply = update(trial)
        return Unclear("lost") if trial.life == 6 and next(short) else reply

    scene.api.update = lose  # type: ignore[method-assign]  # the reply to the first short signature is lost
    finding = scene.found("refused calls have no effect", quick=True)
    assert finding.evidence == {"accepted": 1, "counted": 1}
