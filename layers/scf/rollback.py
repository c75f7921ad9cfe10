"""Take the function back to a version that an earlier deployment has published: code, settings and layer together."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from layers.scf import requests as scf_requests
from layers.scf.account import Account, Version
from layers.scf.api import Cloud
from layers.scf.difference import between, foreign
from layers.scf.plan import Plan
from layers.scf.requests import Fields


class Rollback(msgspec.Struct, frozen=True):
    """What is served, and the versions that are kept. `target` is the function in the version that is asked for."""

    plan: Plan
    function: Fields | None
    served: str
    versions: list[Version]
    asked: str
    target: Fields | None

    @property
    def problem(self) -> str | None:
        """Why nothing is switched."""
        if self.function is None:
            return f"There is no function {self.plan.name}"
        if problem := foreign(self.plan, self.function):
            return problem
        if not self.versions:
            return f"No version of {self.plan.name} is kept: the next deployment publishes the first"
        if self.asked and self._version is None:
            return f"VERSION: {self.asked} is not kept; there are {', '.join(each.name for each in self.versions)}"
        if self._version is not None and not self._version.is_ready:
            return f"VERSION: {self.asked} was not published to its end"
        return None

    @property
    def _version(self) -> Version | None:
        return next((each for each in self.versions if each.name == self.asked), None)

    @property
    def is_empty(self) -> bool:
        """Whether the version is served already."""
        return self.asked == self.served

    def listed(self) -> Iterator[str]:
        """The versions that are kept."""
        yield "Say which: VERSION=<number of this list>"
        for each in self.versions:
            yield f"{each.number:>6}  {each.made_at}{'  is served' if each.name == self.served else ''}"

    def lines(self) -> Iterator[str]:
        """From which version to which, and what differs between them."""
        if self._version is None or self.function is None or self.target is None:
            return
        if self.is_empty:
            yield f"no changes: version {self.served} is served"
            return
        yield f"This switches {self.plan.name} from version {self.served} to version {self.asked},"
        yield f"which was published at {self._version.made_at}: code, settings and layer in one step."
        if self.function.get("Description") != self.target.get("Description"):
            yield "~ code: another"
        yield from (setting.line for setting in between(self.function, self.target))
        yield "Groups whose rows that version cannot read wait for a later one."
        yield "The ledger and the triggers stay as they are."

    def run(self, cloud: Cloud) -> None:
        """Switch."""
        cloud.call("UpdateAlias", scf_requests.switch(self.plan, self.asked))


def rollback_of(plan: Plan, cloud: Cloud, asked: str) -> Rollback:
    """What a roll-back to a version would do; without one it has the list alone. It only reads."""
    account = Account(plan, cloud)
    if account.function() is None:
        return Rollback(plan, None, "", [], asked, None)
    served, versions = account.served(), account.versions()
    target = account.function(asked) if any(each.name == asked for each in versions) else None
    return Rollback(plan, account.function(served), served, versions, asked, target)
