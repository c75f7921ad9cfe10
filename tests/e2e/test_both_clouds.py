"""What callers and operators see of the function, the same on AWS Lambda and on Tencent SCF."""

import pytest

from tests.e2e.backend import Backend
from tests.e2e.clouds import Cloud
from tests.e2e.instances import Failure, FunctionInstance, Reply
from tests.sandbox.chat import ChatServer, Fault
from tests.sandbox.faults import Kind


def tick(message: object) -> dict[str, object]:
    return {"Type": "Timer", "TriggerName": "daily-reset", "Time": "2026-11-23T00:00:00Z", "Message": message}


def set_to_zero(group: str, mode: str = "Set") -> dict[str, object]:
    return {"GroupIds": [group], "GroupCounter": [{"Key": "like", "Value": 0}], "Mode": mode}


def test_a_cold_instance_answers_its_first_request(
    backend: Backend, instance: FunctionInstance, chat: ChatServer
) -> None:
    """The function is imported and built under the cloud's own runtime, and writes nothing to standard error."""
    answer = backend.increase("first", 5)
    assert (answer.status, answer.fields["GroupCounter"]) == (200, [{"Key": "like", "Value": 5}])
    assert chat.values("G")["like"] == 5
    assert (instance.starts, instance.errors) == (1, "")


@pytest.mark.parametrize("kind", ["drop_after", "reset_after", "bad_gateway_after", "cut_body"])
def test_an_increase_whose_reply_is_lost_counts_once_however_often_it_is_repeated(cloud: Cloud, kind: Kind) -> None:
    """The vendor applies the call, and its reply never arrives in one piece; the caller asks three times."""
    cloud.chat.plan([Fault(kind)], group=cloud.group)
    answers = [cloud.backend.increase("lost", 5) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert answers[0].headers["counter-values"] == "observed-later"
    assert [answer.fields["GroupCounter"] for answer in answers] == [[{"Key": "like", "Value": 5}]] * 3
    assert (cloud.like, cloud.updates) == (5, 1)


def test_a_refusal_by_the_vendor_is_final(cloud: Cloud) -> None:
    cloud.chat.dismiss_group(cloud.group)
    refused = cloud.backend.increase("a")
    cloud.chat.create_group(cloud.group)
    again = cloud.backend.increase("a")
    assert [(answer.status, answer.fields["ErrorCode"]) for answer in (refused, again)] == [(404, 10010)] * 2
    assert cloud.backend.increase("b").status == 200
    assert cloud.like == 1


def test_a_timer_event_that_is_delivered_twice_counts_once(cloud: Cloud) -> None:
    """Both clouds repeat asynchronous events; what was counted between the two deliveries stays."""
    event = tick({"operations": [set_to_zero(cloud.group)]})
    cloud.backend.increase("before", 5)
    first = cloud.instance.invoke(event)
    cloud.backend.increase("after", 2)
    second = cloud.instance.invoke(event)
    done = Reply({"accepted": 1, "applied": 1, "rejected": 0, "unknown": 0, "frozen": 0, "pending": 0})
    assert (first, second) == (done, done)
    assert cloud.like == 2


def test_the_sweep_finishes_what_nobody_waits_for(cloud: Cloud) -> None:
    """A caller that does not wait gets 202; the sweep sends its operation, and the answer lies where 202 said."""
    accepted = cloud.backend.increase("later", 5, Prefer="respond-async")
    assert (accepted.status, cloud.updates) == (202, 0)
    swept = cloud.instance.invoke(tick({"task": "sweep"}))
    assert isinstance(swept, Reply)
    assert isinstance(swept.value, dict)
    assert (swept.value["groups"] >= 1, swept.value["left"]) == (True, 0)
    found = cloud.backend.follow(accepted)
    assert (found.status, found.fields["state"]) == (200, "applied")
    assert found.fields["GroupCounter"] == [{"Key": "like", "Value": 5}]
    assert cloud.like == 5


def test_an_event_of_no_known_kind_is_one_clear_error(cloud: Cloud) -> None:
    """The invocation fails and says which kinds there are; the same process serves the next event."""
    starts = max(1, cloud.instance.starts)
    outcome = cloud.instance.invoke({"Records": [{"eventSource": "aws:s3"}]})
    assert isinstance(outcome, Failure)
    assert (outcome.type, "is an S3 notification" in outcome.message) == ("UnknownEvent", True)
    assert (cloud.backend.increase("next").status, cloud.instance.starts) == (200, starts)
