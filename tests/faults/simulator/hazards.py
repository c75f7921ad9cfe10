"""What can go wrong in a small world: each hazard happens at most once."""

from typing import TypeAlias

from msgspec import Struct

from tests.faults.world.api_time import OddDates
from tests.faults.world.network import Fate, ReadFate
from tests.faults.world.unreliable import LedgerFault


class Crash(Struct, frozen=True):
    """Whoever takes this step dies, and its instance with it."""

    step: int


class Freeze(Struct, frozen=True):
    """Whoever takes this step wakes so much later; its monotonic clock may stand still meanwhile."""

    step: int
    seconds: float
    stands_still: bool


class LedgerFails(Struct, frozen=True):
    """One call to the ledger fails, by its number; with `outage_calls` as many after it find it out of reach."""

    call: int
    fault: LedgerFault
    outage_calls: int = 0


class Request(Struct, frozen=True):
    """One update, by its number, has a fate of its own. `breaks`: it breaks an assumption that the protocol repairs."""

    number: int
    fate: Fate
    breaks: bool = False


class Read(Struct, frozen=True):
    """One read, by its number, has a fate of its own."""

    number: int
    fate: ReadFate


class ForeignData(Struct, frozen=True):
    """Somebody else moves a counter, as everybody may."""

    at_s: float


class ForeignReceipt(Struct, frozen=True):
    """Somebody else writes the receipt, which nobody may."""

    at_s: float


class Dismissed(Struct, frozen=True):
    """The group goes away; it may be made anew under the same id."""

    at_s: float
    anew_after_s: float | None


class LongGone(Dismissed, frozen=True):
    """It stays away for about as long as its row is kept, and is called for once it is there again."""


class Restored(Struct, frozen=True):
    """The ledger is put back to what it held at an earlier moment; a new generation begins."""

    copied_at_s: float
    at_s: float


class Rotated(Struct, frozen=True):
    """The app gets another key: the vault has it at the first moment, the API wants it from the second one on."""

    at_s: float
    wanted_at_s: float


class ClockJumps(Struct, frozen=True):
    """The wall clock of one instance jumps."""

    at_s: float
    place: int
    seconds: float


class Forbidden(Struct, frozen=True):
    """No call may name this key: the operations that do are refused for good, whomever they travel with."""

    key: str


class Demoted(Struct, frozen=True):
    """The account is no admin for a while: nothing is permitted to it, in no group."""

    at_s: float
    lasts_s: float


class Stray(Struct, frozen=True):
    """A call from before the beginning of the world lands: signed before anybody here looked at the group."""

    at_s: float


class BelowZero(Struct, frozen=True):
    """The API lets no counter go below zero: `how`. Unless data is `scarce`, only a receipt could come so far down."""

    how: str
    scarce: bool


class Outage(Struct, frozen=True):
    """For so long the API carries out no update and goes on to answer reads; it `replies`, or no update arrives."""

    at_s: float
    seconds: float
    replies: bool


class LosesEvery(Struct, frozen=True):
    """One update in so many is lost on its way, for as long as the world lasts."""

    number: int


class Deleted(Struct, frozen=True):
    """Somebody deletes a counter, as the vendor's API lets an admin do."""

    at_s: float
    key: str


class Tidied(Struct, frozen=True):
    """An operator looks at what is parked, and drops it a moment later."""

    at_s: float


class Forgotten(Struct, frozen=True):
    """An operator forgets the group, unless something of it may still land or could be asked for again."""

    at_s: float


class Broken(Struct, frozen=True):
    """Another group, which comes first in each sweep and each batch, meets an error that no rule foresees."""

    group_id: str


class ApiSteps(Struct, frozen=True):
    """The API's clock is set, on all of its hosts at once."""

    at_s: float
    seconds: float


class Paused(Struct, frozen=True):
    """An operator pauses the group, or `all` groups, and lets them go on later."""

    at_s: float
    lasts_s: float
    all: bool


Hazard: TypeAlias = (
    Crash
    | Freeze
    | LedgerFails
    | Request
    | Read
    | ForeignData
    | ForeignReceipt
    | Dismissed
    | Restored
    | Rotated
    | ClockJumps
    | Forbidden
    | Demoted
    | Stray
    | BelowZero
    | Outage
    | LosesEvery
    | Deleted
    | Tidied
    | Forgotten
    | Broken
    | OddDates
    | ApiSteps
    | Paused
)

# What shows only to those who come later.
LASTING = (ForeignReceipt, Dismissed, Restored)

# In these worlds calls are lost one after another, and kept in mind as long as the deployed function does.
LOSING = (Outage, LosesEvery)
