"""What a deployment to SCF would change, from what is asked for and what is there, without secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from handler.vault.references import is_reference
from layers.scf import requests as scf_requests
from layers.scf.plan import Plan
from layers.scf.requests import MADE_HERE, OWN_TYPES, Fields, Trigger

READY: Final = "Active"
VARIABLE: Final = "Environment."
HIDDEN: Final = "…"
ABSENT: Final = "none"
CODE_AND_LAYER: Final = "  code and layer change in two calls: between them the old code runs with the new layer"

# What the environment holds that is no secret and names none.
_PLAIN: Final = frozenset(
    {
        "CHAT_REGION",
        "CHAT_CALLS_PER_SECOND",
        "RECEIPT_KEY",
        "HTTP_AUTH",
        "INIT_EARLY",
        "DOCS",
        "SOURCE_EPOCH",
        "GROUP_INTERVAL_S",
        "CORS_ORIGINS",
    }
)

Key = tuple[str, str]


class Found(msgspec.Struct, frozen=True):
    """What is there: the function, if there is one, how it repeats events, the layer's versions, the triggers."""

    function: Fields | None
    repetitions: object
    layers: list[Fields]
    triggers: Mapping[Key, Fields]


class Setting(msgspec.Struct, frozen=True):
    """A setting that differs, in words."""

    name: str
    old: str
    new: str


class Difference(msgspec.Struct, frozen=True):
    """A plan and the digests of its two zips, beside what is there."""

    plan: Plan
    code: str
    layer: str
    found: Found

    @property
    def problem(self) -> str | None:
        """Why nothing may be changed here: a function of that name which no deployment of this project has made."""
        return foreign(self.plan, self.found.function)

    @property
    def layer_version(self) -> int | None:
        """The version of the layer with this content, if there is one."""
        known = (each for each in self.found.layers if each.get("Description") == self.layer)
        return next((int(str(each["LayerVersion"])) for each in known if each.get("Status") == READY), None)

    @property
    def is_other_code(self) -> bool:
        """Whether code has to be uploaded. The description tells, which says so while an upload is not through."""
        function = self.found.function or {}
        return function.get("Description") != scf_requests.described(self.code)["Description"]

    @property
    def settings(self) -> list[Setting]:
        """The function's settings that differ; none of a function that is new."""
        return (
            [] if self.found.function is None else list(_settings(self.plan, self.layer_version, self.found.function))
        )

    @property
    def repeats_otherwise(self) -> bool:
        """Whether failed events are to be repeated otherwise than now."""
        return not _holds(self.found.repetitions, scf_requests.repetitions(self.plan)["AsyncTriggerConfig"])

    @property
    def to_create(self) -> list[Trigger]:
        """The triggers that are not there."""
        return [each for each in scf_requests.triggers(self.plan) if _key(each) not in self.found.triggers]

    @property
    def to_update(self) -> list[Trigger]:
        """The triggers that are there and differ."""
        there = self.found.triggers
        wanted = [each for each in scf_requests.triggers(self.plan) if _key(each) in there]
        return [each for each in wanted if not _is_same(each, there[_key(each)])]

    @property
    def to_delete(self) -> list[Fields]:
        """The triggers that a deployment has made and the plan no longer has."""
        return [each for each in self._excess() if is_made_here(each)]

    @property
    def is_empty(self) -> bool:
        """Whether all is as it should be."""
        changes = (self.to_create, self.to_update, self.to_delete, self.settings, self.is_other_code)
        return not (any(changes) or self.repeats_otherwise)

    def lines(self) -> Iterator[str]:
        """Where it goes, and each thing that is new (+), differs (~) or goes (-)."""
        plan = self.plan
        is_new = self.found.function is None
        yield f"{'region':<12}{plan.region}"
        yield f"{'function':<12}{plan.namespace}/{plan.function}, {'new' if is_new else 'there'}"
        yield f"{'url':<12}{_reached(plan)}"
        yield f"{'vpc':<12}{plan.vpc.id}, {plan.vpc.subnet}"
        yield f"{'ledger':<12}{_value('LEDGER_URL', plan.environment.get('LEDGER_URL', ABSENT))}"
        version = self.layer_version
        yield f"{'layer':<12}{plan.layer}, {'a new version' if version is None else f'version {version}, there'}"
        yield f"{'code':<12}{'new' if is_new else 'other than there' if self.is_other_code else 'as it is there'}"
        yield from self._changes()

    def _changes(self) -> Iterator[str]:
        for setting in self.settings:
            yield f"~ {setting.name}: {setting.old} -> {setting.new}"
        if self.found.function is not None and self.is_other_code and any(s.name == "Layers" for s in self.settings):
            yield CODE_AND_LAYER
        if self.repeats_otherwise:
            wanted = self.plan.asynchronous
            yield f"~ failed events: {wanted.retries} repetitions, kept for {wanted.keep_s} s"
        yield from (f"+ {each.type} {each.name}: {_shown(each)}" for each in self.to_create)
        for each in self.to_update:
            yield f"~ {each.type} {each.name}: {_shown_found(self.found.triggers[_key(each)])} -> {_shown(each)}"
        yield from (f"- {each['Type']} {each['TriggerName']}: {_shown_found(each)}" for each in self.to_delete)
        for excess in self._excess():
            if not is_made_here(excess):
                yield f"  {excess['Type']} {excess['TriggerName']} was not made by a deployment, and stays"
        if self.is_empty:
            yield "no changes"

    def _excess(self) -> list[Fields]:
        wanted = {_key(each) for each in scf_requests.triggers(self.plan)}
        return [each for key, each in self.found.triggers.items() if key not in wanted and each["Type"] in OWN_TYPES]


