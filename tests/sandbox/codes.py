"""The vendor's error codes, in short words, and the error that carries one.

The numbers and meanings are those of trtc.io/document/34348, cloud.tencent.com/document/product/679/131708 and older
copies of both.
"""

from collections.abc import Mapping
from typing import Final

OK: Final = 0

MEANINGS: Final[Mapping[int, str]] = {
    10002: "internal server error",
    10003: "no such API",
    10004: "invalid parameter",
    10005: "too many accounts",
    10006: "operation too frequent",
    10007: "no permission, or not for this type of group",
    10008: "illegal request",
    10010: "the group does not exist or has been dismissed",
    10011: "the body is not JSON",
    10012: "illegal operator",
    10015: "bad group ID",
    10016: "refused by the app's webhook",
    10018: "the response is over 1 MB",
    10026: "command disabled for this SDKAppID",
    10059: "the app's edition has no group counters",
    10063: "more than 20 counters in the group",
    60002: "HTTP request cannot be parsed",
    60003: "the body is not a JSON object",
    60004: "account or signature missing in the URL",
    60005: "account or signature wrong in the URL",
    60006: "SDKAppID invalid",
    60007: "API called too often",
    60008: "service timeout or malformed HTTP request",
    60009: "no such resource",
    60010: "the identifier is not an admin of the app",
    60011: "SDKAppID calls too often",
    60012: "sdkappid missing in the URL",
    60013: "the response is not JSON",
    60014: "account check timed out",
    60015: "UserID is not a string",
    60016: "SDKAppID disabled",
    60017: "request disabled",
    60018: "too many requests",
    60019: "too many requests",
    60020: "plan expired or in arrears",
    60021: "source address not allowed",
    60025: "SDKAppID, identifier, UserSig or contenttype wrong in the URL",
    60026: "the domain does not serve this SDKAppID",
    60027: "product type may not use this API",
    60028: "daily volume of the trial edition exceeded",
    70001: "UserSig expired",
    70002: "UserSig empty",
    70003: "UserSig illegal",
    70005: "UserSig illegal",
    70009: "UserSig made with another key",
    70013: "UserID differs from the signed one",
    70014: "SDKAppID differs from the signed one",
    70016: "no key for this SDKAppID",
    70020: "no such SDKAppID",
    70050: "UserSig wrong and checked too often",
    70051: "account blocklisted",
    70052: "UserSig expired or invalid",
    70107: "account not imported",
    70114: "security restriction",
    70169: "account server timed out",
    70202: "account server timed out",
    70206: "invalid batch count",
    70346: "ticket cannot be verified",
    70347: "ticket expired",
    70398: "too many accounts",
    70399: "account cannot be imported again",
    70402: "illegal parameters",
    70403: "needs an admin of the app",
    70404: "SDK too old",
    70500: "account server failed",
    71000: "account cannot be deleted",
    72000: "quota of active users used up",
    72001: "quota of active users used up",
    72002: "quota of active users used up",
    72010: "feature not enabled",
    72011: "feature not enabled",
    72012: "too many logins",
    80001: "content refused",
    80002: "the app's callback refused the content",
    80003: "the app's callback failed",
    80004: "content check failed",
    80005: "service deactivated",
}


class RefusalError(Exception):
    """The API says no. `code` is the vendor's ErrorCode, `info` the ErrorInfo; that repeats nothing of the call."""

    def __init__(self, code: int, detail: str = "") -> None:
        meaning = MEANINGS.get(code, "unlisted error")
        self.code = code
        self.info = f"{meaning}: {detail}" if detail else meaning
        super().__init__(f"{code} {self.info}")
