"""`serverless.yml` packages with the pinned osls, CloudFormation's linter accepts it, and it says what was meant."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeAlias, cast

import pytest

from handler.config.settings import Settings
from handler.triggers.event_kind import Kind, detect
from handler.triggers.timer.tick import Check, Sweep, Tick, read_tick
from tests.integration import osls

Part: TypeAlias = dict[str, object]
Resources: TypeAlias = dict[str, dict[str, object]]
Packaged: TypeAlias = Callable[[str], Path]

FUNCTIONS = ("Http", "Timer", "Queue", "Stream", "Sweep")
KEY = "kms-key=arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012"
TOPIC = "alarm-topic=arn:aws:sns:eu-west-1:123456789012:night"
BOUNDARY = "permissions-boundary=arn:aws:iam::123456789012:policy/edge"
SENDERS = "senders=arn:aws:iam::123456789012:role/app,arn:aws:sns:eu-west-1:123456789012:likes"
JWT = ("door=jwt", "jwt-issuer=https://login.corp.io/", "jwt-audience=counters")
VPC = ("network=vpc", "vpc-subnets=subnet-0a1b2c3d", "vpc-security-groups=sg-0a1b2c3d")
STREAM = ("stream=on", "stream-parallel=4", "stream-batch=10000")
THEIRS = ("stream=existing", "stream-name=theirs", "queue=existing", "queue-name=theirs", "table=theirs")
RESERVED = ("http-concurrency=20", "sweep-concurrency=1")
THERE = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${GivenTable}"
LEDGER: Part = {"Fn::If": ["OwnTable", {"Fn::GetAtt": ["Table", "Arn"]}, {"Fn::Sub": THERE}]}
# Any two values of any two parameters meet in one of these.
VARIANTS: dict[str, tuple[str, ...]] = {
    "a function URL": (),
    "all that is optional": (*JWT, *VPC, "tracing=on", *STREAM, "daily-reset=ENABLED", KEY, TOPIC, BOUNDARY, *RESERVED),
    "callers with IAM": ("door=iam", *STREAM, SENDERS, BOUNDARY, "log-days=400", "role-prefix=corp", "docs=on"),
    "all that is there": ("door=url-iam", *VPC, *THEIRS, TOPIC, KEY, "log-days=1", "role-prefix=corp", *RESERVED),
    "a stream of others": (*JWT, *THEIRS, "tracing=on", "docs=on", "daily-reset=ENABLED", "log-days=400"),
    "a sealed table": ("door=iam", *VPC, "table=theirs", "tracing=on", KEY, SENDERS, "daily-reset=ENABLED", TOPIC),
    "a queue for named senders": ("door=url-iam", "tracing=on", *STREAM, SENDERS, "docs=on", *RESERVED, BOUNDARY),
}


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    """Packages a variant, once, and gives the template that osls has written."""
    osls.need_osls()

    @cache
    def template(variant: str) -> Path:
        folder = osls.service(tmp_path_factory.mktemp("service"))
        osls.package(folder, *VARIANTS[variant])
        return folder / ".serverless" / osls.TEMPLATE

    return template


@pytest.fixture(scope="module")
def resources(packaged: Packaged) -> Resources:
    return cast("dict[str, Resources]", json.loads(packaged("a function URL").read_text("utf-8")))["Resources"]


def test_the_linter_of_cloudformation_finds_nothing(packaged: Packaged, tmp_path: Path) -> None:
    """In every variant; only the needless `DependsOn` that osls writes is let pass."""
    templates = [packaged(variant) for variant in VARIANTS]
    linter = Path(sys.executable).with_name("cfn-lint")
    command: list[str | Path] = [linter, "-i", "W3005", "-r", osls.REGION, "-t", *templates]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_stream_comes_in_large_batches_and_says_what_failed(packaged: Packaged) -> None:
    """As many side by side as the parameter says."""
    made = cast("dict[str, Resources]", json.loads(packaged("all that is optional").read_text("utf-8")))["Resources"]
    [mapping] = [
        cast("Part", each["Properties"])
        for each in made.values()
        if each["Type"] == "AWS::Lambda::EventSourceMapping" and "StartingPosition" in cast("Part", each["Properties"])
    ]
    wanted = {"BatchSize": 10000, "ParallelizationFactor": 4, "BisectBatchOnFunctionError": True}
    assert {name: mapping[name] for name in wanted} == wanted
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert cast("dict[str, Part]", mapping["DestinationConfig"])["OnFailure"]["Destination"]


def test_every_function_is_the_same_code_with_a_role_of_its_own(resources: Resources) -> None:
    """One zip, one layer, one Python on arm64; none reserves what a new account does not have."""
    functions = [properties(resources, f"{name}LambdaFunction") for name in FUNCTIONS]
    assert {str(each["Handler"]) for each in functions} == {"handler.preload.lambda_handler"}
    assert {(each["Runtime"], *cast("list[str]", each["Architectures"])) for each in functions} == {
        ("python3.13", "arm64")
    }
    assert {each["MemorySize"] for each in functions} == {1024}
    assert all(each["Layers"] == [{"Ref": "PackagesLambdaLayer"}] for each in functions)
    assert [each["Role"] for each in functions] == [{"Fn::GetAtt": [f"{name}Role", "Arn"]} for name in FUNCTIONS]
    assert {each["TracingConfig"]["Mode"] for each in cast("list[dict[str, Part]]", functions)} == {"PassThrough"}


def test_the_functions_read_their_environment_without_a_complaint(resources: Resources) -> None:
    """The variables are those of the contract, with early building on and a rate below the vendor's alarm."""
    for name in FUNCTIONS:
        environment = cast("dict[str, dict[str, str]]", properties(resources, f"{name}LambdaFunction")["Environment"])
        variables = dict(environment["Variables"])
        ledger: object = variables["LEDGER_URL"]
        assert ledger == {
            "Fn::Join": ["", ["dynamodb://", {"Fn::If": ["OwnTable", {"Ref": "Table"}, {"Ref": "GivenTable"}]}]]
        }
        variables["LEDGER_URL"] = "sqlite:///ledger"
        # What the cloud puts in its place is a URL.
        variables.pop("FAN_OUT_QUEUE", None)
        settings = Settings.read(variables)
        assert (settings.init_early, settings.calls_per_second, settings.http_auth) == (True, 160.0, "bearer")
        assert settings.chat_secret == "aws:update-group-counter/test"
        assert (settings.docs, settings.cors_origins) == (False, frozenset())


