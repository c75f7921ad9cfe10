"""The vendor's API as `verify` wants it: signed for any time and life, with a `random` of the test's own."""

from __future__ import annotations

import msgspec

from handler.chat.signed import SignedCalls, update_content
from handler.core.model.row import Group
from handler.core.ports.counter_api import ProbeCall, Reply


class ProbeClient(msgspec.Struct, frozen=True):
    """The core's `ProbeApi`, over the connections of a `ChatClient`."""

    calls: SignedCalls

    def update(self, trial: ProbeCall) -> Reply:
        """Send one update."""
        content = update_content(trial.group, trial.mode.value, trial.counters)
        shown = {key for key, _ in trial.counters}
        signed = (trial.time, trial.life)
        return self.calls.post("update_group_counter", trial.group, content, signed, shown, trial.random)

    def read(self, group: Group, time: int, life: int, *, fresh: bool = False) -> Reply:
        """Read all counters of the group; a `fresh` read goes over a new connection."""
        return self.calls.post("get_group_counter", group, {"GroupId": group.id}, (time, life), shown=(), fresh=fresh)
