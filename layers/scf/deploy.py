"""Bring a function on SCF to the state that a plan describes, from any state that it is in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from layers.scf import requests as scf_requests
from layers.scf.account import READY, Account
from layers.scf.api import Cloud, CloudError
from layers.scf.difference import Difference, Found
from layers.scf.plan import Plan
from layers.scf.requests import ALIAS, LATEST, Fields

PAUSE_S: Final = 2.0


class Deployment:
    """One deployment. It fails if a function or layer is not ready after `wait_s`; `sleep` pauses between two looks."""

    def __init__(self, plan: Plan, cloud: Cloud, wait_s: float, sleep: Callable[[float], None]) -> None:
        self._plan = plan
        self._cloud = cloud
        self._account = Account(plan, cloud)
        self._wait_s = wait_s
        self._sleep = sleep

    def look(self, code: bytes, layer: bytes) -> Difference:
        """What these two zips would change. It only reads."""
        return Difference(self._plan, scf_requests.digest_of(code), scf_requests.digest_of(layer), self._found())

    def _found(self) -> Found:
        account = self._account
        if account.function() is None:
            return Found(None, LATEST, None, [], account.layers(), [])
        served = account.served()
        return Found(
            account.function(served),
            served,
            account.repetitions(served),
            account.versions(),
            account.layers(),
            account.triggers(),
        )

    def run(self, difference: Difference, code: bytes, layer: bytes) -> str | None:
        """Make the changes and return the function's public URL, if it has one. A CloudError stops it half-way.

        Until a whole version has been published nothing of it is served, and the next deployment begins again.
        """
        if difference.is_new_version:
            self._serve(self._new_version(difference, code, layer))
        for excess in difference.triggers.to_delete:
            self._cloud.call("DeleteTrigger", scf_requests.excess_trigger(self._plan, excess))
        for trigger in difference.triggers.to_create:
            self._cloud.call("CreateTrigger", scf_requests.trigger(self._plan, trigger))
        for trigger in difference.triggers.to_update:
            self._cloud.call("UpdateTrigger", scf_requests.trigger(self._plan, trigger))
        for version in difference.to_forget:
            self._cloud.call("DeleteFunctionVersion", scf_requests.version_named(self._plan, version.name))
        return _address(self._account.triggers())

    def _new_version(self, difference: Difference, code: bytes, layer: bytes) -> str:
        """Publish a version with this code, these settings and this layer; its name.

        All three are always sent: a deployment that ended half-way may have left others in $LATEST.
        """
        plan = self._plan
        if difference.found.function is not None:
            self._until_active()
        version = difference.layer_version or self._published(layer, difference.layer)
        if difference.found.function is None:
            self._cloud.call("CreateFunction", scf_requests.creation(plan, code, version))
        else:
            self._cloud.call("UpdateFunctionConfiguration", scf_requests.configuration(plan, code, version))
            self._until_active()
            self._cloud.call("UpdateFunctionCode", scf_requests.new_code(plan, code))
        self._until_active()
        self._cloud.call("UpdateFunctionEventInvokeConfig", scf_requests.repetitions(plan))
        self._until_active()
        return str(self._cloud.call("PublishVersion", scf_requests.publication(plan, code))["FunctionVersion"])

    def _serve(self, version: str) -> None:
        self._until_active(version)
        self._cloud.call("UpdateAlias", scf_requests.switch(self._plan, version))

    def _published(self, content: bytes, digest: str) -> int:
        """The number of a new version of the layer, once it is ready."""
        made = self._cloud.call("PublishLayerVersion", scf_requests.layer_version(self._plan, content, digest))
        version = int(str(made["LayerVersion"]))
        asked: Fields = {"LayerName": self._plan.layer, "LayerVersion": version}
        self._until(lambda: self._cloud.call("GetLayerVersion", asked), "PublishLayerVersion")
        return version

    def _until_active(self, version: str = LATEST) -> None:
        self._until(
            lambda: self._cloud.call("GetFunction", scf_requests.version_named(self._plan, version)), "GetFunction"
        )

    def _until(self, look: Callable[[], Fields], action: str) -> None:
        for _ in range(int(self._wait_s / PAUSE_S) + 1):
            status = str(look().get("Status"))
            if status == READY:
                return
            if status.endswith("Failed"):
                raise CloudError(action, status, "the console of SCF shows why")
            self._sleep(PAUSE_S)
        raise CloudError(action, "Timeout", f"not ready after {self._wait_s:.0f} s")


class Removal(msgspec.Struct, frozen=True):
    """What is taken away: the function with its triggers, and the layer's versions that deployments have published."""

    plan: Plan
    function: Fields | None
    layers: list[Fields]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to take away."""
        return self.function is None and not self.layers

    def lines(self) -> Iterator[str]:
        """What goes, and that the ledger stays."""
        plan = self.plan
        if self.function is not None:
            named = f"{plan.namespace}/{plan.function} in {plan.region}"
            yield f"This REMOVES the function {named} with all of its versions and triggers."
        for each in self.layers:
            yield f"This REMOVES version {each['LayerVersion']} of the layer {plan.layer} in {plan.region}."
        yield "nothing to remove" if self.is_empty else "The ledger stays as it is."

    def run(self, cloud: Cloud) -> None:
        """Delete all of it."""
        if self.function is not None:
            cloud.call("DeleteFunction", scf_requests.named(self.plan))
        for each in self.layers:
            asked: Fields = {"LayerName": self.plan.layer, "LayerVersion": each["LayerVersion"]}
            cloud.call("DeleteLayerVersion", asked)


def removal_of(plan: Plan, cloud: Cloud) -> Removal:
    """What there is to remove. It only reads."""
    account = Account(plan, cloud)
    published = [each for each in account.layers() if str(each.get("Description")).startswith("sha256:")]
    return Removal(plan, account.function(), published)


def _address(found: list[Fields]) -> str | None:
    """The public address, which SCF writes into the description of a URL trigger."""
    for each in found:
        if each.get("Type") == "http" and each.get("Qualifier") == ALIAS:
            try:
                address: object = json.loads(str(each["TriggerDesc"]))["NetConfig"]["ExtranetUrl"]
            except (ValueError, KeyError, TypeError):
                return None
            return address if isinstance(address, str) else None
    return None