def test_each_function_takes_the_events_of_its_own_triggers(resources: Resources) -> None:
    """So a permission to invoke the function that has the door is none to give it an operator's event."""
    assert {name: _variables(resources, name)["EVENTS"] for name in FUNCTIONS} == {
        "Http": "http",
        "Timer": "timer,operator",
        "Queue": "sources",
        "Stream": "sources",
        "Sweep": "timer",
    }


def test_anyone_may_invoke_the_function_through_its_url_alone(packaged: Packaged) -> None:
    """What everyone may do, `*`, has a condition that only the URL fulfils: not the API, where an event is anything."""
    conditions: list[Part] = [{"FunctionUrlAuthType": "NONE"}, {"InvokedViaFunctionUrl": True}]
    for variant in VARIANTS:
        template = json.loads(packaged(variant).read_text("utf-8"))
        made = [each for each in template["Resources"].values() if each["Type"] == "AWS::Lambda::Permission"]
        opened = [each["Properties"] for each in made if not str(each["Properties"]["Principal"]).endswith(".com")]
        shared: Part = {"FunctionName": {"Fn::GetAtt": ["HttpLambdaFunction", "Arn"]}, "Principal": "*"}
        assert [each.pop("Action") for each in opened] == (
            ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"] if variant == "a function URL" else []
        )
        assert all(each in [shared | condition for condition in conditions] for each in opened)


