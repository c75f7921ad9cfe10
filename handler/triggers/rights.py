"""What the secret says of callers that are named: by the payload of a record, or by the platform."""

from __future__ import annotations

from collections.abc import Callable

from handler.core.errors import NotPermitted
from handler.core.model.operation import Counters, Mode
from handler.core.model.rights import EVERYTHING, Grants, Rights, check, together
from handler.core.ports.vault import Secret


def rights_of(name: str, secret: Secret, now: float) -> Rights | None:
    """The rights of a caller that has proved no token: what any entry of its name allows that is not over.

    A name that the secret does not list may do everything; None for one whose entries are all over.
    """
    listed = [caller for caller in secret.callers if caller.name == name]
    if not listed:
        return EVERYTHING
    valid = [caller.rights for caller in listed if not caller.is_over(now)]
    return together(valid) if valid else None


class RecordRights:
    """What the records of one batch may ask for, by one version of the secret."""

    def __init__(self, current: Callable[[], Secret], now: float) -> None:
        """`current` gives the secret; it is asked at the first record, and what it raises is that record's failure."""
        self._current = current
        self._now = now
        self._secret: Secret | None = None
        self._bounds: dict[tuple[str, str], tuple[tuple[str, Grants | None], ...]] = {}
        """Whose grants have to cover an operation, by the source that delivers it and its caller."""

    def check(self, source: str, caller: str, *, mode: Mode, group_id: str, counters: Counters) -> None:
        """Raise NotPermitted unless both the source and the caller may do this.

        `source` is the ARN, topic or name of what delivered the record. A `caller` that is another one was named by the
        payload, or by an envelope that anybody may have written. Raises what the secret cannot be had for.
        """
        bounds = self._bounds.get((source, caller))
        if bounds is None:
            bounds = self._bounds[source, caller] = self._bounds_of(source, caller)
        for whose, may in bounds:
            check(may, whose, mode, group_id, counters)

    def _bounds_of(self, source: str, caller: str) -> tuple[tuple[str, Grants | None], ...]:
        self._secret = self._secret or self._current()
        of_source, of_caller = self._secret.sources.get(source), rights_of(caller, self._secret, self._now)
        if caller != source and of_source and of_source.callers is not None and caller not in of_source.callers:
            raise NotPermitted("Caller", "may not be named by records of this source")
        if of_caller is None:
            raise NotPermitted("Caller", "is no caller any more: its entry in the secret is over")
        by_itself = self._secret.sources.get(caller) if caller != source else None
        bounds = (
            ("source", of_source.may if of_source else None),
            ("source", by_itself.may if by_itself else None),
            ("caller", of_caller.may),
        )
        return tuple((whose, may) for whose, may in bounds if may is not None)
