"""The parameters of a deployment to AWS: what stands in serverless.yml under `params`, and what each may be.

osls takes any name and any text, and ignores a name that it does not know; so all of them are checked here, before
anything is changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import yaml

from handler.chat.client import HOSTS
from layers import parameters

STATES: Final = ("DISABLED", "ENABLED")

# The days that CloudWatch Logs keeps lines for: PutRetentionPolicy in its API reference.
LOG_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)

Document: TypeAlias = Mapping[str, Mapping[str, Mapping[str, object]]]
"""serverless.yml, as far as it is read here."""

_ARN: Final = r"arn:aws[a-z-]*:{}:[a-z0-9-]*:[0-9]{{12}}:{}"
_NAME: Final = r"[A-Za-z0-9_.-]{1,255}"
_SOME: Final = r"[^\s]+"

FORMS: Final[Mapping[str, tuple[str, str]]] = {
    "secret": (r"[A-Za-z0-9/_+=.@-]{1,512}", "the name of a secret in Secrets Manager"),
    "alarm-email": (r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address"),
    "alarm-topic": (_ARN.format("sns", _NAME), "the ARN of an SNS topic"),
    "cors-origins": (r"https://[^\s,/]+(,https://[^\s,/]+)*", "origins such as https://app.<domain>, a comma between"),
    "jwt-issuer": (r"https://[^\s/]+(/\S*)?", "an https address"),
    "jwt-audience": (_SOME, "the audience of the tokens"),
    "jwt-scope": (_SOME, "a scope of the tokens"),
    "vpc-subnets": (r"subnet-[0-9a-f]{8,17}(,subnet-[0-9a-f]{8,17})*", "ids such as subnet-0a1b2c3d, a comma between"),
    "vpc-security-groups": (r"sg-[0-9a-f]{8,17}(,sg-[0-9a-f]{8,17})*", "ids such as sg-0a1b2c3d, a comma between"),
    "table": (r"[A-Za-z0-9_.-]{3,255}", "the name of a table of this account and region"),
    "queue-name": (r"[A-Za-z0-9_-]{1,80}", "the name of a standard queue of this account and region"),
    "stream-batch": (r"[1-9][0-9]{0,3}|10000", "a number of records, 1 to 10000"),
    "stream-parallel": (r"[1-9]|10", "a number of batches, 1 to 10"),
    "stream-name": (r"[A-Za-z0-9_.-]{1,128}", "the name of a stream of this account and region"),
    "senders": (r"arn:aws[^\s,]*(,arn:aws[^\s,]*)*", "ARNs of roles, users, topics and rules, a comma between"),
    "kms-key": (_ARN.format("kms", r"key/[0-9a-f-]{36}"), "the ARN of a key"),
    "permissions-boundary": (r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/\S+", "the ARN of a policy"),
    "role-prefix": (r"[A-Za-z0-9+=,.@_-]{1,40}", "the first part of the roles' names, of at most 40 characters"),
    "http-concurrency": (r"[0-9]{1,5}", "a number of instances, or 0 for no reservation"),
    "sweep-concurrency": (r"[0-9]{1,5}", "a number of instances, or 0 for no reservation"),
    "tags": (r"[A-Za-z0-9_./-]+\.json", "a JSON file in this folder with the tags' names and values"),
}  # fmt: skip
"""The form of each parameter that is a text, and what it is in words."""

NEEDS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("door", "jwt"): ("jwt-issuer", "jwt-audience"),
    ("network", "vpc"): ("vpc-subnets", "vpc-security-groups"),
    ("queue", "existing"): ("queue-name",),
    ("stream", "existing"): ("stream-name",),
}
"""What a choice cannot do without. What it needs is of no use to any other choice, and refused there."""


def defaults(service: Document, stage: str) -> dict[str, str]:
    """What serverless.yml says of each parameter in a stage."""
    params = service["params"]
    return {name: str(value) for name, value in {**params["default"], **params.get(stage, {})}.items()}


def choices(service: Document) -> dict[str, tuple[str, ...]]:
    """The values of each parameter that is a choice."""
    custom = service["custom"]
    of_the_file = {"door": "doors", "network": "networks", "tracing": "traces", "stream": "streams", "queue": "queues"}
    listed = {name: tuple(custom[folder]) for name, folder in of_the_file.items()}
    return {
        **listed,
        "chat-region": tuple(HOSTS),
        "docs": ("off", "on"),
        "daily-reset": STATES,
        "log-days": tuple(map(str, LOG_DAYS)),
    }


def read(text: str, stage: str, service: str, folder: Path) -> tuple[dict[str, str], list[str]]:
    """The parameters of a deployment, those of `PARAMS` over those of serverless.yml, and a line for each thing wrong.

    `folder` is where the file with the tags is.
    """
    document: Document = yaml.safe_load(service)
    set_here, problems = parameters.given(text.split())
    known = defaults(document, stage)
    problems += parameters.unknown(set_here, known)
    values = {**known, **{name: value for name, value in set_here.items() if name in known}}
    problems += parameters.placeholders(values)
    problems += _wrong_values(values, choices(document))
    problems += _wrong_together(values, set_here)
    file = folder / values["tags"]
    if ("tags" in set_here or file.exists()) and (problem := _wrong_tags(file)):
        problems.append(f"tags: {values['tags']} {problem}")
    return values, problems


def set_by(text: str) -> dict[str, str]:
    """What `PARAMS` sets."""
    return parameters.given(text.split())[0]


def ledger_of(service: str) -> dict[str, str]:
    """The names that the ledger's code expects of its table, which stand in serverless.yml."""
    document: Document = yaml.safe_load(service)
    names = document["custom"]["ledger"]
    return {name: value for name, value in names.items() if isinstance(value, str)}


def _wrong_values(values: Mapping[str, str], chosen: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for name, value in values.items():
        if name in chosen and value not in chosen[name]:
            yield f"{name}: is {value or 'empty'}, and can be {', '.join(chosen[name])}"
        # What the file computes, osls knows.
        elif name in FORMS and value and "${" not in value and not re.fullmatch(FORMS[name][0], value):
            yield f"{name}: is {value}, and has to be {FORMS[name][1]}"


def _wrong_together(values: Mapping[str, str], set_here: Mapping[str, str]) -> Iterator[str]:
    for (choice, chosen), needed in NEEDS.items():
        is_chosen = values[choice] == chosen
        for name in needed:
            if is_chosen and not values[name]:
                yield f"{name}: is empty, and {choice}={chosen} needs {FORMS[name][1]}"
            elif not is_chosen and set_here.get(name):
                yield f"{name}: is for {choice}={chosen}, and {choice} is {values[choice]}"
    if values["door"] != "jwt" and "jwt-scope" in set_here:
        yield f"jwt-scope: is for door=jwt, and door is {values['door']}"
    if bool(values["alarm-email"]) == bool(values["alarm-topic"]):
        both = "both are given" if values["alarm-email"] else "neither is given"
        yield f"alarm-email, alarm-topic: {both}, and alarms need one: alarm-email=<your address>"
    if values["senders"] and values["queue"] != "own":
        yield "senders: is for queue=own; the policy of another queue is its owner's"


def _wrong_tags(path: Path) -> str | None:
    try:
        tags: object = json.loads(path.read_text("utf-8"))
    except OSError:
        return "is not there"
    except ValueError:
        return "is not JSON"
    is_flat = isinstance(tags, dict) and all(isinstance(value, str) for value in tags.values())
    return None if is_flat else 'has to be one object with texts, such as {"team": "chat"}'
