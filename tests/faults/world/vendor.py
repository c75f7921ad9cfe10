"""The vendor's side of the simulation: groups, counters, signatures, and the log of all that took effect.

It shares no code with the core's rules: when a signature ends is written here anew.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from handler.core.model.operation import Mode
from handler.core.model.row import Group
from handler.core.ports.counter_api import Call
from tests.faults.world.api_time import ApiTime
from tests.faults.world.world import World

# Codes of the vendor that the simulation uses.
DONE = 0
GONE = 10010
WRONG_ID = 10015
FORBIDDEN = 10007
EXPIRED = 70001
WRONG_KEY = 70009
SENSITIVE = 80001
INVALID = 10004

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

# What the API makes of a counter that would go below zero: its pages do not say.
ALLOWED, CLAMPED, REFUSED = "allowed", "clamped", "refused"

# Who may have written a line of the log.
CALL = "call"
FOREIGN = "foreign"
DISMISSED = "dismissed"
DELETED = "deleted"


@dataclass(slots=True)
class Landing:
    """One line of the log: what was written, by whom, and the counters that it touched as they were before and after.

    `sent` is the moment at which the request left. `cut_off`: a counter would have gone below zero, and stopped there.
    """

    at: float
    group: str
    kind: str
    mode: str
    values: Mapping[str, int]
    before: Mapping[str, int]
    after: Mapping[str, int]
    sent: float = 0.0
    cut_off: bool = False


@dataclass(slots=True)
class Said:
    """What the API answers: a code, the counters that were asked for, and the whole second that it says it is."""

    code: int
    values: Mapping[str, int]
    date: int | None


@dataclass(slots=True)
class SimulatedChat:
    """Groups with their counters, and the log of everything that changed them."""

    world: World
    groups: dict[Group, dict[str, int]] = field(default_factory=dict)
    landings: list[Landing] = field(default_factory=list)
    made: list[float] = field(default_factory=list)
    """When each group was made, or made again."""
    calls: int = 0
    reads: int = 0
    secret: int = 1
    """Which key the app has now: signatures made with another one are refused."""
    forbidden: str | None = None
    """A key that no call may name."""
    demoted: bool = False
    """Whether the account is no admin now: nothing is permitted to it."""
    vault: int = 1
    """Which key the vault hands out."""
    below_zero: str = ALLOWED
    time: ApiTime = field(init=False)

    def __post_init__(self) -> None:
        self.time = ApiTime(self.world)

    def create(self, group: Group) -> None:
        self.groups[group] = {}
        self.made.append(self.world.now)

    def dismiss(self, group: Group) -> None:
        """A group that is no more, and its counters with it."""
        self.world.tell(f"{group.id} is dismissed")
        before = self.groups.pop(group)
        self.landings.append(Landing(self.world.now, group.id, DISMISSED, "", {}, before, {}))

    def delete(self, group: Group, key: str) -> None:
        """A counter that is there no more: whoever adds to it begins at 0."""
        self.world.tell(f"{key} is deleted")
        before = self.groups[group].pop(key, 0)
        self.landings.append(Landing(self.world.now, group.id, DELETED, "", {}, {key: before}, {key: 0}))

    def refusal(self, group: Group, ends: int, secret: int, values: Collection[str] = ()) -> int | None:
        """Why a request that arrives now is not served: the API counts whole seconds, the last one included."""
        if secret != self.secret:
            return WRONG_KEY
        if int(self.time.now) > ends:
            return EXPIRED
        if self.demoted:
            return FORBIDDEN
        if group not in self.groups:
            return GONE
        return SENSITIVE if self.forbidden in values else None

    def apply(self, call: Call, kind: str = CALL, sent: float = 0.0) -> Mapping[str, int]:
        """Let one update take effect, all its keys at once; the counters that it names, as they are afterwards."""
        counters = self.groups[call.group]
        values = call.values
        before = {key: counters.get(key, 0) for key in values}
        after = self._after(call)
        cut_off = self.below_zero == CLAMPED and min(after.values()) < 0
        if cut_off:
            after = {key: max(value, 0) for key, value in after.items()}
        counters.update(after)
        self.landings.append(
            Landing(self.world.now, call.group.id, kind, call.mode.value, dict(values), before, after, sent, cut_off)
        )
        if self.world.recording:
            self.world.tell(f"APPLIED {kind} {call.mode.value} {dict(values)} -> {counters}")
        return after

    def takes(self, call: Call) -> bool:
        """Whether every counter that an update names stays what a counter may be."""
        least = 0 if self.below_zero == REFUSED else INT64_MIN
        return all(least <= value <= INT64_MAX for value in self._after(call).values())

    def _after(self, call: Call) -> dict[str, int]:
        if call.mode is Mode.SET:
            return dict(call.values)
        counters, sign = self.groups[call.group], call.mode.sign
        return {key: counters.get(key, 0) + sign * value for key, value in call.values.items()}

    def said(self, code: int, values: Mapping[str, int] | None = None) -> Said:
        return Said(code, values or {}, self.time.date())
