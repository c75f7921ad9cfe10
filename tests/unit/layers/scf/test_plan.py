"""`custom.tencent` of serverless.yml is read whole, and all that is wrong with it is named before any call."""

import json

import pytest
import yaml

from layers.scf import requests as scf_requests
from layers.scf.plan import MESSAGE_BYTES, SERVICE, Plan, PlanError, read_plan

SERVICE_TEXT = SERVICE.read_text("utf-8")
NEEDED = {"role": "ChatCounters", "vpc.id": "vpc-1", "vpc.subnet": "subnet-1"}


def plan(**changed: object) -> Plan:
    """The plan of serverless.yml with what has to be filled in, and these parts put in place of its own."""
    tencent = yaml.safe_load(SERVICE_TEXT)["custom"]["tencent"]
    return read_plan(yaml.safe_dump({"custom": {"tencent": tencent | changed}}), NEEDED)


def problems(**changed: object) -> tuple[str, ...]:
    with pytest.raises(PlanError) as error:
        plan(**changed)
    return error.value.problems


def test_what_has_to_be_filled_in_is_named_at_once() -> None:
    with pytest.raises(PlanError) as error:
        read_plan(SERVICE_TEXT, {})
    assert [problem.split(":")[0] for problem in error.value.problems] == ["custom.tencent.role", "custom.tencent.vpc"]


def test_with_a_role_and_a_network_the_plan_is_complete() -> None:
    assert plan().vpc.subnet == "subnet-1"


@pytest.mark.parametrize("name", ["rôle", "vpc", "vpc.other", "timers", "memoryMb", "role.deeper"])
def test_only_a_text_that_is_there_can_be_set(name: str) -> None:
    """A misspelt name is no silent nothing."""
    with pytest.raises(PlanError, match="no such parameter"):
        read_plan(SERVICE_TEXT, {name: "x"})


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"memoryMb": 100}, "memoryMb"),
        ({"timeoutS": 901}, "timeoutS"),
        ({"runtime": "Python3.6"}, "runtime"),
        ({"surprise": 1}, "surprise"),
        ({"log": {"set": "", "topic": "topic-1"}}, "log"),
        ({"async": {"retries": 4, "keepS": 1}}, "async.retries"),
        ({"deadLetters": {"type": "letter", "name": "a"}}, "deadLetters.type"),
        ({"topics": [{"instance": "kafka", "topic": "t", "batch": 1}]}, "topics.0.instance"),
        ({"timers": [{"name": "t", "cron": "* * * * *", "enabled": True, "message": {"task": "sweep"}}]}, "timers.0"),
    ],
)
def test_a_part_that_scf_would_refuse_is_named(changed: dict[str, object], where: str) -> None:
    assert problems(**changed)[0].startswith(f"custom.tencent.{where}")


def timer(message: object, name: str = "nightly") -> dict[str, object]:
    return {"name": name, "cron": "0 0 0 * * * *", "enabled": True, "message": message}


def operations(groups: int) -> dict[str, object]:
    """A message about many groups with names of 48 characters."""
    names = [f"{number:048}" for number in range(groups)]
    counters = [{"Key": "like", "Value": 0}]
    return {"operations": [{"GroupIds": names, "GroupCounter": counters, "Mode": "Set"}]}


def test_a_message_that_a_timer_cannot_carry_is_found_here_and_not_at_midnight() -> None:
    fits = max(n for n in range(1, 100) if len(json.dumps(operations(n), separators=(",", ":"))) <= MESSAGE_BYTES)
    assert len(plan(timers=[timer(operations(fits))]).timers) == 1
    [problem] = problems(timers=[timer(operations(fits + 1))])
    assert "a timer carries 4096" in problem


def test_a_message_that_the_function_would_refuse_is_found_here() -> None:
    [problem] = problems(timers=[timer({"task": "sleep"})])
    assert problem.startswith("custom.tencent.timers.0.message: Message.task")


def test_two_timers_of_one_name_are_found() -> None:
    assert "nightly stands twice" in problems(timers=[timer({"task": "sweep"})] * 2)[0]


def test_the_environment_is_read_as_the_function_reads_it() -> None:
    """So that no first event has to complain; names and sizes are SCF's own limits."""
    environment = dict(plan().environment)
    assert "CHAT_TIMEOUT_S" in problems(environment=environment | {"CHAT_TIMEOUT_S": "soon"})[0]
    assert "SCF's own" in problems(environment=environment | {"SCF_X": "1"})[0]
    assert "SCF takes 4096" in problems(environment=environment | {"OTHER": "x" * 4096})[0]


def test_a_topic_is_read_from_its_beginning_and_repeated() -> None:
    """The trigger's name tells SCF which topic it is."""
    [trigger] = scf_requests.triggers(
        plan(
            timers=[],
            url={"public": False, "private": False},
            topics=[{"instance": "ckafka-1a", "topic": "t", "batch": 10}],
        )
    )
    assert (trigger.type, trigger.name) == ("ckafka", "ckafka-1a-t")
    assert json.loads(trigger.description) == {
        "maxMsgNum": "10",
        "offset": "earliest",
        "retry": "10000",
        "timeOut": "1",
    }


def test_dead_letters_are_asked_for_where_there_is_a_place_for_them() -> None:
    assert "DeadLetterConfig" not in scf_requests.settings(plan(), 1)
    with_place = plan(deadLetters={"type": "topic", "name": "failed"})
    assert scf_requests.settings(with_place, 1)["DeadLetterConfig"] == {"Type": "topic", "Name": "failed"}
