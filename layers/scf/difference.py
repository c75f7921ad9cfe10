"""What a deployment to SCF would change, from what is asked for and what is there, without secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from handler.vault.references import is_reference
from layers.scf import requests as scf_requests
from layers.scf.account import READY, Version, is_made_here
from layers.scf.plan import Plan
from layers.scf.requests import LATEST, MADE_HERE, Fields
from layers.scf.triggers import Triggers, holds

KEPT: Final = 5
"""Versions of the function that are kept for a roll-back: as many as osls keeps deployments on AWS."""

VARIABLE: Final = "Environment."
HIDDEN: Final = "…"
ABSENT: Final = "none"
UNPUBLISHED: Final = (
    "  triggers of $LATEST get code and layer in two calls: between them the old code has the new layer"
)

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

# What a version of the function keeps beside its code.
_SETTINGS: Final = (
    *("Runtime", "MemorySize", "Timeout", "Role", "Environment", "Layers", "VpcConfig", "PublicNetConfig"),
    *("DeadLetterConfig", "ClsLogsetId", "ClsTopicId"),
)


class Found(msgspec.Struct, frozen=True):
    """What is there: the function as it is served, if there is one, and how that version repeats events.

    The versions are those that deployments have published, the layer's and the triggers are all that there are.
    """

    function: Fields | None
    served: str
    repetitions: object
    versions: list[Version]
    layers: list[Fields]
    triggers: list[Fields]


class Setting(msgspec.Struct, frozen=True):
    """A setting that differs, in words."""

    name: str
    old: str
    new: str

    @property
    def line(self) -> str:
        """The setting with both values."""
        return f"~ {self.name}: {self.old} -> {self.new}"


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
        """Whether other code is served, as the description of its version tells."""
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
        return not holds(self.found.repetitions, scf_requests.repetitions(self.plan)["AsyncTriggerConfig"])

    @property
    def is_new_version(self) -> bool:
        """Whether a version has to be published and served: another one, or the first."""
        is_other = self.is_other_code or bool(self.settings) or self.repeats_otherwise
        return is_other or self.found.function is None or self.found.served == LATEST

    @property
    def triggers(self) -> Triggers:
        """The triggers of the plan, beside those that are there."""
        return Triggers(scf_requests.triggers(self.plan), self.found.triggers)

    @property
    def to_forget(self) -> list[Version]:
        """The oldest of the function's versions, where there are too many; never the one that is served."""
        older = self.found.versions[KEPT - self.is_new_version :]
        return [each for each in older if each.name != self.found.served]

    @property
    def is_empty(self) -> bool:
        """Whether all is as it should be."""
        return not (self.is_new_version or self.to_forget) and self.triggers.is_empty

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
        yield from (setting.line for setting in self.settings)
        if self.repeats_otherwise:
            wanted = self.plan.asynchronous
            yield f"~ failed events: {wanted.retries} repetitions, kept for {wanted.keep_s} s"
        if self.is_new_version and self.found.function is not None:
            yield f"~ version {self.found.served} is served -> a new one, with code, settings and layer in one step"
            if any(each.get("Qualifier") == LATEST for each in self.found.triggers):
                yield UNPUBLISHED
        yield from self.triggers.lines()
        yield from (f"- version {each.number} of {each.made_at}" for each in self.to_forget)
        if self.is_empty:
            yield "no changes"


def foreign(plan: Plan, function: Fields | None) -> str | None:
    """Why a function is left alone: its description does not begin as one that a deployment has made."""
    if function is None or is_made_here(function):
        return None
    words = f'does not begin with "{MADE_HERE}", so it was not made by a deployment, and is left alone'
    return f"{plan.namespace}/{plan.function}: there is such a function. Its description {words}"


def between(old: Fields, new: Fields) -> Iterator[Setting]:
    """The settings that differ between two versions of the function, and their layers."""
    found, wanted = (dict(_flat({name: each.get(name) for name in _SETTINGS})) for each in (old, new))
    for name in sorted({*found, *wanted}):
        if found.get(name, "") != wanted.get(name, "") and not name.endswith("EipAddress"):
            yield _setting(name, found.get(name, ""), wanted.get(name, ""))


def _settings(plan: Plan, version: int | None, function: Fields) -> Iterator[Setting]:
    wanted = dict(_flat(scf_requests.settings(plan, version or 0)))
    if version is None:
        wanted["Layers"] = f"{plan.layer}, a new version"
    found = dict(_flat(function))
    names = [*wanted, *(name for name in found if name.startswith(VARIABLE) and name not in wanted)]
    for name in names:
        old, new = found.get(name, ""), wanted.get(name, "")
        if old != new:
            yield _setting(name, old, new)


def _setting(name: str, old: str, new: str) -> Setting:
    variable = name.removeprefix(VARIABLE) if name.startswith(VARIABLE) else None
    return Setting(name, *(_value(variable, text) for text in (old, new)))


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


def _reached(plan: Plan) -> str:
    ways = [name for name, is_open in (("public", plan.url.public), ("private", plan.url.private)) if is_open]
    return " and ".join(ways) or ABSENT
