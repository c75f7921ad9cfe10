"""`serverless.yml` deployed with the pinned osls into MiniStack, and looked at with AWS's own client.

Left out are the saved queries, which the emulator does not know, and the removal, which it does not carry out to the
end. What its CloudFormation passes over, such as the table's expiry, is checked in the template instead.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Protocol, TypeAlias, cast

import boto3
import pytest
import yaml
from botocore.client import BaseClient

from handler.ledgers.dynamodb.ledger import DynamoDbLedger
from layers.protect import Tables, protect
from tests.contract import works
from tests.contract.samples import GROUP, entry, idle_row
from tests.contract.stores import GivenClock
from tests.integration import osls
from tests.sandbox.ministack import MiniStack

SERVICES = (
    *("cloudformation", "cloudwatch", "dynamodb", "events", "iam", "kinesis", "lambda", "logs", "s3", "scheduler"),
    *("sns", "sqs", "ssm", "sts"),
)
TABLE = "update-group-counter-test"

Answer: TypeAlias = dict[str, object]


class Client(Protocol):
    """A client of AWS, by the names of its actions."""

    def __getattr__(self, action: str) -> Callable[..., Answer]: ...


Account: TypeAlias = Callable[[str], Client]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account that the service has been deployed to, with a stream."""
    osls.need_osls()
    folder = osls.service(tmp_path_factory.mktemp("service"))
    configuration = yaml.safe_load((folder / "serverless.yml").read_text("utf-8"))
    made = configuration["resources"][-1]["Resources"]
    configuration["resources"][-1]["Resources"] = {
        name: each for name, each in made.items() if each["Type"] != "AWS::Logs::QueryDefinition"
    }
    (folder / "serverless.yml").write_text(yaml.safe_dump(configuration), "utf-8")
    with MiniStack(tmp_path_factory.mktemp("ministack"), *SERVICES) as cloud:
        osls.run("deploy", folder, {"AWS_ENDPOINT_URL": cloud.endpoint}, (osls.EMAIL, "stream=on"))
        session = boto3.session.Session("made-up", "made-up", region_name=osls.REGION)
        yield lambda name: session.client(name, endpoint_url=cloud.endpoint)


def parts(answer: Answer, name: str) -> list[Answer]:
    listed = answer[name]
    assert isinstance(listed, list)
    return listed


def test_the_functions_are_there_with_their_layer_and_their_environment(account: Account) -> None:
    """Five of them, of one code; the table's name has come to where the ledger looks for it."""
    functions = parts(account("lambda").list_functions(), "Functions")
    names = {str(each["FunctionName"]).removeprefix("update-group-counter-test-") for each in functions}
    assert names == {"http", "timer", "queue", "stream", "sweep"}
    assert len({str(each["CodeSha256"]) for each in functions}) == 1
    assert all(len(parts(each, "Layers")) == 1 for each in functions)
    for each in functions:
        configuration = account("lambda").get_function_configuration(FunctionName=each["FunctionName"])
        environment = configuration["Environment"]
        assert isinstance(environment, dict)
        assert environment["Variables"]["LEDGER_URL"] == f"dynamodb://{TABLE}"


def test_the_sources_are_told_to_listen_to_single_failures(account: Account) -> None:
    mappings = parts(account("lambda").list_event_source_mappings(), "EventSourceMappings")
    by_source = {str(each["EventSourceArn"]).split(":")[2]: each for each in mappings}
    assert set(by_source) == {"sqs", "kinesis"}
    assert all(each["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for each in mappings)
    assert by_source["sqs"]["ScalingConfig"] == {"MaximumConcurrency": 5}
    assert by_source["kinesis"]["BisectBatchOnFunctionError"] is True


def test_the_table_is_protected_once_the_deployment_has_succeeded(account: Account) -> None:
    """By the deployer; in the template it would keep a first deployment that fails from being repeated."""

    def is_protected() -> object:
        described = account("dynamodb").describe_table(TableName=TABLE)["Table"]
        assert isinstance(described, dict)
        return described.get("DeletionProtectionEnabled", False)

    before = is_protected()
    protect(TABLE, cast("Tables", account("dynamodb")))
    assert (before, is_protected()) == (False, True)


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