def test_every_gateway_leads_to_the_document_and_lets_a_browser_ask(packaged: Packaged) -> None:
    """Behind the door as all else; the question alone is let through, as a browser proves nothing when it asks it."""
    guards = {"all that is optional": "JWT", "callers with IAM": "AWS_IAM"}
    for variant, guard in guards.items():
        template = json.loads(packaged(variant).read_text("utf-8"))
        routes = [each["Properties"] for each in template["Resources"].values() if each["Type"].endswith("V2::Route")]
        assert {each["RouteKey"]: each.get("AuthorizationType", "NONE") for each in routes} == {
            "ANY /v1/{proxy+}": guard,
            "GET /openapi.json": guard,
            "OPTIONS /v1/{proxy+}": "NONE",
        }


def test_every_function_has_time_for_one_call(resources: Resources) -> None:
    """The shortest is longer than what a function refuses; the gateway's 30 seconds are not reached."""
    timeouts = {name: int(str(properties(resources, f"{name}LambdaFunction")["Timeout"])) for name in FUNCTIONS}
    assert min(timeouts.values()) > 6.5
    assert timeouts["Http"] == 29
    assert timeouts["Sweep"] < 60


def test_the_ledger_survives_and_can_be_restored(resources: Resources) -> None:
    """On demand, expiring, encrypted, with recovery to any second, and kept when all else is removed."""
    table = properties(resources, "Table")
    policies = [resources["Table"][policy] for policy in ("DeletionPolicy", "UpdateReplacePolicy")]
    assert policies == ["RetainExceptOnCreate", "Retain"]
    # It is protected once the deployment has succeeded: what failed could not be taken back otherwise.
    assert (table["BillingMode"], "DeletionProtectionEnabled" in table) == ("PAY_PER_REQUEST", False)
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert cast("Part", table["SSESpecification"])["SSEEnabled"] is True


def test_the_queue_hides_a_message_for_longer_than_six_invocations(resources: Resources) -> None:
    """So that a throttled batch is not delivered twice; single failures come back, and in the end go aside."""
    queue, mapping = properties(resources, "Queue"), properties(resources, "QueueEventSourceMappingSQSQueue")
    timeout_s = int(str(properties(resources, "QueueLambdaFunction")["Timeout"]))
    assert int(str(queue["VisibilityTimeout"])) >= 6 * timeout_s + int(str(mapping["MaximumBatchingWindowInSeconds"]))
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 5}
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}, "maxReceiveCount": 5}
    assert queue["RedrivePolicy"] == redrive


def test_the_schedules_send_what_the_timer_reads(resources: Resources) -> None:
    """Once the scheduler has put its time in; the sweep runs every minute, the example only where it is enabled."""
    sweep, reset = properties(resources, "SweepSchedule"), properties(resources, "DailyResetSchedule")
    assert isinstance(ticked(sweep), Sweep)
    assert isinstance(ticked(reset), Tick)
    assert (sweep["ScheduleExpression"], sweep.get("State", "ENABLED")) == ("rate(1 minute)", "ENABLED")
    assert reset["State"] == "DISABLED"


def test_every_alarm_writes_to_the_address(resources: Resources) -> None:
    """And, where it looks at the function's own metrics, at those of its own stage."""
    alarms = [
        cast("Part", each["Properties"]) for each in resources.values() if each["Type"] == "AWS::CloudWatch::Alarm"
    ]
    topic = [{"Fn::If": ["OwnTopic", {"Ref": "Alarms"}, {"Ref": "AlarmTopic"}]}]
    assert all(alarm["AlarmActions"] == alarm["OKActions"] == topic for alarm in alarms)
    ours = [alarm["Dimensions"] for alarm in alarms if alarm["Namespace"] == "UpdateGroupCounter"]
    assert len(ours) > 0
    assert all(each == [{"Name": "service", "Value": "update-group-counter-test"}] for each in ours)
    described = [str(alarm["AlarmDescription"]) for alarm in alarms]
    assert any(f"FUNCTION=update-group-counter-test-timer REGION={osls.REGION}" in text for text in described)
    subscription = properties(resources, "Alarms")["Subscription"]
    assert subscription == [{"Protocol": "email", "Endpoint": "operator@example.com"}]


