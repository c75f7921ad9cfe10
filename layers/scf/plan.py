"""Read `custom.tencent` of serverless.yml, and check it before any call is made.

The limits are in cloud.tencent.com/document/product/583: 9708 (timers), 39901 (descriptions of triggers), 32748
(environment variables), 11637 (the function).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import ConfigDict, Field, ValidationError

from handler.config.settings import Settings
from handler.core.errors import BadInput, SettingsError
from handler.core.model.payload import StrictModel
from handler.triggers.timer.tick import read_tick
from layers import parameters
from layers.packaging.targets import ROOT

SERVICE: Final = ROOT / "serverless.yml"
MESSAGE_BYTES: Final = 4096
ENVIRONMENT_BYTES: Final = 4096
EPOCH: Final = "1970-01-01T00:00:00Z"

_RESERVED: Final = ("SCF_", "QCLOUD_", "TENCENTCLOUD_")

_Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,58}[A-Za-z0-9]$")]


class PlanError(Exception):
    """The plan cannot be deployed; each of `problems` names one thing that is missing or wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class _Part(StrictModel):
    model_config = ConfigDict(frozen=True)


class Vpc(_Part):
    """A private network; both texts are empty without one."""

    id: str
    subnet: str


class Log(_Part):
    """The log set and topic of CLS for the function's log; without them SCF takes those of its own."""

    set: str
    topic: str


class Async(_Part):
    """How often a failed asynchronous event is retried, and how long it is kept."""

    retries: Annotated[int, Field(ge=0, le=3)]
    keep_s: Annotated[int, Field(alias="keepS", ge=1, le=21_600)]


class DeadLetters(_Part):
    """The CMQ topic or queue for events that failed for good."""

    type: Literal["topic", "queue"]
    name: Annotated[str, Field(min_length=1)]


class Url(_Part):
    """The networks from which the function's URL can be reached. The function authenticates its callers."""

    public: bool
    private: bool


class Timer(_Part):
    """A timer in UTC+8. The fields of `cron` are seconds, minutes, hours, day, month, weekday and year."""

    name: _Name
    cron: Annotated[str, Field(pattern=r"^\S+( \S+){6}$")]
    enabled: bool
    message: dict[str, object]

    @property
    def text(self) -> str:
        """The message as JSON text, the form in which the timer carries it."""
        return json.dumps(self.message, ensure_ascii=False, separators=(",", ":"))


class Topic(_Part):
    """A topic of a CKafka instance in the function's network; a batch has at most `batch` messages."""

    instance: Annotated[str, Field(pattern=r"^ckafka-[a-z0-9]+$")]
    topic: Annotated[str, Field(min_length=1)]
    batch: Annotated[int, Field(ge=1, le=10_000)]


class Plan(_Part):
    """The whole of `custom.tencent`."""

    region: Annotated[str, Field(pattern=r"^[a-z]+-[a-z]+(-[a-z0-9]+)*$")]
    namespace: Annotated[str, Field(min_length=1)]
    function: _Name
    layer: _Name
    runtime: Literal["Python3.10"]
    memory_mb: Annotated[int, Field(alias="memoryMb", ge=128, le=3072, multiple_of=128)]
    timeout_s: Annotated[int, Field(alias="timeoutS", ge=10, le=900)]
    role: str
    vpc: Vpc
    fixed_address: Annotated[bool, Field(alias="fixedAddress")]
    log: Log
    environment: dict[str, str]
    asynchronous: Annotated[Async, Field(alias="async")]
    dead_letters: Annotated[DeadLetters | None, Field(alias="deadLetters")]
    url: Url
    timers: list[Timer]
    topics: list[Topic]

    @property
    def name(self) -> str:
        """What and where the function is, in words."""
        return f"{self.namespace}/{self.function} of SCF in {self.region}"


def tencent_of(service: str) -> dict[str, Any]:
    """`custom.tencent` of serverless.yml, which may be changed."""
    return deepcopy(_parsed(service)["custom"]["tencent"])


