"""The API of Tencent SCF on this machine: functions, layers and triggers with state, real signatures, strict fields.

Actions, fields and codes are those of cloud.tencent.com/document/api/583 (2018-04-16). A function or a layer that has
been changed is not ready at once, and while it is not, a change is refused.
"""

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, TypeAlias

from tencentcloud.scf.v20180416 import models

from tests.sandbox.contexts import scf_context
from tests.sandbox.tc3 import Credentials, TencentConnection, TencentRefusalError, TencentServer

REQUEST_BYTES: Final = 10 * 1024 * 1024
USER_CODE_FAILED: Final = 430
"""The status of a function that raised (583/35311)."""
TURNS: Final = 2
"""How often somebody has to look before a change is done."""

UPLOADED: Final = frozenset({"Code", "ZipFile"})
"""What an upload carries, and no answer shows."""

Fields: TypeAlias = dict[str, object]
Handler: TypeAlias = Callable[[object, object], object]

TIMEOUT_S: Final = 60.0


@dataclass(slots=True)
class Function:
    """A function as it was last told to be, its triggers by type and name, and how it treats failed events."""

    fields: Fields
    turns: int = TURNS
    triggers: dict[tuple[str, str], Fields] = field(default_factory=dict)
    repetitions: object = None
    handler: Handler | None = None
    """What an invocation runs, in this process."""


