"""What verifying says of an API, to the figure: of one as assumed, and of each kind that breaks an assumption."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest

from handler.core.bench import OUT_OF_TIME, RATE_PAUSE_S, RATE_TRIES, Bench, described, values_of
from handler.core.clock_probes import GUARD_MORE, RIGHT_THE_CLOCK
from handler.core.commands import Mode
from handler.core.counter_probes import NOT_NEGATIVE
from handler.core.errors import AppRefused
from handler.core.findings import Evidence, NoEvidence, Verdict
from handler.core.ports import Counted, Fault, Refused, Reply, Unclear
from handler.core.rows import Group
from handler.core.signature_probes import BOUND, LIVE_LONGER, MISTRUST, REPEATED, WAIT_MAX_S
from handler.core.signature_probes import GUARD_MORE as GUARD_LONGER
from handler.core.signature_probes import KEY as SIGNED_KEY
from handler.core.trials import LONG_LIFE_S, Trial
from handler.core.verifying import RETRY_AFTER_S
from handler.core.volume_probes import KEYS, NO_RECEIPT, ONE_KEY
from tests.unit.core.memory_probes import MemoryProbes
from tests.unit.core.test_verifying import TOO_OFTEN, Scene

START_S = 1_700_000_000
GROUP = Group(1, "scratch")
INVALID = Refused(10004, "invalid parameter", Fault.OPERATION, None)

AS_ASSUMED: Mapping[tuple[str, str, str], Evidence] = {
    ("L2", "Date tells the time", "A2"): {
        "calls_with_date": 7,
        "api_ahead_s": 0.16,
        "off_at_least_s": 0.0,
        "replies_apart_s": 0.0,
        "guard_s": 5.0,
    },
    ("L2", "updates show within the guard", "A2"): {"longest_s": 0.02, "reads": 3, "guard_s": 5.0},
    ("L5", "Increase by -1 counts down", ""): {"start": 10, "after": 9, "code": 0},
    ("L5", "Decrease by -1 counts up", ""): {"start": 10, "after": 11, "code": 0},
    ("L5", "Increase by 0 is taken", ""): {"start": 10, "after": 10, "code": 0},
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


@dataclass
class Broken:
    """What differs from the API in memory: `update` and `read` see its reply, and may give another one."""

    name: str
    finding: str
    evidence: Evidence
    advice: str
    update: Callable[[MemoryProbes, Trial, Callable[[Trial], Reply]], Reply] = lambda _, trial, do: do(trial)
    read: Callable[[MemoryProbes, Reply], Reply] = lambda _, reply: reply


def broken(scene: Scene, how: Broken) -> None:
    """Let the API of a scene be broken in this way."""
    update, read = scene.api.update, scene.api.read
    scene.api.update = lambda trial: how.update(scene.api, trial, update)  # type: ignore[method-assign]  # as it says
    scene.api.read = lambda *question: how.read(scene.api, read(*question))  # type: ignore[method-assign]  # as it says


def dated(seconds: int) -> Callable[[MemoryProbes, Reply], Reply]:
    """A clock that is off by so many seconds."""
    return lambda _, reply: replace(reply, date=None if reply.date is None else reply.date + seconds)


def takes_expired(api: MemoryProbes, trial: Trial, do: Callable[[Trial], Reply]) -> Reply:
    """Signatures stay good for two seconds after their end."""
    return do(replace(trial, life=trial.life + 2))


def takes_all(api: MemoryProbes, trial: Trial, do: Callable[[Trial], Reply]) -> Reply:
    """Signatures stay good for ever."""
    return do(replace(trial, life=LONG_LIFE_S * 2))


def counts_refused(api: MemoryProbes, trial: Trial, do: Callable[[Trial], Reply]) -> Reply:
    """What is refused for its signature is carried out all the same."""
    reply = do(trial)
    if isinstance(reply, Refused) and reply.fault is Fault.SIGNATURE:
        do(replace(trial, life=LONG_LIFE_S))
    return reply


def takes_no_negative(api: MemoryProbes, trial: Trial, do: Callable[[Trial], Reply]) -> Reply:
    """Negative Values are invalid."""
    return INVALID if trial.counters[0][1] < 0 else do(trial)


def takes_negative_as_zero(api: MemoryProbes, trial: Trial, do: Callable[[Trial], Reply]) -> Reply:
    """Negative Values change nothing."""
    if trial.counters[0][1] < 0:
        return do(replace(trial, counters=tuple((key, 0) for key, _ in trial.counters)))
    return do(trial)


def tears(api: MemoryProbes, trial: Trial, do: Callable[[Trial], Reply]) -> Reply:
    """The last of many keys stays behind."""
    return do(replace(trial, counters=trial.counters[:-1])) if len(trial.counters) == 20 else do(trial)


def undoes_half(api: MemoryProbes, trial: Trial, do: Callable[[Trial], Reply]) -> Reply:
    """Of a call that fails the first keys have moved."""
    reply = do(trial)
    if isinstance(reply, Refused) and len(trial.counters) == 20:
        do(replace(trial, counters=trial.counters[:3]))
    return reply


def lags(api: MemoryProbes, reply: Reply) -> Reply:
    """Reads show one less than there is."""
    assert isinstance(reply, Counted)
    return replace(reply, values={key: value - 1 for key, value in reply.values.items()})


BREAKS = [
    Broken(
        "a clock that is ahead",
        "Date tells the time",
        {"calls_with_date": 7, "api_ahead_s": 20.16, "off_at_least_s": 20.0, "replies_apart_s": 0.0, "guard_s": 5.0},
        RIGHT_THE_CLOCK,
        read=dated(20),
    ),
    Broken(
        "a clock that is behind",
        "Date tells the time",
        {"calls_with_date": 7, "api_ahead_s": -19.84, "off_at_least_s": 19.8, "replies_apart_s": 0.0, "guard_s": 5.0},
        RIGHT_THE_CLOCK,
        read=dated(-20),
    ),
    Broken(
        "reads that lag",
        "updates show within the guard",
        {"longest_s": 8.57, "reads": 13, "guard_s": 5.0},
        GUARD_MORE,
        read=lags,
    ),
    Broken(
        "expired signatures taken for a while",
        "signature refused 1 s after its end",
        {"late_s": 1, "accepted": 1, "code": 0},
        GUARD_LONGER,
        update=takes_expired,
    ),
    Broken(
        "expired signatures taken at the guard",
        "signature refused 5 s after its end",
        {"late_s": 5, "accepted": 1, "code": 0},
        BOUND,
        update=takes_all,
    ),
    Broken(
        "used signatures taken for ever",
        "used signature refused after its end",
        {"life_s": 6, "accepted": 2, "code": 0},
        REPEATED,
        update=takes_all,
    ),
    Broken(
        "refused calls carried out",
        "refused calls have no effect",
        {"accepted": 2, "counted": 6},
        MISTRUST,
        update=counts_refused,
    ),
    Broken(
        "negative Values refused",
        "Increase by -1 counts down",
        {"start": 10, "code": 10004},
        NOT_NEGATIVE,
        update=takes_no_negative,
    ),
    Broken(
        "negative Values taken as none",
        "Decrease by -1 counts up",
        {"start": 10, "after": 10, "code": 0},
        NOT_NEGATIVE,
        update=takes_negative_as_zero,
    ),
    Broken(
        "calls that are torn",
        "all keys of a call move together",
        {"rounds": 40, "failures": 0, "unclear": 0},
        ONE_KEY,
        update=tears,
    ),
    Broken(
        "failed calls undone in part",
        "a refused call moves no key",
        {"keys": 20, "moved": 3},
        ONE_KEY,
        update=undoes_half,
    ),
    Broken(
        "reads that show too little",
        "reads show the last update",
        {"rounds": 2, "failures": 2, "unclear": 0},
        NO_RECEIPT,
        read=lags,
    ),
]


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
    """And with the setting that may help."""
    broken(scene, how)
    finding = scene.found(how.finding)
    assert finding.verdict is Verdict.VIOLATED
    assert finding.evidence == how.evidence
    assert finding.advice == how.advice


def test_what_is_left_behind_is_set_once_by_one_call(scene: Scene) -> None:
    """The last one, which sets all twenty counters."""
    scene.verify()
    last = scene.api.trials[-1]
    assert (last.mode, last.counters) == (Mode.SET, tuple((key, 0) for key in KEYS))


def test_counters_that_cannot_be_set_back_are_told(scene: Scene) -> None:
    """Somebody has to look after them."""
    update = scene.api.update

    def refuse(trial: Trial) -> Reply:
        return INVALID if trial.counters == tuple((key, 0) for key in KEYS) else update(trial)

    scene.api.update = refuse  # type: ignore[method-assign]  # the last call fails
    assert not scene.verify(quick=True).set_back


def test_a_short_signature_that_is_refused_weakens_the_promise(scene: Scene) -> None:
    """The others are tried with a long life then, and one that long is not waited for."""
    scene.api.refuses_short = Refused(70001, "too short", Fault.SIGNATURE, None)
    findings = {finding.question.name: finding for finding in scene.verify(quick=True).findings}
    short = findings["short signature accepted"]
    assert (short.verdict, short.advice) == (Verdict.VIOLATED, LIVE_LONGER)
    assert short.evidence == {"life_s": 6, "accepted": 0, "code": 70001}
    assert findings["signature refused 5 s after its end"].verdict is Verdict.HOLDS
    reused = findings["used signature refused after its end"]
    assert (reused.verdict, reused.advice) == (
        Verdict.NOT_TESTED,
        "its end is 172807 s away, which is not waited for",
    )


def test_short_signatures_are_tried_as_late_as_their_tests_say(scene: Scene) -> None:
    """In whole seconds after their end: new ones, expired ones, and one before and after its end."""
    late: list[int] = []
    update = scene.api.update

    def note(trial: Trial) -> Reply:
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
    """It was the call that was refused."""
    update = scene.api.update
    scene.api.update = lambda trial: update(trial) if trial.random is None else INVALID  # type: ignore[method-assign]  # one kind of call fails
    finding = scene.found("what the same random twice does")
    assert (finding.verdict, finding.advice) == (Verdict.NOT_TESTED, "refused with code 10004")


def test_a_worker_stops_at_the_first_contradiction(scene: Scene) -> None:
    """One round each."""
    update = scene.api.update

    def tear(trial: Trial) -> Reply:
        reply = update(trial)
        if isinstance(reply, Counted) and len(trial.counters) == 20 and trial.mode is Mode.INCREASE:
            return replace(reply, values={**reply.values, KEYS[0]: -1})
        return reply

    scene.api.update = tear  # type: ignore[method-assign]  # the reply shows it
    finding = scene.found("all keys of a call move together")
    assert (finding.verdict, finding.evidence) == (Verdict.VIOLATED, {"rounds": 2, "failures": 2, "unclear": 0})


def test_rounds_without_a_clear_reply_are_counted(scene: Scene) -> None:
    """If none is clear nothing was found out."""
    update = scene.api.update

    def lose(trial: Trial) -> Reply:
        reply = update(trial)
        return Unclear("lost") if len(trial.counters) == 20 and trial.mode is Mode.INCREASE else reply

    scene.api.update = lose  # type: ignore[method-assign]  # the replies are lost
    finding = scene.found("all keys of a call move together")
    assert finding.verdict is Verdict.NOT_TESTED
    assert finding.advice == "no reply was clear"
    assert finding.evidence == {"rounds": 40, "failures": 0, "unclear": 40}


def test_an_app_that_is_refused_is_asked_again_in_a_minute(scene: Scene) -> None:
    """Not sooner: somebody has to do something about it."""
    scene.api.fates = [Refused(60020, "arrears", Fault.APP, None)]
    with pytest.raises(AppRefused) as caught:
        scene.verify()
    assert (caught.value.info, caught.value.retry_after_s) == ("arrears", RETRY_AFTER_S)


def bench(scene: Scene, calls_max: int = 100, deadline: float = 100.0) -> Bench:
    """A bench in front of the scene's API."""
    return Bench(*(GROUP, scene.api, scene.clock, scene.rules, scene.told), deadline=deadline, calls_max=calls_max)


