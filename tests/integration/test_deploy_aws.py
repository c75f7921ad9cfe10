"""`serverless.yml` deployed with the pinned osls into MiniStack, and looked at with AWS's own client.

Left out are the saved queries, which the emulator does not know. What its CloudFormation passes over, such as the
table's expiry, is checked in the template instead.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol, TypeAlias, cast

import boto3
import pytest
import yaml
from botocore.client import BaseClient

from handler.ledgers.dynamodb.ledger import DynamoDbLedger
from layers.aws import __main__ as aws
from tests.contract import works
from tests.contract.samples import GROUP, entry, idle_row
from tests.contract.stores import GivenClock
from tests.integration import osls
from tests.integration.strict_cloudformation import StrictCloudFormation
from tests.sandbox.ministack import MiniStack

SERVICES = (
    *("cloudformation", "cloudwatch", "dynamodb", "events", "iam", "kinesis", "lambda", "logs", "s3", "scheduler"),
    *("sns", "sqs", "ssm", "sts", "ecr"),
)
TABLE = "update-group-counter-test"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:night"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012"
BOUNDARY = "arn:aws:iam::123456789012:policy/edge"

Answer: TypeAlias = dict[str, object]


class Client(Protocol):
    """A client of AWS, by the names of its actions."""

    def __getattr__(self, action: str) -> Callable[..., Answer]: ...


Account: TypeAlias = Callable[[str], Client]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The service, without what the emulator does not know."""
    osls.need_osls()
    made = osls.service(tmp_path_factory.mktemp("service"))
    configuration = yaml.safe_load((made / "serverless.yml").read_text("utf-8"))
    resources = configuration["resources"][-1]["Resources"]
    configuration["resources"][-1]["Resources"] = {
        name: each for name, each in resources.items() if each["Type"] != "AWS::Logs::QueryDefinition"
    }
    (made / "serverless.yml").write_text(yaml.safe_dump(configuration), "utf-8")
    return made