class ScfServer(TencentServer):
    """The API. `calls` are action and fields of each request that was signed well, in the order of their arrival."""

    service = "scf"
    version = "2018-04-16"

    def __init__(self, credentials: Credentials, region: str) -> None:
        self.calls: list[tuple[str, Fields]] = []
        self.functions: dict[tuple[str, str], Function] = {}
        self.layers: dict[str, list[Fields]] = {}
        self.breaks = False
        self._changing = Lock()
        self._actions: Mapping[str, Callable[[Fields], Fields]] = {
            "CreateFunction": self._create_function,
            "DeleteFunction": self._delete_function,
            "GetFunction": self._get_function,
            "GetFunctionEventInvokeConfig": self._get_repetitions,
            "Invoke": self._invoke,
            "UpdateFunctionCode": self._update_function,
            "UpdateFunctionConfiguration": self._update_function,
            "UpdateFunctionEventInvokeConfig": self._update_repetitions,
            "PublishLayerVersion": self._publish_layer,
            "GetLayerVersion": self._get_layer,
            "ListLayerVersions": self._list_layers,
            "DeleteLayerVersion": self._delete_layer,
            "CreateTrigger": self._create_trigger,
            "UpdateTrigger": self._update_trigger,
            "DeleteTrigger": self._delete_trigger,
            "ListTriggers": self._list_triggers,
        }
        super().__init__(credentials, region, _Connection)

    @property
    def changes(self) -> list[str]:
        return [action for action, _ in self.calls if not action.startswith(("Get", "List", "Invoke"))]

    def answer(self, action: str, fields: Fields) -> Fields:
        with self._changing:
            if action not in self._actions:
                raise TencentRefusalError("InvalidAction")
            known = {name.lstrip("_") for name in vars(getattr(models, f"{action}Request")())}
            if not fields.keys() <= known:
                raise TencentRefusalError("UnknownParameter")
            self.calls.append((action, fields))
            return self._actions[action](fields)

    def _function(self, fields: Fields) -> Function:
        found = self.functions.get(_key(fields))
        if found is None:
            raise TencentRefusalError("ResourceNotFound.FunctionName")
        return found

    def _ready(self, fields: Fields) -> Function:
        found = self._function(fields)
        if found.turns > 0:
            raise TencentRefusalError("FailedOperation.FunctionStatusError")
        return found

    def _create_function(self, fields: Fields) -> Fields:
        if _key(fields) in self.functions:
            raise TencentRefusalError("ResourceInUse.FunctionName")
        self._check_layers(fields)
        self.functions[_key(fields)] = Function(fields)
        return {}

    def _delete_function(self, fields: Fields) -> Fields:
        self._function(fields)
        del self.functions[_key(fields)]
        return {}

    def _get_function(self, fields: Fields) -> Fields:
        found = self._function(fields)
        found.turns -= 1
        status = "CreateFailed" if self.breaks else "Active" if found.turns <= 0 else "Updating"
        return {name: value for name, value in found.fields.items() if name not in UPLOADED} | {"Status": status}

    def _get_repetitions(self, fields: Fields) -> Fields:
        return {"AsyncTriggerConfig": self._function(fields).repetitions}

    def _invoke(self, fields: Fields) -> Fields:
        """Run the function and wait (583/17243). Nothing else is done meanwhile, as one lock guards all."""
        handler = self._function(fields).handler
        if handler is None or fields["InvocationType"] != "RequestResponse":
            raise TencentRefusalError("InvalidParameterValue.InvocationType")
        result: Fields = {"Log": "", "FunctionRequestId": "00000000-0000-4000-8000-000000000001"}
        try:
            returned = handler(json.loads(str(fields["ClientContext"])), scf_context(TIMEOUT_S))
            return {"Result": {**result, "RetMsg": json.dumps(returned), "ErrMsg": ""}}
        except Exception as error:  # noqa: BLE001  # whatever a function raises, its platform reports it
            told = {"errorCode": 1, "errorMessage": "user code exception caught", "statusCode": USER_CODE_FAILED}
            told["stackTrace"] = "".join(traceback.format_exception(error))
            return {"Result": {**result, "RetMsg": json.dumps(told), "ErrMsg": "user code exception caught"}}

    def _update_function(self, fields: Fields) -> Fields:
        found = self._ready(fields)
        self._check_layers(fields)
        found.fields = found.fields | fields
        found.turns = TURNS
        return {}

    def _update_repetitions(self, fields: Fields) -> Fields:
        self._ready(fields).repetitions = fields["AsyncTriggerConfig"]
        return {}

    def _check_layers(self, fields: Fields) -> None:
        wanted = fields.get("Layers", [])
        for layer in wanted if isinstance(wanted, list) else []:
            if self._layer(layer)["Status"] != "Active":
                raise TencentRefusalError("FailedOperation.LayerVersionStatusError")

    def _layer(self, fields: Fields) -> Fields:
        versions = self.layers.get(str(fields["LayerName"]), [])
        found = [each for each in versions if each["LayerVersion"] == fields["LayerVersion"]]
        if not found:
            raise TencentRefusalError("ResourceNotFound.LayerVersion")
        return found[0]

    def _publish_layer(self, fields: Fields) -> Fields:
        versions = self.layers.setdefault(str(fields["LayerName"]), [])
        version = 1 + max((int(str(each["LayerVersion"])) for each in versions), default=0)
        versions.insert(0, fields | {"LayerVersion": version, "Status": "Publishing"})
        return {"LayerVersion": version}

    def _get_layer(self, fields: Fields) -> Fields:
        found = self._layer(fields)
        answered = {"LayerVersion": found["LayerVersion"], "Status": found["Status"]}
        found["Status"] = "Active"
        return answered

    def _list_layers(self, fields: Fields) -> Fields:
        if not self.layers.get(str(fields["LayerName"])):
            raise TencentRefusalError("ResourceNotFound.Layer")
        names = ("LayerVersion", "Status", "Description")
        versions = [{name: each.get(name) for name in names} for each in self.layers[str(fields["LayerName"])]]
        return {"LayerVersions": versions, "TotalCount": len(versions)}

    def _delete_layer(self, fields: Fields) -> Fields:
        self.layers[str(fields["LayerName"])].remove(self._layer(fields))
        return {}

    def _create_trigger(self, fields: Fields) -> Fields:
        triggers = self._ready(fields).triggers
        if _trigger(fields) in triggers:
            raise TencentRefusalError("ResourceInUse.TriggerName")
        triggers[_trigger(fields)] = _placed(fields)
        return {}

    def _update_trigger(self, fields: Fields) -> Fields:
        triggers = self._ready(fields).triggers
        if _trigger(fields) not in triggers:
            raise TencentRefusalError("ResourceNotFound.Trigger")
        triggers[_trigger(fields)] |= fields
        return {}

    def _delete_trigger(self, fields: Fields) -> Fields:
        if self._ready(fields).triggers.pop(_trigger(fields), None) is None:
            raise TencentRefusalError("ResourceNotFound.Trigger")
        return {}

    def _list_triggers(self, fields: Fields) -> Fields:
        found = [_listed(each) for each in self._function(fields).triggers.values()]
        return {"Triggers": found, "TotalCount": len(found)}


def _key(fields: Fields) -> tuple[str, str]:
    return str(fields["Namespace"]), str(fields["FunctionName"])


def _trigger(fields: Fields) -> tuple[str, str]:
    return str(fields["Type"]), str(fields["TriggerName"])


def _listed(trigger: Fields) -> Fields:
    """A trigger as ListTriggers shows it (583/44268): open or not as a number, and a timer's rule within JSON."""
    names = ("Type", "TriggerName", "TriggerDesc", "Qualifier", "CustomArgument", "Description")
    shown = {name: trigger.get(name) for name in names} | {"Enable": int(trigger.get("Enable") == "OPEN")}
    timed = {"TriggerDesc": json.dumps({"cron": trigger["TriggerDesc"]})} if trigger["Type"] == "timer" else {}
    return shown | timed


def _placed(fields: Fields) -> Fields:
    """A new trigger; a URL is given its address."""
    if fields["Type"] != "http":
        return fields
    description = json.loads(str(fields["TriggerDesc"]))
    if description["NetConfig"]["EnableExtranet"]:
        description["NetConfig"]["ExtranetUrl"] = "https://1400000000-abcdefghij.ap-singapore.tencentscf.com"
    return fields | {"TriggerDesc": json.dumps(description)}


class _Connection(TencentConnection):
    body_bytes = REQUEST_BYTES