def test_a_refusal_for_the_rate_is_asked_again_five_times(scene: Scene) -> None:
    """A second apart; the last reply stands."""
    scene.api.fates = [TOO_OFTEN] * 10
    one = bench(scene)
    assert one.read() is TOO_OFTEN
    assert (one.calls, len(scene.api.fates)) == (RATE_TRIES, 10 - RATE_TRIES)
    assert scene.clock.moved_s == pytest.approx((RATE_TRIES - 1) * RATE_PAUSE_S)


def test_another_refusal_is_not_asked_again(scene: Scene) -> None:
    """It would be the same."""
    scene.api.fates = [INVALID, INVALID]
    assert bench(scene).update([("k", 1)]) is INVALID
    assert len(scene.api.fates) == 1


def test_calls_are_signed_beyond_doubt_unless_told_otherwise(scene: Scene) -> None:
    """By the API's clock, for two days."""
    one = bench(scene)
    one.update([("k", 1)])
    one.update([("k", 1)], Mode.DECREASE, (5, 6), 7)
    assert scene.api.trials == [
        Trial(GROUP, Mode.INCREASE, (("k", 1),), START_S, LONG_LIFE_S, None),
        Trial(GROUP, Mode.DECREASE, (("k", 1),), 5, 6, 7),
    ]