@pytest.fixture(scope="module")
def account(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account that the service has been deployed to, with a stream."""
    session = boto3.session.Session("made-up", "made-up", region_name=osls.REGION)
    with (
        MiniStack(tmp_path_factory.mktemp("ministack"), *SERVICES) as cloud,
        StrictCloudFormation(cloud.endpoint) as strict,
        pytest.MonkeyPatch.context() as patch,
    ):
        given = {"AWS_ENDPOINT_URL": cloud.endpoint, "AWS_ENDPOINT_URL_CLOUDFORMATION": f"http://{strict.address}"}
        for name, value in (osls.environment(folder) | given).items():
            patch.setenv(name, value)
        assert run(folder, "deploy", "alarm-email=night@corp.io stream=on") == 0
        yield lambda name: session.client(name, endpoint_url=cloud.endpoint)


def run(folder: Path, command: str, params: str = "", *more: str) -> int:
    """Run a command of the deployer, which agrees with itself; the zips are built already."""
    where = ("--region", osls.REGION, "--stage", "test", "--yes")
    given = ("--params", params) if command == "deploy" else ()
    return aws.main([command, *where, *given, *more], folder, lambda _: 0)


def parts(answer: Answer, name: str) -> list[Answer]:
    listed = answer[name]
    assert isinstance(listed, list)
    return listed


def configuration_of(account: Account, name: str) -> Answer:
    """What Lambda says of a function."""
    found = account("lambda").get_function(FunctionName=f"update-group-counter-test-{name}")
    return cast("Answer", found["Configuration"])


def ledger_urls(account: Account) -> set[str]:
    """Where the functions look for the ledger."""
    functions = parts(account("lambda").list_functions(), "Functions")
    asked = [account("lambda").get_function_configuration(FunctionName=each["FunctionName"]) for each in functions]
    return {str(cast("dict[str, Answer]", each["Environment"])["Variables"]["LEDGER_URL"]) for each in asked}


def test_the_functions_are_there_with_their_layer_and_their_environment(account: Account) -> None:
    """Five of them, of one code; the table's name has come to where the ledger looks for it."""
    functions = parts(account("lambda").list_functions(), "Functions")
    names = {str(each["FunctionName"]).removeprefix("update-group-counter-test-") for each in functions}
    assert names == {"http", "timer", "queue", "stream", "sweep"}
    assert len({str(each["CodeSha256"]) for each in functions}) == 1
    assert all(len(parts(each, "Layers")) == 1 for each in functions)
    assert ledger_urls(account) == {f"dynamodb://{TABLE}"}


def test_the_sources_are_told_to_listen_to_single_failures(account: Account) -> None:
    mappings = parts(account("lambda").list_event_source_mappings(), "EventSourceMappings")
    by_source = {str(each["EventSourceArn"]).split(":")[2]: each for each in mappings}
    assert set(by_source) == {"sqs", "kinesis"}
    assert all(each["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for each in mappings)
    assert by_source["sqs"]["ScalingConfig"] == {"MaximumConcurrency": 5}
    assert by_source["kinesis"]["BisectBatchOnFunctionError"] is True


def test_the_table_is_protected_once_the_deployment_has_succeeded(account: Account) -> None:
    """By the deployer; in the template it would keep a first deployment that fails from being repeated."""
    described = account("dynamodb").describe_table(TableName=TABLE)["Table"]
    assert isinstance(described, dict)
    assert described["DeletionProtectionEnabled"] is True


def test_the_alarms_look_at_their_own_stage_alone(account: Account) -> None:
    alarms = parts(account("cloudwatch").describe_alarms(), "MetricAlarms")
    ours = [each for each in alarms if each.get("Namespace") == "UpdateGroupCounter"]
    services = {str(dimension["Value"]) for each in ours for dimension in parts(each, "Dimensions")}
    functions = parts(account("lambda").list_functions(), "Functions")
    assert services == {"update-group-counter-test"}
    assert len(ours) >= 9
    assert all(each["OKActions"] == each["AlarmActions"] for each in alarms)
    for each in functions:
        environment = account("lambda").get_function_configuration(FunctionName=each["FunctionName"])["Environment"]
        assert isinstance(environment, dict)
        assert {environment["Variables"]["POWERTOOLS_SERVICE_NAME"]} == services


def test_the_ledger_works_on_the_table_that_was_deployed(account: Account) -> None:
    """An operation is opened and settled, and both indexes that were deployed tell of the group."""
    session = boto3.session.Session("made-up", "made-up", region_name=osls.REGION)
    endpoint = str(cast("BaseClient", account("dynamodb")).meta.endpoint_url)
    with closing(DynamoDbLedger(TABLE, GivenClock(), endpoint=endpoint, session=lambda: session)) as ledger:
        ledger.swap(GROUP, idle_row(), {})
        works.update(ledger, GROUP, 0)
        assert ledger.find(GROUP, ["0"]) == works.records_after(1)
        ledger.append(GROUP, [entry("waiting")], 36 * 1024)
        assert ledger.unfinished(GROUP.app, 10) == [GROUP.id]
        row = ledger.load(GROUP)
        assert row is not None
        assert ledger.swap(GROUP, row.changed(keys=(("like", 1),)), {})
        assert ledger.groups_with_key(GROUP.app, "like", 1, 10) == [GROUP.id]


def test_a_stage_is_changed_taken_back_removed_and_deployed_again(
    account: Account, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The last deployment takes the table that the removed one has left: CloudFormation would refuse to make it."""
    changed = f"alarm-topic={TOPIC} queue=existing queue-name=theirs kms-key={KEY} log-days=90 role-prefix=corp"
    assert run(folder, "deploy", f"{changed} permissions-boundary={BOUNDARY}") == 0
    assert str(configuration_of(account, "sweep")["Role"]).endswith("role/corp-sweep")
    [mapping] = parts(account("lambda").list_event_source_mappings(), "EventSourceMappings")
    assert str(mapping["EventSourceArn"]).endswith(":theirs")

    assert run(folder, "rollback") == 1
    first = re.findall(r"Timestamp: ([0-9]+)", capfd.readouterr().out)[0]
    assert run(folder, "rollback", "", "--version", first) == 0
    assert "corp" not in str(configuration_of(account, "sweep")["Role"])

    account("dynamodb").put_item(TableName=TABLE, Item={"pk": {"S": "1#live"}, "sk": {"S": "of before"}})
    assert run(folder, "remove") == 0
    assert f"The table {TABLE} stays, and the next deployment of this stage takes it" in capfd.readouterr().err
    # MiniStack's CloudFormation passes over the table's expiry, which AWS has set when it made the table.
    expiry = {"Enabled": True, "AttributeName": "ttl"}
    account("dynamodb").update_time_to_live(TableName=TABLE, TimeToLiveSpecification=expiry)
    for _ in range(2):
        assert run(folder, "deploy", "alarm-email=night@corp.io") == 0
        assert f"table       {TABLE}, there, and taken as it is" in capfd.readouterr().err
    kept = account("dynamodb").get_item(TableName=TABLE, Key={"pk": {"S": "1#live"}, "sk": {"S": "of before"}})
    assert "Item" in kept
    assert ledger_urls(account) == {f"dynamodb://{TABLE}"}
