"""Bring a function on SCF to the state that a plan describes, from any state that it is in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Final

from layers.scf import requests as scf_requests
from layers.scf.api import Cloud, CloudError, DryRun
from layers.scf.plan import Plan
from layers.scf.requests import OWN_TYPES, Fields, Trigger

READY: Final = "Active"
PAUSE_S: Final = 2.0
PAGE: Final = 100


class Deployment:
    """One deployment. It fails if a function or layer is not ready after `wait_s`; `sleep` pauses between two looks."""

    def __init__(self, plan: Plan, cloud: Cloud, wait_s: float, sleep: Callable[[float], None]) -> None:
        self._plan = plan
        self._cloud = cloud
        self._wait_s = wait_s
        self._sleep = sleep

    def run(self, code: bytes, layer: bytes) -> str | None:
        """Deploy these two zips and return the function's public URL, if it has one. A CloudError stops it half-way."""
        version = self._layer(layer)
        if _function(self._plan, self._cloud) is None:
            self._cloud.call("CreateFunction", scf_requests.creation(self._plan, code, version))
        else:
            # For a moment the new code runs with the old layer. An event that fails meanwhile is delivered again.
            self._until_active()
            self._cloud.call("UpdateFunctionCode", scf_requests.new_code(self._plan, code))
            self._until_active()
            self._cloud.call("UpdateFunctionConfiguration", scf_requests.configuration(self._plan, version))
        self._until_active()
        self._cloud.call("UpdateFunctionEventInvokeConfig", scf_requests.repetitions(self._plan))
        self._triggers()
        return _address(self._found_triggers())

    def _layer(self, content: bytes) -> int:
        """The version of the layer with this content; published now, unless there is one already."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        for known in _layer_versions(self._plan, self._cloud):
            if known.get("Description") == digest and known.get("Status") == READY:
                return int(str(known["LayerVersion"]))
        made = self._cloud.call("PublishLayerVersion", scf_requests.layer_version(self._plan, content, digest))
        version = int(str(made["LayerVersion"]))
        asked: Fields = {"LayerName": self._plan.layer, "LayerVersion": version}
        self._until(lambda: self._cloud.call("GetLayerVersion", asked), "PublishLayerVersion")
        return version

    def _triggers(self) -> None:
        found = {(str(each["Type"]), str(each["TriggerName"])): each for each in self._found_triggers()}
        wanted = {(each.type, each.name): each for each in scf_requests.triggers(self._plan)}
        for key, each in found.items():
            if key not in wanted and each["Type"] in OWN_TYPES:
                self._cloud.call("DeleteTrigger", scf_requests.excess_trigger(self._plan, each))
        for key, trigger in wanted.items():
            if key not in found:
                self._cloud.call("CreateTrigger", scf_requests.trigger(self._plan, trigger))
            elif not _is_same_url(trigger, found[key]):
                self._cloud.call("UpdateTrigger", scf_requests.trigger(self._plan, trigger))

    def _found_triggers(self) -> list[Fields]:
        if _function(self._plan, self._cloud) is None:
            return []
        asked = scf_requests.named(self._plan) | {"Offset": 0, "Limit": PAGE}
        return _listed(self._cloud.call("ListTriggers", asked), "Triggers")

    def _until_active(self) -> None:
        self._until(lambda: self._cloud.call("GetFunction", scf_requests.named(self._plan)), "GetFunction")

    def _until(self, look: Callable[[], Fields], action: str) -> None:
        if isinstance(self._cloud, DryRun):
            return
        for _ in range(int(self._wait_s / PAUSE_S) + 1):
            status = str(look().get("Status"))
            if status == READY:
                return
            if status.endswith("Failed"):
                raise CloudError(action, status, "the console of SCF shows why")
            self._sleep(PAUSE_S)
        raise CloudError(action, "Timeout", f"not ready after {self._wait_s:.0f} s")


def remove(plan: Plan, cloud: Cloud) -> None:
    """Delete the function with its triggers, and the layer, if they exist. The ledger stays."""
    if _function(plan, cloud) is not None:
        cloud.call("DeleteFunction", scf_requests.named(plan))
    for version in _layer_versions(plan, cloud):
        cloud.call("DeleteLayerVersion", {"LayerName": plan.layer, "LayerVersion": version["LayerVersion"]})


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


def _is_same_url(wanted: Trigger, found: Fields) -> bool:
    """Whether a URL is reached as planned. It is not updated needlessly, because callers know its address."""
    return wanted.type == "http" and _reach(wanted.description) == _reach(str(found.get("TriggerDesc")))


def _reach(description: str) -> object:
    try:
        read = json.loads(description)
        return read["AuthType"], read["NetConfig"]["EnableIntranet"], read["NetConfig"]["EnableExtranet"]
    except (ValueError, KeyError, TypeError):
        return None


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
