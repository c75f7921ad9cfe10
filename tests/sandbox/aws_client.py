"""A client of one AWS service on this machine, by boto3, which carries no types."""

from collections.abc import Callable
from typing import Final

import boto3
from typing_extensions import Self

REGION: Final = "eu-west-1"


class AwsClient:
    """A service at `endpoint`. A request and its answer are dicts. Use it in a `with` block."""

    def __init__(self, service: str, endpoint: str) -> None:
        keys = {"aws_access_key_id": "made-up", "aws_secret_access_key": "made-up"}
        client = boto3.client(service, endpoint_url=endpoint, region_name=REGION, **keys)
        self._client: object = client
        self._close: Callable[[], None] = client.close

    def ask(self, operation: str, **request: object) -> dict[str, object]:
        """Send one request, named as boto3 names it; boto3's errors."""
        answer: dict[str, object] = getattr(self._client, operation)(**request)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