def test_the_last_call_and_its_time_are_held_back(scene: Scene) -> None:
    """Until the bench is ending."""
    one = bench(scene, calls_max=2)
    one.read()
    with pytest.raises(NoEvidence, match=r"^the 2 calls of this run were used up$"):
        one.read()
    one.ending = True
    one.read()
    with pytest.raises(NoEvidence):
        one.read()
    assert one.calls == 2


@pytest.mark.parametrize(("ending", "last_s"), [(False, 91.0), (True, 95.0)])
def test_no_call_begins_that_might_not_end_in_time(scene: Scene, ending: bool, last_s: float) -> None:
    """To the second: a call of 4 s each, and one for storing what was found."""
    one = bench(scene)
    one.ending = ending
    scene.clock.moved_s = last_s
    one.read()
    scene.clock.moved_s = last_s + 0.001
    with pytest.raises(NoEvidence, match=OUT_OF_TIME):
        one.read()


def test_no_pause_is_made_that_leaves_no_time_for_a_call(scene: Scene) -> None:
    """One that just does is."""
    one = bench(scene)
    one.pause(91.0)
    assert scene.clock.moved_s == 91.0
    with pytest.raises(NoEvidence, match=OUT_OF_TIME):
        one.pause(0.001)


def test_calls_are_paced_evenly(scene: Scene) -> None:
    """At half of the app's rate; time that has passed is not made up for."""
    one = bench(scene)
    for _ in range(11):
        one.read()
    assert scene.clock.moved_s == pytest.approx(10 / 100)
    scene.clock.moved_s += 5
    for _ in range(11):
        one.read()
    assert scene.clock.moved_s == pytest.approx(5.2)