def test_each_role_allows_what_its_function_does_and_nothing_else(resources: Resources) -> None:
    """Its log, its secret, its ledger's rows; the index for the sweep, pages for operators, what a source needs."""
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    names = "GetItem", "BatchGetItem", "PutItem", "UpdateItem", "ConditionCheckItem", "Scan"
    rows = {f"dynamodb:{name}" for name in names}
    every = logs | rows | {"secretsmanager:GetSecretValue"}
    assert {name: set(allowed(resources, f"{name}Role")) for name in FUNCTIONS} == {
        "Http": every,
        "Timer": every | {"dynamodb:DeleteItem", "dynamodb:DescribeTimeToLive", "dynamodb:Query", "sqs:SendMessage"},
        "Queue": every | {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
        "Stream": every | {"sqs:SendMessage"},
        "Sweep": every | {"dynamodb:DeleteItem", "dynamodb:Query"},
    }
    assert set(allowed(resources, "ScheduleRole")) == {"lambda:InvokeFunction", "sqs:SendMessage"}


def test_each_permission_is_for_one_thing(resources: Resources) -> None:
    """A function's own log and the one secret; the sweep's queries see the indexes, and count parked records."""
    for name in FUNCTIONS:
        found = allowed(resources, f"{name}Role")
        assert found["logs:PutLogEvents"] == {"Fn::GetAtt": [f"{name}LogGroup", "Arn"]}
        assert "secret:update-group-counter/test-??????" in str(found["secretsmanager:GetSecretValue"])
        assert found["dynamodb:PutItem"] == LEDGER
        assert not any("*" in action or resource == "*" for action, resource in found.items())
    swept = [LEDGER, index("unfinished"), index("known")]
    assert allowed(resources, "SweepRole")["dynamodb:Query"] == swept
    assert allowed(resources, "QueueRole")["sqs:DeleteMessage"] == {"Fn::GetAtt": ["Queue", "Arn"]}


def test_the_timer_may_send_to_the_queue_that_it_hands_pages_on_through(resources: Resources) -> None:
    """And to that of events which failed for good, and asks who knows a key; no other function knows a queue."""
    indexed = [LEDGER, index("unfinished"), index("known")]
    assert allowed(resources, "TimerRole")["dynamodb:Query"] == indexed
    queues = [{"Fn::GetAtt": [name, "Arn"]} for name in ("Queue", "Failures")]
    assert allowed(resources, "TimerRole")["sqs:SendMessage"] == queues
    told = {name: _variables(resources, name).get("FAN_OUT_QUEUE") for name in FUNCTIONS}
    assert told == dict.fromkeys(FUNCTIONS) | {"Timer": {"Ref": "Queue"}}


def index(name: str) -> Part:
    return {"Fn::Join": ["/index/", [LEDGER, name]]}


def _variables(resources: Resources, name: str) -> Part:
    environment = cast("Part", properties(resources, f"{name}LambdaFunction")["Environment"])
    return cast("Part", environment["Variables"])


def allowed(resources: Resources, role: str) -> dict[str, object]:
    """The actions that a role allows, each with what it allows them on."""
    found: dict[str, object] = {}
    for policy in cast("list[dict[str, dict[str, list[Part]]]]", properties(resources, role)["Policies"]):
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            actions = statement["Action"]
            for action in actions if isinstance(actions, list) else [actions]:
                assert action not in found
                found[str(action)] = statement["Resource"]
    return found


def properties(resources: Resources, name: str) -> Part:
    return cast("Part", resources[name]["Properties"])


def ticked(schedule: Part) -> Sweep | Tick | Check:
    """What the timer makes of a schedule's event."""
    text = str(cast("Part", schedule["Target"])["Input"])
    event: object = json.loads(text.replace("<aws.scheduler.scheduled-time>", "2026-11-22T00:00:00Z"))
    kind, content = detect(event)
    assert kind is Kind.TIMER
    return read_tick(content, "_receipt", 1_296_000.0, 1_795_305_600.0)
