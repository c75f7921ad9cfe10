"""DynamoDB on this machine as tests use it: sessions of boto3 whose requests can be listened to, or lost on purpose."""

import io
import json
import socket
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, TypeAlias

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session
from botocore.loaders import Loader
from botocore.model import OperationModel

from tests.sandbox.aws_client import REGION

BATCH: Final = 25

PATIENCE_S: Final = 30

Item: TypeAlias = dict[str, dict[str, object]]

SECRET: Final = "nobody-may-see-this-key"

WRITES: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})

Send: TypeAlias = Callable[[], AWSResponse]
Interceptor: TypeAlias = Callable[[str, AWSPreparedRequest, Send], AWSResponse]
"""Gets an operation's name and its request, and sends it, or not; what it gives back is what boto3 sees."""


@lru_cache(maxsize=1)
def _models() -> Loader:
    """The services' descriptions, which are long, and read once per process."""
    return Loader()


class PatientSession(boto3.session.Session):  # type: ignore[misc]  # boto3 carries no type information
    """A session whose clients wait long for an answer: the emulator is slow where a machine has much else to do."""

    def client(self, service: str, *, config: Config, **options: object) -> BaseClient:
        """A client with all that `config` says, its timeouts excepted."""
        patient = config.merge(Config(connect_timeout=PATIENCE_S, read_timeout=PATIENCE_S))
        made: BaseClient = super().client(service, config=patient, **options)
        return made


def session(interceptor: Interceptor | None = None) -> boto3.session.Session:
    """A session with made-up credentials, all of whose requests to DynamoDB pass through `interceptor`."""
    core = botocore.session.Session()
    core.register_component("data_loader", _models())
    made = PatientSession(SECRET, SECRET, SECRET, region_name=REGION, botocore_session=core)
    if interceptor:
        made.events.register("before-send.dynamodb", Interception(interceptor))
    return made


def hurried() -> boto3.session.Session:
    """A session whose clients wait as long as they are told to."""
    return boto3.session.Session(SECRET, SECRET, SECRET, region_name=REGION)


def client(endpoint: str) -> BaseClient:
    return session().client("dynamodb", endpoint_url=endpoint, config=Config())


class Meter:
    """Notes each request by its operation, and what DynamoDB says that it has cost in write and read units."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.write_units = 0.0
        self.read_units = 0.0

    def reset(self) -> None:
        self.calls, self.write_units, self.read_units = [], 0.0, 0.0

    def session(self) -> boto3.session.Session:
        """A session whose requests are noted, and asked to tell their cost."""
        made = session(self)
        made.events.register("provide-client-params.dynamodb", _ask_for_cost)
        return made

    def __call__(self, operation: str, request: AWSPreparedRequest, send: Send) -> AWSResponse:
        self.calls.append(operation)
        answer = send()
        # A write that is refused tells no cost; DynamoDB charges it like one that holds, by the item that it met.
        told = json.loads(answer.content).get("ConsumedCapacity", [])
        units = sum(each["CapacityUnits"] for each in (told if isinstance(told, list) else [told]))
        if operation in WRITES:
            self.write_units += units
        else:
            self.read_units += units
        return answer


def _ask_for_cost(params: dict[str, object], model: OperationModel, **_: object) -> None:
    if model.name != "DescribeTimeToLive":
        params["ReturnConsumedCapacity"] = "TOTAL"


def refusal(request: AWSPreparedRequest, code: str, status: int = 400, **fields: object) -> AWSResponse:
    """What the service answers when it refuses; its words repeat what nobody may see."""
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": f"no: {SECRET}", **fields}
    return AWSResponse(request.url, status, {"Content-Type": "application/x-amz-json-1.0"}, _Body(body))


class _Body(io.BytesIO):
    def __init__(self, body: dict[str, object]) -> None:
        super().__init__(json.dumps(body).encode())

    def stream(self) -> Iterator[bytes]:
        """The body, in one piece, as botocore reads it."""
        yield self.read()


def items(of: BaseClient, table: str) -> list[Item]:
    pages = of.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


def delete(of: BaseClient, table: str, unwanted: list[Item]) -> None:
    """Remove items, as many at a time as DynamoDB takes."""
    removals = [{"DeleteRequest": {"Key": {"pk": item["pk"], "sk": item["sk"]}}} for item in unwanted]
    for start in range(0, len(removals), BATCH):
        of.batch_write_item(RequestItems={table: removals[start : start + BATCH]})


class Interception:
    """Stands in for the sending of requests."""

    def __init__(self, interceptor: Interceptor) -> None:
        self._interceptor = interceptor
        # Without this option, which botocore's own clients have, every request waits 40 ms for an acknowledgement.
        self._http = URLLib3Session(timeout=1.0, socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)])

    def __call__(self, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse:
        return self._interceptor(event_name.rpartition(".")[2], request, lambda: self._http.send(request))


class LosesAnswers:
    """Loses the answers of writes that hold, in the table `name` at `endpoint`: they take effect, or have none."""

    def __init__(self, endpoint: str, name: str, *, applied: bool) -> None:
        self._client = client(endpoint)
        self._name = name
        self._applied = applied

    def __call__(self, operation: str, request: AWSPreparedRequest, send: Send) -> AWSResponse:
        """A write that is refused is answered: only of one that holds can an answer be lost."""
        if operation not in WRITES:
            return send()
        before = items(self._client, self._name)
        answer = send()
        if answer.status_code != 200:
            return answer
        if not self._applied:
            self._put_back(before)
        raise ReadTimeoutError(endpoint_url="the table")

    def _put_back(self, before: list[Item]) -> None:
        delete(self._client, self._name, items(self._client, self._name))
        for item in before:
            self._client.put_item(TableName=self._name, Item=item)
