"""What every trigger works with: one warm instance, and the settings that are the triggers' own."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from handler.core.errors import NotAccepted, OutcomeUnknown, SettingsError
from handler.core.ports.counter_api import ProbeApi
from handler.core.ports.ledger import Notes, ParkedRecords
from handler.core.ports.queue import Queue
from handler.core.ports.system import Notice
from handler.core.ports.vault import Vault
from handler.core.protocol.engine import ExactlyOnce
from handler.core.runtime.instance import Instance
from handler.core.runtime.windows import Horizon
from handler.triggers.crew import Crew
from handler.triggers.event_kind import NAMED, Kind
from handler.triggers.invocation import Invocation

# The time between the last wait and the end of the invocation: for one more read of the ledger, and the reply.
REPLY_MARGIN_S = 1.0

# The name of the note that holds the newest result of `verify`.
NOTE = "verified"


class AppContext(msgspec.Struct, frozen=True):
    """One warm instance and what triggers need beside its core."""

    instance: Instance
    probes: ProbeApi
    vault: Vault
    queue: Callable[[], Queue] | None = None
    """Makes the queue to which the timer sends pages, if there is one."""
    source_epoch: str = ""
    """Part of the keys of Kafka's records that name no cluster, or no time."""
    reports_offsets: bool = False
    """Whether Kafka's mapping takes partial replies, which no event says."""
    ledger_place: str = ""
    """Which ledger it is, in words for an operator."""
    crew: Crew = msgspec.field(default_factory=Crew)
    """How many groups of a batch are worked on at a time."""
    events: frozenset[str] = frozenset(NAMED)
    """The names of the kinds of events that the function takes."""

    @property
    def parked(self) -> ParkedRecords:
        """The records that the core or a trigger has parked."""
        return self.instance.parked

    @property
    def notes(self) -> Notes:
        """Facts learned about the app."""
        return self.instance.notes

    @property
    def sdkappid(self) -> int:
        """The app that the secret names now, a rotation may name another. Raises what `Vault.current` does."""
        return self.vault.current().sdkappid

    def counters(self) -> ExactlyOnce:
        """The counters of that app."""
        return ExactlyOnce(self.instance, self.sdkappid)

    @property
    def window_s(self) -> float:
        """How long answers are kept, in seconds: the same for HTTP, sources and the timer."""
        return self.instance.rules.window_s

    def horizon(self) -> Horizon:
        """How far back the ledger knows what was executed. Raises NotAccepted if ledger or secret cannot be had."""
        return self.instance.windows.horizon(self.sdkappid)

    def check_takes(self, kind: Kind) -> None:
        """Raise SettingsError for an event of a kind that belongs to another function of the deployment."""
        (name,) = (name for name, kinds in NAMED.items() if kind in kinds)
        if name not in self.events:
            taken = ", ".join(sorted(self.events))
            raise SettingsError("EVENTS", f"{name} is none of what this function takes ({taken}): {kind.value}")

    def check_limits(self, invocation: Invocation) -> None:
        """Raise SettingsError where even a fresh invocation is too short for one call (R3)."""
        given_s, needed_s = invocation.deadline - invocation.started, self.instance.call_s
        if given_s < needed_s:
            raise SettingsError(
                "CHAT_TIMEOUT_S",
                f"one call needs {needed_s:.1f} s in hand and the function's own timeout leaves {given_s:.1f} s: "
                "raise that timeout or lower this variable",
            )


def remind(context: AppContext) -> None:
    """Report it if `verify` has not run for this app yet, or if the ledger does not say; never raises."""
    try:
        noted, because = context.notes.noted(context.sdkappid, NOTE), None
    except (NotAccepted, OutcomeUnknown, SettingsError) as error:
        # The event itself will meet the same error and report it.
        noted, because = None, type(error).__name__
    if noted is None:
        context.instance.reporter.report(Notice.ASSUMPTIONS_UNVERIFIED, because=because)