def test_replies_are_described_in_a_few_words() -> None:
    """None of the vendor's texts is repeated."""
    assert described(Counted({}, None)) == "done"
    assert described(INVALID) == "refused with code 10004"
    assert described(Unclear("ReadTimeout")) == "no clear reply: ReadTimeout"
    with pytest.raises(NoEvidence, match=r"^no clear reply: ReadTimeout$"):
        values_of(Unclear("ReadTimeout"))


def test_values_of_earlier_runs_are_not_taken_for_effects(scene: Scene) -> None:
    """The scratch counters need not be at zero."""
    scene.api.counters = {SIGNED_KEY: 7}
    assert scene.found("refused calls have no effect").evidence == {"accepted": 9, "counted": 9}


def test_a_quick_run_leaves_out_the_minute(scene: Scene) -> None:
    """Everything else of L1 is tried."""
    asked = [finding.question.name for finding in scene.verify(quick=True).findings if finding.question.test == "L1"]
    assert asked == [
        "short signature accepted",
        "signature refused 1 s after its end",
        "signature refused 5 s after its end",
        "used signature refused after its end",
        "refused calls have no effect",
    ]


@pytest.mark.parametrize(("life_s", "verdict"), [(53, Verdict.HOLDS), (54, Verdict.NOT_TESTED)])
def test_an_end_is_waited_for_up_to_a_minute(scene: Scene, life_s: int, verdict: Verdict) -> None:
    """Life, guard and two seconds."""
    scene.rules = replace(scene.rules, life_s=life_s)
    assert life_s + scene.rules.guard_s + 2 - WAIT_MAX_S in {0, 1}
    assert scene.found("used signature refused after its end", quick=True).verdict is verdict


