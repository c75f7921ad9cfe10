"""APIs in memory that each break one assumption of the protocol, and what verifying has to say of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from handler.core.clock_probes import GUARD_MORE, RIGHT_THE_CLOCK
from handler.core.counter_probes import NOT_NEGATIVE
from handler.core.findings import Evidence
from handler.core.ports import Counted, Fault, Refused, Reply
from handler.core.signature_probes import BOUND, MISTRUST, REPEATED
from handler.core.signature_probes import GUARD_MORE as GUARD_LONGER
from handler.core.trials import LONG_LIFE_S, Trial
from handler.core.volume_probes import NO_RECEIPT, ONE_KEY
from tests.unit.core.memory_probes import MemoryProbes
from tests.unit.core.test_verifying import Scene

INVALID = Refused(10004, "invalid parameter", Fault.OPERATION, None)


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
