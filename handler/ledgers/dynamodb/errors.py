"""The meaning of a failed call to DynamoDB: each of botocore's errors is classified here, once.

LedgerUnavailable  nothing was written: no connection, throttled, refused
AnswerLost         a write may have taken effect: the connection broke, or the service failed, after it was sent
Conflict           nothing was written, because another worker's transaction is under way: worth another try
ConditionFailed    nothing was written, because a condition does not hold

The texts of SDK and service are not passed on, because they may repeat the request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

from botocore.exceptions import (
    BotoCoreError,
    ChecksumError,
    ClientError,
    HTTPClientError,
    NoRegionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from handler.clouds.aws import code_of
from handler.core.errors import AnswerLost, LedgerUnavailable
from handler.ledgers.dynamodb.items import Item
from handler.redaction import shown

SDK_ERRORS = (BotoCoreError, ClientError, ResponseParserError)

SERVER_ERROR = 500

_THROTTLED = {
    "ThrottlingException",
    "ThrottlingError",
    "ProvisionedThroughputExceededException",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
}
_DENIED = {"AccessDeniedException", "AccessDenied"}
_CREDENTIALS = {
    "ExpiredTokenException",
    "ExpiredToken",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "IncompleteSignatureException",
    "MissingAuthenticationTokenException",
    "InvalidClientTokenId",
}
_CONFLICTS = {"TransactionConflict", "TransactionConflictException", "TransactionInProgressException"}


class ConditionFailed(Exception):
    """A condition of a write does not hold. `items` are those that stood in the way, one per part of the write.

    None stands for a part whose condition does hold; an empty item for one whose item is not there.
    """

    def __init__(self, items: Sequence[Item | None]) -> None:
        super().__init__("a condition does not hold")
        self.items = items


class Conflict(Exception):
    """Another transaction is changing the same items at this moment."""


Failure: TypeAlias = LedgerUnavailable | AnswerLost | Conflict | ConditionFailed


def failure_of(error: Exception, table: str, *, writes: bool) -> Failure:
    """What the failure of a call means for the ledger in `table`."""
    if isinstance(error, ClientError):
        return _answered(error, table, writes=writes)
    if isinstance(error, NoRegionError):
        return unavailable(table, "of LEDGER_URL needs a region, by ?region= or in AWS_REGION")
    if writes and _may_have_arrived(error):
        return AnswerLost(f"the answer of table {table} to a write was lost: {type(error).__name__}")
    return unavailable(table, f"cannot be reached: {type(error).__name__}")


def unavailable(table: str, problem: str) -> LedgerUnavailable:
    """The ledger's table cannot be used; `problem` is a sentence about it."""
    return LedgerUnavailable(f"the table {table} {problem}")


def is_worth_repeating(error: Exception) -> bool:
    """Whether a read that failed may be tried once more: the service had closed the connection, or failed.

    After a timeout there is no time left for it.
    """
    if isinstance(error, ClientError):
        return _status(error) >= SERVER_ERROR
    return _may_have_arrived(error) and not isinstance(error, ReadTimeoutError)


def _may_have_arrived(error: Exception) -> bool:
    """Whether the service may have got the request. Errors of connecting and of preparing it come before that."""
    return isinstance(error, HTTPClientError | ChecksumError | ResponseParserError | SSLError)


def _answered(error: ClientError, table: str, *, writes: bool) -> Failure:
    code = code_of(error)
    if code == "ConditionalCheckFailedException":
        return ConditionFailed([error.response.get("Item", {})])
    if code == "TransactionCanceledException":
        return _cancelled(error, table)
    if code in _CONFLICTS:
        return Conflict()
    if _status(error) >= SERVER_ERROR and writes:
        return AnswerLost(f"the answer of table {table} to a write was lost: {shown(code)}")
    return unavailable(table, _problem(code))


def _cancelled(error: ClientError, table: str) -> Failure:
    reasons = cast("Sequence[Mapping[str, object]]", error.response.get("CancellationReasons", ()))
    codes = [str(reason.get("Code")) for reason in reasons]
    failed = [code == "ConditionalCheckFailed" for code in codes]
    if any(failed):
        items = [cast("Item", reason.get("Item") or {}) for reason in reasons]
        return ConditionFailed([item if fails else None for item, fails in zip(items, failed, strict=True)])
    if _CONFLICTS & set(codes):
        return Conflict()
    return unavailable(table, _problem(next((code for code in codes if code != "None"), "TransactionCanceled")))


def _problem(code: str) -> str:
    if code in _THROTTLED:
        return f"is throttled: {code}"
    if code in _DENIED:
        return f"may not be accessed by this function: {code}"
    if code in _CREDENTIALS:
        return f"cannot be used, because the credentials are not accepted: {code}"
    if code == "ResourceNotFoundException":
        return "does not exist"
    return f"cannot be used: {shown(code)}"


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
