"""The API of Tencent SCF on this machine: functions, layers and triggers with state, real signatures, strict fields.

Actions, fields and codes are those of cloud.tencent.com/document/api/583 (2018-04-16). A function, a version or a layer
that has been changed is not ready at once, and while it is not, a change is refused. A published version is a copy of
code and settings that never changes (583/15371); the alias $DEFAULT leads to $LATEST until it is switched (583/36149).
"""

import base64
import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, TypeAlias, cast

from tencentcloud.scf.v20180416 import models

from tests.sandbox.contexts import scf_context
from tests.sandbox.tc3 import Credentials, TencentConnection, TencentRefusalError, TencentServer

REQUEST_BYTES: Final = 10 * 1024 * 1024
USER_CODE_FAILED: Final = 430
"""The status of a function that raised (583/35311)."""
LATEST: Final = "$LATEST"
ALIAS: Final = "$DEFAULT"
TURNS: Final = 2
"""How often somebody has to look before a change is done."""

UPLOADED: Final = frozenset({"Code", "ZipFile"})
"""What an upload carries, and no answer shows."""

Fields: TypeAlias = dict[str, object]
Handler: TypeAlias = Callable[[object, object], object]

TIMEOUT_S: Final = 60.0


@dataclass(slots=True)
class Version:
    """Code and settings, how failed events are repeated, and how often somebody has to look until it is ready."""

    fields: Fields
    turns: int = TURNS
    repetitions: object = None


@dataclass(slots=True)
class Function:
    """A function: $LATEST and what was published of it, the version that the alias leads to, and the triggers."""

    versions: dict[str, Version]
    served: str = LATEST
    triggers: dict[tuple[str, str], Fields] = field(default_factory=dict)
    handler: Handler | None = None
    """What an invocation runs, in this process."""

    @property
    def latest(self) -> Version:
        """The version that is changed."""
        return self.versions[LATEST]

    @property
    def fields(self) -> Fields:
        """Code and settings of the version that is served."""
        return self.versions[self.served].fields


