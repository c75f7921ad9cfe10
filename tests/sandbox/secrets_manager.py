"""AWS Secrets Manager, by boto3: secrets made, replaced and rotated in stages, as an operator does it."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

import boto3
from typing_extensions import Self

from tests.sandbox.queue import REGION


class SecretsManager:
    """Secrets Manager at `endpoint`. Use it in a `with` block."""

    def __init__(self, endpoint: str) -> None:
        keys = {"aws_access_key_id": "made-up", "aws_secret_access_key": "made-up"}
        client = boto3.client("secretsmanager", endpoint_url=endpoint, region_name=REGION, **keys)
        self._client: object = client
        self._close: Callable[[], None] = client.close

    def create(self, name: str, content: str | bytes) -> str:
        """Make a secret, and give its ARN."""
        return self._ask("create_secret", Name=name, **_content(content))["ARN"]

    def put(self, name: str, content: str | bytes, stage: str = "AWSCURRENT") -> str:
        """Add a version in a stage, and give its id. One in `AWSPENDING` is not in use yet."""
        return self._ask("put_secret_value", SecretId=name, VersionStages=[stage], **_content(content))["VersionId"]

    def promote(self, name: str, version: str, instead_of: str) -> None:
        """Move `AWSCURRENT` from one version to another, as the last step of a rotation does."""
        moved = {"MoveToVersionId": version, "RemoveFromVersionId": instead_of}
        self._ask("update_secret_version_stage", SecretId=name, VersionStage="AWSCURRENT", **moved)

    def current(self, name: str) -> str:
        """The id of the version that is in use."""
        return self._ask("get_secret_value", SecretId=name)["VersionId"]

    def delete(self, name: str) -> None:
        """Schedule a secret for deletion, after which it can be restored but not read."""
        self._ask("delete_secret", SecretId=name, RecoveryWindowInDays=7)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _ask(self, operation: str, **request: object) -> dict[str, str]:
        answer: dict[str, str] = getattr(self._client, operation)(**request)
        return answer


def _content(content: str | bytes) -> dict[str, str | bytes]:
    return {"SecretString": content} if isinstance(content, str) else {"SecretBinary": content}
