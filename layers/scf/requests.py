"""The parameters of each call that a deployment makes to SCF's API (version 2018-04-16).

cloud.tencent.com/document/product/583/18586 for the function, 39901 and 100227 for the descriptions of triggers.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Final, TypeAlias

from layers.scf.plan import Plan, Timer, Topic

Fields: TypeAlias = dict[str, object]

HANDLER: Final = "index.main_handler"
URL_TRIGGER: Final = "requests"
"""Not the name that release 0.9.0 gave: the URL that it has made may stay beside this one."""

LATEST: Final = "$LATEST"
"""The version that is changed; no event goes there."""

ALIAS: Final = "$DEFAULT"
"""The alias that every function has (583/36149). Triggers and operators reach the version that it points to."""

OWN_TYPES: Final = frozenset({"http", "timer", "ckafka"})
"""Types of triggers that a plan describes. A deployment leaves triggers of other types alone."""

MADE_HERE: Final = "Updates counters of Chat groups exactly once"
"""How the description of a function or trigger begins that a deployment has made. It deletes no other."""

KAFKA_REPETITIONS: Final = 10_000
KAFKA_WAIT_S: Final = 1


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger in the API's terms. The form of `description` depends on the type."""

    type: str
    name: str
    description: str
    is_open: bool = True
    argument: str = ""


def named(plan: Plan) -> Fields:
    """The parameters that name the function."""
    return {"FunctionName": plan.function, "Namespace": plan.namespace}


def layer_version(plan: Plan, content: bytes, digest: str) -> Fields:
    """A new version of the layer. Later deployments recognise its content by the digest in the description."""
    return {
        "LayerName": plan.layer,
        "CompatibleRuntimes": [plan.runtime],
        "Content": {"ZipFile": _encoded(content)},
        "Description": digest,
    }


def digest_of(content: bytes) -> str:
    """What stands in a description for the content of a zip."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def creation(plan: Plan, code: bytes, version: int) -> Fields:
    """A new function, of the type that all triggers can invoke."""
    first = {"Type": "Event", "Code": {"ZipFile": _encoded(code)}, "Handler": HANDLER}
    return named(plan) | first | described(digest_of(code)) | settings(plan, version)


def new_code(plan: Plan, code: bytes) -> Fields:
    """New code for what is published next."""
    return named(plan) | {"Handler": HANDLER, "ZipFile": _encoded(code)}


def configuration(plan: Plan, code: bytes, version: int) -> Fields:
    """New settings for what is published next, with the layer's version."""
    return named(plan) | described(digest_of(code)) | settings(plan, version)


def publication(plan: Plan, code: bytes) -> Fields:
    """A version of the function as it is now, which never changes."""
    return named(plan) | described(digest_of(code))


def switch(plan: Plan, version: str) -> Fields:
    """All events go to this version, from one moment to the next."""
    return named(plan) | {"Name": ALIAS, "FunctionVersion": version}


def version_named(plan: Plan, version: str) -> Fields:
    """The parameters that name a version of the function."""
    return named(plan) | {"Qualifier": version}


def described(code: str) -> Fields:
    """The description of the function and of its version, by which later deployments know them and their code."""
    # A description may have no colon, by the reference of UpdateFunctionConfiguration.
    return {"Description": f"{MADE_HERE}, code {code.replace(':', ' ')}"}


def repetitions(plan: Plan) -> Fields:
    """How often an asynchronous event that fails, such as a timer's, is retried, and how long it is kept."""
    wanted = plan.asynchronous
    return named(plan) | {
        "AsyncTriggerConfig": {"RetryConfig": [{"RetryNum": wanted.retries}], "MsgTTL": wanted.keep_s}
    }


def triggers(plan: Plan) -> list[Trigger]:
    """All triggers of the plan."""
    by_url = [_url(plan)] if plan.url.public or plan.url.private else []
    return [*by_url, *map(_timer, plan.timers), *map(_topic, plan.topics)]


def trigger(plan: Plan, wanted: Trigger) -> Fields:
    """The parameters that create or update a trigger."""
    fields = named(plan) | {
        "TriggerName": wanted.name,
        "Type": wanted.type,
        "TriggerDesc": wanted.description,
        "Enable": "OPEN" if wanted.is_open else "CLOSE",
        "Qualifier": ALIAS,
        "Description": MADE_HERE,
    }
    return fields | {"CustomArgument": wanted.argument} if wanted.argument else fields


def excess_trigger(plan: Plan, found: Fields) -> Fields:
    """The parameters that delete a trigger which the plan does not have."""
    same = {name: found[name] for name in ("TriggerName", "Type", "TriggerDesc", "Qualifier") if found.get(name)}
    return named(plan) | same


def settings(plan: Plan, version: int) -> Fields:
    """All that is set up on the function, but for its code."""
    address = "ENABLE" if plan.fixed_address else "DISABLE"
    fields: Fields = {
        "Runtime": plan.runtime,
        "MemorySize": plan.memory_mb,
        "Timeout": plan.timeout_s,
        "Role": plan.role,
        "Environment": {"Variables": [{"Key": name, "Value": text} for name, text in plan.environment.items()]},
        "Layers": [{"LayerName": plan.layer, "LayerVersion": version}],
        "VpcConfig": {"VpcId": plan.vpc.id, "SubnetId": plan.vpc.subnet},
        # Calls leave by the public network from one fixed address, because the app's allow list names addresses.
        "PublicNetConfig": {"PublicNetStatus": "ENABLE", "EipConfig": {"EipStatus": address}},
    }
    if plan.dead_letters is not None:
        fields["DeadLetterConfig"] = {"Type": plan.dead_letters.type, "Name": plan.dead_letters.name}
    if plan.log.topic:
        fields |= {"ClsLogsetId": plan.log.set, "ClsTopicId": plan.log.topic}
    return fields


def _url(plan: Plan) -> Trigger:
    reach = {"EnableIntranet": plan.url.private, "EnableExtranet": plan.url.public}
    return Trigger("http", URL_TRIGGER, json.dumps({"AuthType": "NONE", "NetConfig": reach}))


def _timer(timer: Timer) -> Trigger:
    return Trigger("timer", timer.name, timer.cron, timer.enabled, timer.text)


def _topic(topic: Topic) -> Trigger:
    # From the earliest message on: those written before the trigger existed are part of their group's order.
    description = {
        "maxMsgNum": str(topic.batch),
        "offset": "earliest",
        "retry": str(KAFKA_REPETITIONS),
        "timeOut": str(KAFKA_WAIT_S),
    }
    return Trigger("ckafka", f"{topic.instance}-{topic.topic}", json.dumps(description))


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
