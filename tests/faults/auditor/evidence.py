"""What the auditor is given beside the log: what was asked, what was told, and what the world was like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

APPLIED, REJECTED, REUSED, FROZEN = "applied", "rejected", "reused", "frozen"
NOT_ACCEPTED, DOUBTFUL, WAITING, ABSENT = "not accepted", "doubtful", "waiting", "absent"
FINAL = frozenset({APPLIED, REJECTED, REUSED})


@dataclass(slots=True)
class Told:
    """One reply to a caller.

    `later`: its values were seen later. `lines` is how long the log was `at` that moment. `at_last`: it answers the
    question that is asked when all is over.
    """

    kind: str
    content: object = None
    values: Mapping[str, int] = field(default_factory=dict)
    later: bool = False
    lines: int = 0
    at: float = 0.0
    at_last: bool = False


@dataclass(slots=True)
class Asked:
    """One operation, and everything that anybody was told about it.

    `asks` counts its callers, those included that were cut off. One that comes `by_stream` is asked after by
    nobody: to be taken is all that its source is told of it. `place` is what its source calls the record, which was
    `acknowledged` for good, or `given_back` before it ever was.
    """

    name: str
    group: str
    mode: str
    counters: tuple[tuple[str, int], ...]
    index: int
    told: list[Told] = field(default_factory=list)
    asks: int = 0
    by_stream: bool = False
    place: str = ""
    acknowledged: bool = False
    given_back: bool = False


@dataclass(slots=True)
class Facts:
    """What is known about the world beside the log.

    `broken`: a request outlived its bound, was copied, or its refusal was a lie, which has to be repaired in the end.
    `lied`: the only assumption that was broken is that what is refused is not carried out; reads
    tell the truth.
    `tampered`: the receipt was moved while no attempt was open, by somebody else or by a copy that came later; nobody
    can notice before the next call. `inexplicable`: something happened after which a group may freeze. `restored` and
    `dismissed` as they say. `hushed`: somebody may have died before a notice was given. `scarce`: what would bring a
    counter below zero is refused, and all begin there. `frozen` are the groups that are, `receipts` what each ledger
    row and the API have for the others. `failed` has the signed time and the moment of each update that was lost or in
    vain, in worlds whose clocks agree; `bound_s` is how long such a call may live. `parked` is the content of each
    parked record with the reason, and `given_up` when an operator has taken one from it. `straggles`: what is
    parked may come late.
    """

    broken: bool = False
    lied: bool = False
    tampered: bool = False
    inexplicable: bool = False
    restored: bool = False
    dismissed: bool = False
    hushed: bool = False
    refuses: bool = False
    scarce: bool = False
    receipt_key: str = ""
    forbidden: str | None = None
    finished: bool = True
    conflicts: bool = False
    frozen: frozenset[str] = frozenset()
    receipts: Mapping[str, tuple[int | None, int]] = field(default_factory=dict)
    failed: Sequence[tuple[int, float]] = ()
    bound_s: float = 0.0
    notices: frozenset[str] = frozenset()
    parked: Mapping[str, tuple[object, str]] = field(default_factory=dict)
    given_up: Mapping[str, float] = field(default_factory=dict)
    in_order: Sequence[Sequence["Asked"]] = ()
    """What each consumer of the stream delivers one after another."""
    dropped: Sequence[object] = ()
    """The content of each record that an operator has taken from what is parked, and that is not there again."""
    straggles: bool = False
    expired: Sequence[float] = ()
    """When a row that stood on a receipt was deleted, but by an operator."""
    kept_s: float = 0.0
    """How long such a row is kept at least, once its group is gone."""
    made: Sequence[float] = ()
    """When a group was made, or made again."""
    pauses: list[tuple[float, float]] = field(default_factory=list)
    """From when to when an operator had paused the group."""
    sent: Sequence[float] = ()
    """The moment at which each update and each read was sent."""
    apart_s: float = 0.0
    """How far apart the calls that carry operations are at least, in worlds in which nothing excuses less (R16)."""