@cache
def _parsed(service: str) -> Any:  # noqa: ANN401  # whatever the file holds
    """The whole file. It takes most of a second, and a command reads it twice."""
    return yaml.safe_load(service)


def read_plan(text: str, changes: Mapping[str, str], *, deploying: bool = True) -> Plan:
    """Read `custom.tencent` out of serverless.yml. `changes` replace single texts, such as `vpc.id`.

    Raises PlanError if anything is missing or wrong. What does not deploy needs only a plan of the right form.
    """
    tencent = tencent_of(text)
    problems = [*parameters.unknown(changes, _texts(tencent)), *parameters.placeholders(changes)]
    if problems:
        raise PlanError(problems)
    for name, change in changes.items():
        _change(tencent, name.split("."), change)
    tencent["deadLetters"] = tencent.get("deadLetters") or None
    try:
        plan = Plan.model_validate(tencent)
    except ValidationError as error:
        raise PlanError([_found(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors()]) from None
    problems = [*_missing(plan), *_environment_problems(plan), *_timer_problems(plan)]
    if problems and deploying:
        raise PlanError(problems)
    return plan


def _texts(part: Mapping[str, object], before: str = "") -> Iterator[str]:
    """The names of all texts, such as `role` and `vpc.id`: these can be set."""
    for name, value in part.items():
        if isinstance(value, dict):
            yield from _texts(value, f"{before}{name}.")
        elif isinstance(value, str):
            yield f"{before}{name}"


def _change(part: dict[str, Any], path: list[str], text: str) -> None:
    *outer, name = path
    for inner in outer:
        part = part[inner]
    part[name] = text


def _missing(plan: Plan) -> list[str]:
    needed = [
        (
            "role",
            not plan.role,
            "is empty. The function needs a role that SCF may assume and that can read the secrets",
        ),
        ("vpc", bool(plan.vpc.id) != bool(plan.vpc.subnet), "needs both id and subnet, or neither"),
        ("log", bool(plan.log.set) != bool(plan.log.topic), "needs both set and topic, or neither"),
        ("vpc", not plan.vpc.id, "is empty. Redis and CKafka can only be reached from their own network"),
    ]
    return [_found(where, problem) for where, is_missing, problem in needed if is_missing]


def _environment_problems(plan: Plan) -> list[str]:
    size = sum(len(f"{name}{text}".encode()) for name, text in plan.environment.items())
    problems = [_found("environment", f"has {size} bytes, and SCF takes {ENVIRONMENT_BYTES}")]
    found = problems if size > ENVIRONMENT_BYTES else []
    reserved = [name for name in plan.environment if name.upper().startswith(_RESERVED)]
    found += [_found(f"environment.{name}", "begins like SCF's own variables") for name in reserved]
    try:
        Settings.read(plan.environment)
    except SettingsError as error:
        found.append(_found(f"environment.{error.variable}", error.problem))
    return found


def _timer_problems(plan: Plan) -> list[str]:
    """Problems that would otherwise show when the timer first fires."""
    found = []
    for number, timer in enumerate(plan.timers):
        size, where = len(timer.text.encode()), f"timers.{number}.message"
        if size > MESSAGE_BYTES:
            found.append(_found(where, f"has {size} bytes as JSON, and a timer carries {MESSAGE_BYTES}"))
        event: dict[str, object] = {"Type": "Timer", "TriggerName": timer.name, "Time": EPOCH, "Message": timer.text}
        try:
            read_tick(event, plan.environment.get("RECEIPT_KEY", "_receipt"), 1.0, 0.0)
        except BadInput as error:
            found.append(_found(where, f"{error.field} {error.problem}"))
    names = [timer.name for timer in plan.timers]
    found += [_found("timers", f"{name} stands twice") for name in sorted({n for n in names if names.count(n) > 1})]
    return found


def _found(where: str, problem: str) -> str:
    return f"custom.tencent.{where}: {problem}"
