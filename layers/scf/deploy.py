"""Bring a function on SCF to the state that a plan describes, from any state that it is in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from layers.scf import requests as scf_requests
from layers.scf.api import Cloud, CloudError
from layers.scf.difference import READY, Difference, Found
from layers.scf.plan import Plan
from layers.scf.requests import Fields

CONFIGURE: Final = "UpdateFunctionConfiguration"
PAUSE_S: Final = 2.0
PAGE: Final = 100


class Deployment:
    """One deployment. It fails if a function or layer is not ready after `wait_s`; `sleep` pauses between two looks."""

    def __init__(self, plan: Plan, cloud: Cloud, wait_s: float, sleep: Callable[[float], None]) -> None:
        self._plan = plan
        self._cloud = cloud
        self._wait_s = wait_s
        self._sleep = sleep

    def look(self, code: bytes, layer: bytes) -> Difference:
        """What these two zips would change. It only reads."""
        function = _function(self._plan, self._cloud)
        asked = scf_requests.named(self._plan)
        repetitions = None
        if function is not None:
            repetitions = self._cloud.call("GetFunctionEventInvokeConfig", asked).get("AsyncTriggerConfig")
        triggers = {(str(each["Type"]), str(each["TriggerName"])): each for each in self._triggers(function)}
        found = Found(function, repetitions, _layer_versions(self._plan, self._cloud), triggers)
        return Difference(self._plan, scf_requests.digest_of(code), scf_requests.digest_of(layer), found)

    def run(self, difference: Difference, code: bytes, layer: bytes) -> str | None:
        """Make the changes and return the function's public URL, if it has one. A CloudError stops it half-way."""
        if difference.found.function is None:
            version = difference.layer_version or self._published(layer, difference.layer)
            self._cloud.call("CreateFunction", scf_requests.creation(self._plan, code, version))
        elif difference.is_other_code or difference.settings:
            self._until_active()
            version = difference.layer_version or self._published(layer, difference.layer)
            self._change(difference, code, version)
        self._until_active()
        if difference.repeats_otherwise:
            self._cloud.call("UpdateFunctionEventInvokeConfig", scf_requests.repetitions(self._plan))
        for excess in difference.to_delete:
            self._cloud.call("DeleteTrigger", scf_requests.excess_trigger(self._plan, excess))
        for trigger in difference.to_create:
            self._cloud.call("CreateTrigger", scf_requests.trigger(self._plan, trigger))
        for trigger in difference.to_update:
            self._cloud.call("UpdateTrigger", scf_requests.trigger(self._plan, trigger))
        return _address(self._triggers(_function(self._plan, self._cloud)))

    def _change(self, difference: Difference, code: bytes, version: int) -> None:
        """Settings and layer, then the code. No call of the API changes both.

        The description says while code is uploaded that it is being replaced. Otherwise a deployment that ends there
        would leave other code under a digest that a later one takes for its own.
        """
        if difference.is_other_code:
            self._cloud.call(CONFIGURE, scf_requests.configuration(self._plan, version, scf_requests.REPLACING))
            self._until_active()
            self._cloud.call("UpdateFunctionCode", scf_requests.new_code(self._plan, code))
            self._until_active()
        self._cloud.call(CONFIGURE, scf_requests.configuration(self._plan, version, difference.code))

    def _published(self, content: bytes, digest: str) -> int:
        """The number of a new version of the layer, once it is ready."""
        made = self._cloud.call("PublishLayerVersion", scf_requests.layer_version(self._plan, content, digest))
        version = int(str(made["LayerVersion"]))
        asked: Fields = {"LayerName": self._plan.layer, "LayerVersion": version}
        self._until(lambda: self._cloud.call("GetLayerVersion", asked), "PublishLayerVersion")
        return version

    def _triggers(self, function: Fields | None) -> list[Fields]:
        if function is None:
            return []
        asked = scf_requests.named(self._plan) | {"Offset": 0, "Limit": PAGE}
        return _listed(self._cloud.call("ListTriggers", asked), "Triggers")

    def _until_active(self) -> None:
        self._until(lambda: self._cloud.call("GetFunction", scf_requests.named(self._plan)), "GetFunction")

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
            yield f"This REMOVES the function {named} with all of its triggers."
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
    versions = _layer_versions(plan, cloud)
    return Removal(
        plan, _function(plan, cloud), [each for each in versions if str(each.get("Description")).startswith("sha256:")]
    )


def _function(plan: Plan, cloud: Cloud) -> Fields | None:
    return _unless_absent(cloud, "GetFunction", scf_requests.named(plan))


def _layer_versions(plan: Plan, cloud: Cloud) -> list[Fields]:
    return _listed(_unless_absent(cloud, "ListLayerVersions", {"LayerName": plan.layer}) or {}, "LayerVersions")


def _unless_absent(cloud: Cloud, action: str, fields: Fields) -> Fields | None:
    try:
        return cloud.call(action, fields)
    except CloudError as error:
        if error.is_absence:
            return None
        raise


def _listed(answer: Fields, name: str) -> list[Fields]:
    listed = answer.get(name)
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _address(found: list[Fields]) -> str | None:
    """The public address, which SCF writes into the description of a URL trigger."""
    for each in found:
        if each.get("Type") == "http":
            try:
                address: object = json.loads(str(each["TriggerDesc"]))["NetConfig"]["ExtranetUrl"]
            except (ValueError, KeyError, TypeError):
                return None
            return address if isinstance(address, str) else None
    return None
