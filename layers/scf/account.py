"""What is in the account already: the function with its versions, the one that is served, triggers, and the layer's."""

from __future__ import annotations

from typing import Final

import msgspec

from layers.scf import requests as scf_requests
from layers.scf.api import Cloud, CloudError
from layers.scf.plan import Plan
from layers.scf.requests import ALIAS, LATEST, MADE_HERE, Fields

READY: Final = "Active"
PAGE: Final = 100


class Version(msgspec.Struct, frozen=True):
    """A version of the function that a deployment has published. Its code, settings and layer never change."""

    number: int
    made_at: str
    is_ready: bool

    @property
    def name(self) -> str:
        """Its name in the API."""
        return str(self.number)


class Account:
    """One function and its layer, as the API shows them. Nothing here changes anything."""

    def __init__(self, plan: Plan, cloud: Cloud) -> None:
        self._cloud = cloud
        self._named = scf_requests.named(plan)
        self._layer = plan.layer

    def function(self, version: str = LATEST) -> Fields | None:
        """The function in a version, None if there is none."""
        return self._unless_absent("GetFunction", self._named | {"Qualifier": version})

    def served(self) -> str:
        """The version that triggers and operators reach."""
        return str(self._cloud.call("GetAlias", self._named | {"Name": ALIAS})["FunctionVersion"])

    def versions(self) -> list[Version]:
        """The versions that deployments have published, the newest first."""
        asked = self._named | {"Offset": 0, "Limit": PAGE}
        listed = _listed(self._cloud.call("ListVersionByFunction", asked), "Versions")
        ours = [each for each in listed if is_made_here(each) and str(each["Version"]).isdecimal()]
        made = (
            Version(int(str(each["Version"])), str(each.get("AddTime")), each.get("Status") == READY) for each in ours
        )
        return sorted(made, key=lambda version: version.number, reverse=True)

    def repetitions(self, version: str) -> object:
        """How often an asynchronous event that fails is repeated, and how long it is kept."""
        asked = self._named | {"Qualifier": version}
        return self._cloud.call("GetFunctionEventInvokeConfig", asked).get("AsyncTriggerConfig")

    def triggers(self) -> list[Fields]:
        """All triggers of the function, of every version and alias."""
        return _listed(self._cloud.call("ListTriggers", self._named | {"Offset": 0, "Limit": PAGE}), "Triggers")

    def layers(self) -> list[Fields]:
        """The versions of the layer, whoever has published them."""
        return _listed(self._unless_absent("ListLayerVersions", {"LayerName": self._layer}) or {}, "LayerVersions")

    def _unless_absent(self, action: str, fields: Fields) -> Fields | None:
        try:
            return self._cloud.call(action, fields)
        except CloudError as error:
            if error.is_absence:
                return None
            raise


def is_made_here(found: Fields) -> bool:
    """Whether a deployment has made this function, version or trigger."""
    return str(found.get("Description") or "").startswith(MADE_HERE)


def _listed(answer: Fields, name: str) -> list[Fields]:
    listed = answer.get(name)
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
