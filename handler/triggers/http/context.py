"""What requests are answered with: the context of all triggers, and the settings that only HTTP has."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from handler.core.runtime.instance import TimeBudget
from handler.triggers.context import REPLY_MARGIN_S, AppContext
from handler.triggers.http.auth import Authenticator
from handler.triggers.invocation import Invocation


class HttpContext(msgspec.Struct, frozen=True):
    """The app, who may call it, and what shapes its replies."""

    app: AppContext
    http_status: Callable[[int], int]
    """The status of a reply about an operation that the vendor refused with a code."""
    authenticator: Authenticator
    wait_s: float
    base_path: str
    docs: bool

    def budget(self, invocation: Invocation, wait_s: float) -> TimeBudget:
        """Wait for `wait_s` seconds from now at most, and for less where the invocation ends before."""
        until = self.app.instance.clock.monotonic() + wait_s
        return TimeBudget(
            until=min(until, invocation.deadline - REPLY_MARGIN_S), deadline=invocation.deadline, sheds=True
        )