def test_replies_without_a_date_are_counted(scene: Scene) -> None:
    """All of them, and those with one."""
    scene.api.dates = False
    assert scene.found("Date tells the time").evidence == {"calls": 7, "calls_with_date": 0}


def test_hosts_whose_clocks_differ_are_found(scene: Scene) -> None:
    """As far as it is certain: a `Date` is cut to whole seconds, and a call takes its time."""
    read = scene.api.read
    off = iter([0, 3] * 100)

    def told(group: Group, time: int, life: int) -> Reply:
        reply = read(group, time, life)
        scene.clock.moved_s += 0.0625
        return replace(reply, date=None if reply.date is None else reply.date + next(off))

    scene.api.read = told  # type: ignore[method-assign]  # two hosts answer in turns
    finding = scene.found("Date tells the time")
    assert (finding.verdict, finding.advice) == (Verdict.VIOLATED, RIGHT_THE_CLOCK)
    assert (finding.evidence["replies_apart_s"], finding.evidence["off_at_least_s"]) == (2.55, 2.62)


def test_an_update_that_shows_late_is_looked_for_at_growing_intervals(scene: Scene) -> None:
    """The counter is not there at all at first."""
    read = scene.api.read
    empty = iter([False] * 7 + [True] * 3 + [False] * 100)
    scene.api.read = lambda *question: Counted({}, START_S) if next(empty) else read(*question)  # type: ignore[method-assign]  # three reads lag
    finding = scene.found("updates show within the guard")
    assert (finding.verdict, finding.evidence) == (Verdict.HOLDS, {"longest_s": 0.37, "reads": 6, "guard_s": 5.0})


def test_a_delta_without_a_clear_reply_is_not_judged(scene: Scene) -> None:
    """It may have been taken."""
    update = scene.api.update

    def lose(trial: Trial) -> Reply:
        return Unclear("ReadTimeout") if trial.counters[0][1] < 0 else update(trial)

    scene.api.update = lose  # type: ignore[method-assign]  # one kind of call is lost
    finding = scene.found("Increase by -1 counts down")
    assert (finding.verdict, finding.advice) == (Verdict.NOT_TESTED, "no clear reply: ReadTimeout")


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
    """The API lets counters overflow."""
    scene.api.wraps = True
    advice = "the API lets a counter overflow, so no call could be made to fail"
    assert scene.found("a refused call moves no key").advice == advice


def test_updates_refused_for_the_rate_are_asked_again_unless_their_signature_is_short(scene: Scene) -> None:
    """A short one may have ended by then."""
    one = bench(scene)
    scene.api.fates = [TOO_OFTEN]
    assert isinstance(one.update([("k", 1)]), Counted)
    scene.api.fates = [TOO_OFTEN]
    assert one.update([("k", 1)], signed=(START_S, 6)) is TOO_OFTEN


def test_reads_are_signed_beyond_doubt(scene: Scene) -> None:
    """For the group of the bench, by the API's clock."""
    asked: list[tuple[object, ...]] = []

    def read(*question: object) -> Reply:
        asked.append(question)
        return Counted({}, START_S + 9)

    scene.api.read = read  # type: ignore[assignment]  # what is asked is wanted
    one = bench(scene)
    one.read()
    one.read()
    assert asked == [(GROUP, START_S, LONG_LIFE_S), (GROUP, START_S + 9, LONG_LIFE_S)]
