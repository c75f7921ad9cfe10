"""APIs in memory that each break one assumption of the protocol, and what verifying has to say of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.ports.counter_api import LONG_LIFE_S, Counted, Fault, ProbeCall, Refused, Reply
from handler.core.verify.clock_checks import GUARD_MORE, RIGHT_THE_CLOCK
from handler.core.verify.counter_checks import NOT_BELOW_ZERO, NOT_LIFTED, NOT_NEGATIVE
from handler.core.verify.finding import Evidence
from handler.core.verify.signature_checks import BOUND, MISTRUST, REPEATED
from handler.core.verify.signature_checks import GUARD_MORE as GUARD_LONGER
from handler.core.verify.volume_checks import NO_RECEIPT, ONE_KEY
from tests.unit.core.verify.memory_probes import MemoryProbes
from tests.unit.core.verify.test_verify import Scene

INVALID = Refused(10004, "invalid parameter", Fault.OPERATION, None)


@dataclass
class Broken:
    """What differs from the API in memory: `update` and `read` see its reply, and may give another one."""

    name: str
    finding: str
    evidence: Evidence
    advice: str
    update: Callable[[MemoryProbes, ProbeCall, Callable[[ProbeCall], Reply]], Reply] = lambda _, trial, do: do(trial)
    read: Callable[[MemoryProbes, Reply], Reply] = lambda _, reply: reply


def broken(scene: Scene, how: Broken) -> None:
    """Let the API of a scene be broken in this way."""
    update, read = scene.api.update, scene.api.read
    scene.api.update = lambda trial: how.update(scene.api, trial, update)  # type: ignore[method-assign]  # as it says
    scene.api.read = lambda *question, **_: how.read(scene.api, read(*question))  # type: ignore[method-assign]  # as it says


def dated(seconds: int) -> Callable[[MemoryProbes, Reply], Reply]:
    """A clock that is off by so many seconds."""
    return lambda _, reply: dataclasses.replace(reply, date=None if reply.date is None else reply.date + seconds)


def takes_expired(api: MemoryProbes, trial: ProbeCall, do: Callable[[ProbeCall], Reply]) -> Reply:
    """Signatures stay good for two seconds after their end."""
    return do(replace(trial, life=trial.life + 2))


def takes_all(api: MemoryProbes, trial: ProbeCall, do: Callable[[ProbeCall], Reply]) -> Reply:
    return do(replace(trial, life=LONG_LIFE_S * 2))


def counts_refused(api: MemoryProbes, trial: ProbeCall, do: Callable[[ProbeCall], Reply]) -> Reply:
    """What is refused for its signature is carried out all the same."""
    reply = do(trial)
    if isinstance(reply, Refused) and reply.fault is Fault.SIGNATURE:
        do(replace(trial, life=LONG_LIFE_S))
    return reply


def takes_no_negative(api: MemoryProbes, trial: ProbeCall, do: Callable[[ProbeCall], Reply]) -> Reply:
    return INVALID if trial.counters[0][1] < 0 else do(trial)


def takes_negative_as_zero(api: MemoryProbes, trial: ProbeCall, do: Callable[[ProbeCall], Reply]) -> Reply:
    if trial.counters[0][1] < 0:
        return do(replace(trial, counters=tuple((key, 0) for key, _ in trial.counters)))
    return do(trial)


def takes_none_below_zero(api: MemoryProbes, trial: ProbeCall, do: Callable[[ProbeCall], Reply]) -> Reply:
    """What would bring a counter below zero is invalid."""
    return INVALID if _below(api, trial) else do(trial)


def cuts_off_at_zero(api: MemoryProbes, trial: ProbeCall, do: Callable[[ProbeCall], Reply]) -> Reply:
    """What would bring a counter below zero brings it to zero."""
    if _below(api, trial):
        return do(replace(trial, mode=Mode.SET, counters=tuple((key, 0) for key, _ in trial.counters)))
    return do(trial)


def passes_below_zero_over(api: MemoryProbes, trial: ProbeCall, do: Callable[[ProbeCall], Reply]) -> Reply:
    """What would bring a counter below zero changes nothing, and is called done."""
    return (
        do(replace(trial, counters=tuple((key, 0) for key, _ in trial.counters))) if _below(api, trial) else do(trial)
    )


def _below(api: MemoryProbes, trial: ProbeCall) -> bool:
    return trial.mode is Mode.DECREASE and any(api.counters.get(key, 0) < value for key, value in trial.counters)


def takes_32_bits(api: MemoryProbes, trial: ProbeCall, do: Callable[[ProbeCall], Reply]) -> Reply:
    is_large = trial.mode is Mode.INCREASE and trial.counters[0][1] >= 2**31
    return INVALID if is_large else do(trial)


def holds_doubles(api: MemoryProbes, trial: ProbeCall, do: Callable[[ProbeCall], Reply]) -> Reply:
    """Only the first 24 bits of a value are kept."""
    reply = do(trial)
    if isinstance(reply, Counted):
        api.counters = {key: value >> 25 << 25 if value > 2**47 else value for key, value in api.counters.items()}
        return dataclasses.replace(reply, values={key: api.counters[key] for key in reply.values})
    return reply


def tears(api: MemoryProbes, trial: ProbeCall, do: Callable[[ProbeCall], Reply]) -> Reply:
    """The last of many keys stays behind."""
    return do(replace(trial, counters=trial.counters[:-1])) if len(trial.counters) == 20 else do(trial)


def undoes_half(api: MemoryProbes, trial: ProbeCall, do: Callable[[ProbeCall], Reply]) -> Reply:
    """Of a call that fails the first keys have moved."""
    reply = do(trial)
    if isinstance(reply, Refused) and len(trial.counters) == 20:
        do(replace(trial, counters=trial.counters[:3]))
    return reply


def lags(api: MemoryProbes, reply: Reply) -> Reply:
    """Reads show one less than there is."""
    assert isinstance(reply, Counted)
    return dataclasses.replace(reply, values={key: value - 1 for key, value in reply.values.items()})


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
        "nothing below zero",
        "Decrease below zero is counted",
        {"start": 1, "outcome": "refused with code 10004"},
        NOT_BELOW_ZERO,
        update=takes_none_below_zero,
    ),
    Broken(
        "counters cut off at zero",
        "Decrease below zero is counted",
        {"start": 1, "after": 0, "outcome": "cut off at 0"},
        NOT_BELOW_ZERO,
        update=cuts_off_at_zero,
    ),
    Broken(
        "what goes below zero passed over",
        "Decrease below zero is counted",
        {"start": 1, "after": 1, "outcome": "neither counted nor cut off"},
        NOT_BELOW_ZERO,
        update=passes_below_zero_over,
    ),
    Broken(
        "deltas of 31 bits",
        "a receipt is lifted, and lowered again",
        {"mode": "Increase", "outcome": "refused with code 10004"},
        NOT_LIFTED,
        update=takes_32_bits,
    ),
    Broken(
        "values that are rounded",
        "a receipt is lifted, and lowered again",
        {"lifted": 2**48, "lowered": 2**48 - 2**25},
        NOT_LIFTED,
        update=holds_doubles,
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