class ScfServer(TencentServer):
    """The API. `calls` are action and fields of each request that was signed well, in the order of their arrival."""

    service = "scf"
    version = "2018-04-16"

    def __init__(self, credentials: Credentials, region: str) -> None:
        self.calls: list[tuple[str, Fields]] = []
        self.functions: dict[tuple[str, str], Function] = {}
        self.layers: dict[str, list[Fields]] = {}
        self.breaks = False
        self.fails_at: str | None = None
        self._changing = Lock()
        self._actions: Mapping[str, Callable[[Fields], Fields]] = {
            "CreateFunction": self._create_function,
            "DeleteFunction": self._delete_function,
            "DeleteFunctionVersion": self._delete_version,
            "GetAlias": self._get_alias,
            "GetFunction": self._get_function,
            "GetFunctionEventInvokeConfig": self._get_repetitions,
            "Invoke": self._invoke,
            "ListVersionByFunction": self._list_versions,
            "PublishVersion": self._publish_version,
            "UpdateAlias": self._update_alias,
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
            if action == self.fails_at:
                raise TencentRefusalError("InternalError.System")
            return self._actions[action](fields)

    def pair(self, function: Function) -> tuple[bytes, bytes]:
        """The code and the layer that an event meets now, whichever trigger brings it."""
        [layer] = cast("list[Fields]", function.fields["Layers"])
        content = cast("dict[str, str]", self._layer(layer)["Content"])
        return base64.b64decode(str(function.fields["ZipFile"])), base64.b64decode(content["ZipFile"])

    def _function(self, fields: Fields) -> Function:
        found = self.functions.get(_key(fields))
        if found is None:
            raise TencentRefusalError("ResourceNotFound.FunctionName")
        return found

    def _ready(self, fields: Fields) -> Function:
        found = self._function(fields)
        if found.latest.turns > 0:
            raise TencentRefusalError("FailedOperation.FunctionStatusError")
        return found

    def _create_function(self, fields: Fields) -> Fields:
        if _key(fields) in self.functions:
            raise TencentRefusalError("ResourceInUse.FunctionName")
        self._check_layers(fields)
        code = cast("dict[str, str]", fields["Code"])
        kept = {name: value for name, value in fields.items() if name != "Code"}
        self.functions[_key(fields)] = Function({LATEST: Version(kept | {"ZipFile": code["ZipFile"]})})
        return {}

    def _delete_function(self, fields: Fields) -> Fields:
        self._function(fields)
        del self.functions[_key(fields)]
        return {}

    def _version(self, fields: Fields) -> Version:
        version = self._function(fields).versions.get(str(fields.get("Qualifier", LATEST)))
        if version is None:
            raise TencentRefusalError("ResourceNotFound.FunctionVersion")
        return version

    def _get_function(self, fields: Fields) -> Fields:
        found = self._version(fields)
        found.turns -= 1
        status = "CreateFailed" if self.breaks else "Active" if found.turns <= 0 else "Updating"
        return {name: value for name, value in found.fields.items() if name not in UPLOADED} | {"Status": status}

    def _get_repetitions(self, fields: Fields) -> Fields:
        return {"AsyncTriggerConfig": self._version(fields).repetitions}

    def _publish_version(self, fields: Fields) -> Fields:
        found = self._ready(fields)
        number = str(1 + max((int(name) for name in found.versions if name != LATEST), default=0))
        described = {"Description": fields.get("Description", "")}
        found.versions[number] = Version(found.latest.fields | described, repetitions=found.latest.repetitions)
        return {"FunctionVersion": number}

    def _list_versions(self, fields: Fields) -> Fields:
        found = self._function(fields).versions
        versions: list[Fields] = [
            {
                "Version": name,
                "Description": each.fields.get("Description"),
                "AddTime": f"2026-11-30 08:{0 if name == LATEST else int(name):02}:00",
                "Status": "Active" if each.turns <= 0 else "Publishing",
            }
            for name, each in found.items()
        ]
        return {"Versions": versions, "FunctionVersion": list(found), "TotalCount": len(found)}

    def _delete_version(self, fields: Fields) -> Fields:
        found = self._function(fields)
        self._version(fields)
        if fields["Qualifier"] in {LATEST, found.served}:
            raise TencentRefusalError("UnsupportedOperation.AliasBind")
        del found.versions[str(fields["Qualifier"])]
        return {}

    def _get_alias(self, fields: Fields) -> Fields:
        return {"Name": ALIAS, "FunctionVersion": self._aliased(fields).served}

    def _update_alias(self, fields: Fields) -> Fields:
        found = self._aliased(fields)
        if self._version({**fields, "Qualifier": fields["FunctionVersion"]}).turns > 0:
            raise TencentRefusalError("FailedOperation.FunctionVersionStatusNotActive")
        found.served = str(fields["FunctionVersion"])
        return {}

    def _aliased(self, fields: Fields) -> Function:
        if fields["Name"] != ALIAS:
            raise TencentRefusalError("ResourceNotFound.Alias")
        return self._function(fields)

    def _invoke(self, fields: Fields) -> Fields:
        """Run the function and wait (583/17243). Nothing else is done meanwhile, as one lock guards all."""
        handler = self._function(fields).handler
        if fields.get("Qualifier") != ALIAS:
            raise TencentRefusalError("InvalidParameterValue.Qualifier")
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
        found.latest.fields = found.latest.fields | fields
        found.latest.turns = TURNS
        return {}

    def _update_repetitions(self, fields: Fields) -> Fields:
        self._ready(fields).latest.repetitions = fields["AsyncTriggerConfig"]
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
        self._bound(fields).update(fields)
        return {}

    def _delete_trigger(self, fields: Fields) -> Fields:
        self._bound(fields)
        del self._function(fields).triggers[_trigger(fields)]
        return {}

    def _bound(self, fields: Fields) -> Fields:
        """A trigger by its name and the version or alias that it was made for."""
        found = self._ready(fields).triggers.get(_trigger(fields))
        if found is None or found.get("Qualifier", LATEST) != fields.get("Qualifier", LATEST):
            raise TencentRefusalError("ResourceNotFound.Trigger")
        return found

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