def foreign(plan: Plan, function: Fields | None) -> str | None:
    """Why a function is left alone: its description does not begin as one that a deployment has made."""
    if function is None or is_made_here(function):
        return None
    words = f'does not begin with "{MADE_HERE}", so it was not made by a deployment, and is left alone'
    return f"{plan.namespace}/{plan.function}: there is such a function. Its description {words}"


def is_made_here(found: Fields) -> bool:
    """Whether a deployment has made this function or trigger."""
    return str(found.get("Description") or "").startswith(MADE_HERE)


def _settings(plan: Plan, version: int | None, function: Fields) -> Iterator[Setting]:
    wanted = dict(_flat(scf_requests.settings(plan, version or 0)))
    if version is None:
        wanted["Layers"] = f"{plan.layer}, a new version"
    found = dict(_flat(function))
    names = [*wanted, *(name for name in found if name.startswith(VARIABLE) and name not in wanted)]
    for name in names:
        old, new = found.get(name, ""), wanted.get(name, "")
        if old != new:
            variable = name.removeprefix(VARIABLE) if name.startswith(VARIABLE) else None
            yield Setting(name, *(_value(variable, text) for text in (old, new)))


def _flat(fields: Mapping[str, object], before: str = "") -> Iterator[tuple[str, str]]:
    """Each setting by its name, as VpcConfig.VpcId, and each variable by its own."""
    for name, value in fields.items():
        if name == "Layers" and isinstance(value, list):
            yield name, ", ".join(f"{each['LayerName']}, version {each['LayerVersion']}" for each in value)
        elif name == "Variables" and isinstance(value, list):
            yield from ((f"{before}{each['Key']}", str(each["Value"])) for each in value)
        elif isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        elif value is not None:
            yield f"{before}{name}", str(value)


def _value(variable: str | None, text: str) -> str:
    """A value for people; of a variable only where it cannot be secret."""
    if not text or text == ABSENT:
        return ABSENT
    return text if variable is None or variable in _PLAIN or is_reference(text) else HIDDEN


def _key(trigger: Trigger) -> Key:
    return trigger.type, trigger.name


def _is_same(wanted: Trigger, found: Fields) -> bool:
    """Whether a trigger is as planned. A URL has neither argument nor mark, as it cannot be updated for these alone."""
    if not _holds(_description(found), _read(wanted.description)):
        return False
    is_open = str(found.get("Enable")) in {"1", "OPEN"}
    same = is_open == wanted.is_open and str(found.get("CustomArgument") or "") == wanted.argument
    return wanted.type == "http" or (same and is_made_here(found))


def _description(found: Fields) -> object:
    """A timer is asked for as a rule, and described as `{"cron": rule}`."""
    read = _read(str(found.get("TriggerDesc")))
    return read.get("cron", read) if isinstance(read, dict) and found.get("Type") == "timer" else read


def _read(description: str) -> object:
    try:
        read: object = json.loads(description)
    except ValueError:
        return description
    return read


def _holds(found: object, wanted: object) -> bool:
    """Whether all that is wanted is found; the platform adds to it, such as a URL's address."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_holds(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_holds, found, wanted))
    return str(found) == str(wanted)


def _shown(trigger: Trigger) -> str:
    words = [trigger.description, *([trigger.argument] if trigger.argument else [])]
    return " ".join([*words, *([] if trigger.is_open else ["(closed)"])])


def _shown_found(found: Fields) -> str:
    description = _description(found)
    argument = str(found.get("CustomArgument") or "")
    is_open = str(found.get("Enable")) in {"1", "OPEN"}
    text = description if isinstance(description, str) else json.dumps(description)
    return _shown(Trigger(str(found["Type"]), str(found["TriggerName"]), text, is_open, argument))


def _reached(plan: Plan) -> str:
    ways = [name for name, is_open in (("public", plan.url.public), ("private", plan.url.private)) if is_open]
    return " and ".join(ways) or ABSENT
