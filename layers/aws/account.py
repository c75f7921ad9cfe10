"""What is in the account already: who deploys, the stack, and the ledger's table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICE_NAME: Final = "update-group-counter"
TABLE_RESOURCE: Final = "Table"

Answer = Mapping[str, object]


class AccountError(Exception):
    """AWS refused a question, or did not answer; the text is one line."""

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(text.split()))


class Client(Protocol):
    """One of boto3's clients, by the names of its actions."""

    def __getattr__(self, action: str) -> Callable[..., Answer]: ...


class Stack(msgspec.Struct, frozen=True):
    """A stack that is there. `has_table`: the table is one of its resources."""

    status: str
    has_table: bool

    @property
    def problem(self) -> str | None:
        """Why it cannot be deployed to as it is."""
        if self.status == "ROLLBACK_COMPLETE":
            return "its first deployment failed, and AWS updates no such stack. Remove it first: make remove-aws"
        if self.status.endswith("_IN_PROGRESS"):
            return f"it is at work ({self.status}). Wait until it has ended"
        if self.status.endswith("_FAILED"):
            return f"it is stuck ({self.status}). The console of CloudFormation shows why"
        return None


class Table(msgspec.Struct, frozen=True):
    """A table that is there, and what it lacks to be a ledger."""

    lacks: tuple[str, ...]


class Account:
    """The account that boto3's credentials belong to, in one region."""

    def __init__(self, region: str, client: Callable[[str], Client] | None = None) -> None:
        self._client = client or _clients(region)

    def id(self) -> str:
        """Its number."""
        return str(self._ask("sts", "get_caller_identity")["Account"])

    def stack(self, name: str) -> Stack | None:
        """A stack of this name, None if there is none."""
        try:
            listed = cast("list[Answer]", self._ask("cloudformation", "describe_stacks", StackName=name)["Stacks"])
        except _RefusedError as refused:
            if "does not exist" in str(refused):
                return None
            raise
        status = str(listed[0]["StackStatus"])
        return None if status == "DELETE_COMPLETE" else Stack(status, self._has_table(name))

    def _has_table(self, stack: str) -> bool:
        named = {"StackName": stack, "LogicalResourceId": TABLE_RESOURCE}
        try:
            found = self._ask("cloudformation", "describe_stack_resource", **named)["StackResourceDetail"]
        except _RefusedError as refused:
            if "does not exist" in str(refused):
                return False
            raise
        return not str(cast("Answer", found)["ResourceStatus"]).startswith("DELETE")

    def table(self, name: str, ledger: Mapping[str, str]) -> Table | None:
        """A table of this name, None if there is none. `ledger` has the names that the ledger's code expects."""
        try:
            described = cast("Answer", self._ask("dynamodb", "describe_table", TableName=name)["Table"])
            expiry = self._ask("dynamodb", "describe_time_to_live", TableName=name)
        except _RefusedError as refused:
            if refused.code == "ResourceNotFoundException":
                return None
            raise
        return Table(tuple(_lacks(described, cast("Answer", expiry["TimeToLiveDescription"]), ledger)))

    def protect(self, table: str) -> None:
        """Protect a table against deletion. Switching on what is on already does no harm."""
        self._ask("dynamodb", "update_table", TableName=table, DeletionProtectionEnabled=True)

    def _ask(self, service: str, action: str, **fields: object) -> Answer:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  # only a deployment to AWS needs it

        try:
            answer: Answer = getattr(self._client(service), action)(**fields)
        except ClientError as error:
            said = error.response.get("Error", {})
            raise _RefusedError(f"{service}:{action}", str(said.get("Code")), str(said.get("Message", ""))) from None
        except BotoCoreError as error:
            raise AccountError(f"{service}:{action}: {error}") from None
        return answer


class _RefusedError(AccountError):
    """AWS refused a question; `code` is AWS's."""

    def __init__(self, action: str, code: str, message: str) -> None:
        # That of a failed signature may show what was signed.
        super().__init__(f"{action}: {code}" + ("" if not message or "Signature" in code else f": {message}"))
        self.code = code


def _clients(region: str) -> Callable[[str], Client]:
    import boto3  # noqa: PLC0415

    session = boto3.session.Session(region_name=region)
    return lambda service: cast("Client", session.client(service))


def _lacks(table: Answer, expiry: Answer, ledger: Mapping[str, str]) -> list[str]:
    keys = [str(key["AttributeName"]) for key in cast("list[Answer]", table["KeySchema"])]
    lacks = [] if keys == [ledger["partitionKey"], ledger["sortKey"]] else ["the ledger's keys"]
    indexes = {str(index["IndexName"]) for index in cast("list[Answer]", table.get("GlobalSecondaryIndexes", []))}
    lacks += [f"the index {name}" for name in (ledger["index"], ledger["knownIndex"]) if name not in indexes]
    if expiry.get("AttributeName") != ledger["expiry"]:
        lacks.append(f"expiry by the attribute {ledger['expiry']}")
    return lacks
