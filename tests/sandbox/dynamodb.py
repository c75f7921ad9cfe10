"""DynamoDB on this machine as tests use it: sessions of boto3 whose requests can be listened to, or lost on purpose."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session
from botocore.loaders import Loader

from tests.sandbox.aws_client import REGION

SECRET: Final = "nobody-may-see-this-key"

WRITES: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})

Send: TypeAlias = Callable[[], AWSResponse]
Interceptor: TypeAlias = Callable[[str, AWSPreparedRequest, Send], AWSResponse]
"""Gets an operation's name and its request, and sends it, or not; what it gives back is what boto3 sees."""


@lru_cache(maxsize=1)
def _models() -> Loader:
    """The services' descriptions, which are long, and read once per process."""
    return Loader()


def session(interceptor: Interceptor | None = None) -> boto3.session.Session:
    """A session with made-up credentials, all of whose requests to DynamoDB pass through `interceptor`."""
    core = botocore.session.Session()
    core.register_component("data_loader", _models())
    made = boto3.session.Session(SECRET, SECRET, SECRET, region_name=REGION, botocore_session=core)
    if interceptor:
        made.events.register("before-send.dynamodb", Interception(interceptor))
    return made


def client(endpoint: str) -> BaseClient:
    """A plain client."""
    return session().client("dynamodb", endpoint_url=endpoint)


class Interception:
    """Stands in for the sending of requests."""

    def __init__(self, interceptor: Interceptor) -> None:
        self._interceptor = interceptor
        self._http = URLLib3Session(timeout=1.0)

    def __call__(self, request: AWSPreparedRequest, event_name: str, **_: object) -> AWSResponse:
        """Send, or not."""
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
        before = self._items()
        answer = send()
        if answer.status_code != 200:
            return answer
        if not self._applied:
            self._put_back(before)
        raise ReadTimeoutError(endpoint_url="the table")

    def _items(self) -> list[dict[str, object]]:
        items: list[dict[str, object]] = self._client.scan(TableName=self._name, ConsistentRead=True)["Items"]
        return items

    def _put_back(self, before: list[dict[str, object]]) -> None:
        for item in self._items():
            self._client.delete_item(TableName=self._name, Key={"pk": item["pk"], "sk": item["sk"]})
        for item in before:
            self._client.put_item(TableName=self._name, Item=item)
