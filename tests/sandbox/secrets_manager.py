"""AWS Secrets Manager, by boto3: secrets made, replaced and rotated in stages, as an operator does it."""

from tests.sandbox.aws_client import AwsClient


class SecretsManager(AwsClient):
    """Secrets Manager at `endpoint`. Use it in a `with` block."""

    def __init__(self, endpoint: str) -> None:
        super().__init__("secretsmanager", endpoint)

    def create(self, name: str, content: str | bytes) -> str:
        return str(self.ask("create_secret", Name=name, **_content(content))["ARN"])

    def put(self, name: str, content: str | bytes, stage: str = "AWSCURRENT") -> str:
        """Add a version in a stage, and give its id. One in `AWSPENDING` is not in use yet."""
        return str(self.ask("put_secret_value", SecretId=name, VersionStages=[stage], **_content(content))["VersionId"])

    def promote(self, name: str, version: str, instead_of: str) -> None:
        """Move `AWSCURRENT` from one version to another, as the last step of a rotation does."""
        moved = {"MoveToVersionId": version, "RemoveFromVersionId": instead_of}
        self.ask("update_secret_version_stage", SecretId=name, VersionStage="AWSCURRENT", **moved)

    def current(self, name: str) -> str:
        """The id of the version that is in use."""
        return str(self.ask("get_secret_value", SecretId=name)["VersionId"])

    def delete(self, name: str) -> None:
        """Schedule a secret for deletion, after which it can be restored but not read."""
        self.ask("delete_secret", SecretId=name, RecoveryWindowInDays=7)


def _content(content: str | bytes) -> dict[str, str | bytes]:
    return {"SecretString": content} if isinstance(content, str) else {"SecretBinary": content}
