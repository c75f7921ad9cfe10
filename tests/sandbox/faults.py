"""What can go wrong with one request, and when that lets it be applied and answered.

A fault that does not keep the request from the API comes after its check: a request that is refused stays refused, and
meets only what the fault does to its reply.
"""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal[
    "drop_before",  # The connection is closed without a reply; the API never heard the request.
    "drop_after",  # Applied, then the connection is closed without a reply.
    "reset_before",  # As `drop_before`, with a TCP reset.
    "reset_after",  # As `drop_after`, with a TCP reset.
    "bad_gateway_before",  # HTTP 502 with an HTML page; the API never heard the request.
    "bad_gateway_after",  # Applied, then HTTP 502 with an HTML page.
    "late",  # No reply: the connection is closed after `hold_s`, and the request is applied after `delay_s`.
    "slow",  # Applied; the reply comes `delay_s` later.
    "slow_before",  # Applied after `delay_s`, then answered.
    "cut_body",  # Applied; the reply ends in the middle of its body.
    "html_body",  # HTTP 200 with an HTML page; applied or not, as `applied` says.
    "missing_receipt",  # Applied; the reply lacks the counter `key`, or without a key all of `GroupCounter`.
    "code",  # Answered with the ErrorCode `code`; applied or not, as `applied` says.
]

_UNHEARD: Final = frozenset({"drop_before", "reset_before", "bad_gateway_before"})
_HELD_UP: Final = frozenset({"late", "slow_before"})
_DELAYED: Final = frozenset({"late", "slow_before", "slow"})
_OPTIONAL: Final = frozenset({"html_body", "code"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, as above; `ValueError` for fields that its kind does not have.

    `recheck` says whether the signature's expiry is checked again when the request is about to be applied. True is a
    request that was held up on its way to the API: once expired, it is refused. False is one that the API itself held
    up after its check, which expiry cannot stop.
    """

    kind: Kind
    delay_s: float = 0.0
    hold_s: float = 0.0
    recheck: bool = True
    applied: bool = False
    code: int = 0
    key: str | None = None

    def __post_init__(self) -> None:
        if not (self.delay_s >= 0 and self.hold_s >= 0):
            raise ValueError("delay_s and hold_s must be 0 or more")
        misplaced = {
            "delay_s": self.delay_s > 0 and self.kind not in _DELAYED,
            "hold_s": self.hold_s > 0 and self.kind != "late",
            "applied": self.applied and self.kind not in _OPTIONAL,
            "code": (self.code != 0) != (self.kind == "code"),
            "key": self.key is not None and self.kind != "missing_receipt",
        }
        for name, wrong in misplaced.items():
            if wrong:
                raise ValueError(f"{name} does not go with the fault {self.kind}")

    @property
    def unheard(self) -> bool:
        """Whether the request never reaches the API, so that nothing about it is checked."""
        return self.kind in _UNHEARD

    @property
    def withheld(self) -> bool:
        """Whether the request is not applied, however right it is."""
        return self.unheard or (self.kind in _OPTIONAL and not self.applied)

    @property
    def held_up_s(self) -> float:
        """How long the request waits before it is applied."""
        return self.delay_s if self.kind in _HELD_UP else 0.0


@dataclass(frozen=True, slots=True)
class Course:
    """When a request is applied (`None`: never) and when it is answered or hung up on, in seconds from its arrival."""

    apply_after_s: float | None
    reply_after_s: float


def course(fault: Fault | None, *, refused: bool, lag_s: float) -> Course:
    """The course of a request that meets `fault`; the API takes `lag_s` from its check to applying."""
    if fault is None:
        return Course(None, 0.0) if refused else Course(lag_s, lag_s)
    reply_after_s = fault.hold_s if fault.kind == "late" else fault.delay_s
    if refused or fault.withheld:
        return Course(None, reply_after_s)
    if fault.kind == "late":
        return Course(fault.held_up_s + lag_s, reply_after_s)
    return Course(fault.held_up_s + lag_s, reply_after_s + lag_s)


def every_kind(*, delay_s: float, key: str, code: int = 10002, recheck: bool = True) -> tuple[Fault, ...]:
    """One fault of every kind and variant, for a random plan. `key` is the receipt to leave out."""
    return (
        Fault("drop_before"),
        Fault("drop_after"),
        Fault("reset_before"),
        Fault("reset_after"),
        Fault("bad_gateway_before"),
        Fault("bad_gateway_after"),
        Fault("late", delay_s=delay_s, recheck=recheck),
        Fault("late", delay_s=delay_s, hold_s=delay_s, recheck=recheck),
        Fault("slow", delay_s=delay_s),
        Fault("slow_before", delay_s=delay_s, recheck=recheck),
        Fault("cut_body"),
        Fault("html_body", applied=False),
        Fault("html_body", applied=True),
        Fault("missing_receipt"),
        Fault("missing_receipt", key=key),
        Fault("code", code=code, applied=False),
        Fault("code", code=code, applied=True),
    )
