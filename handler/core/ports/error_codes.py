"""What every error code of the vendor means, and proves: its effect, whose fault it is, and what callers see.

Meanings are those of trtc.io/document/34348, of an older copy of it, of cloud.tencent.com/document/product/679/131708
and of the vendor's list of account codes. None of them says whether a refused call took effect, so that column is
inferred: what the gateway, the account system or a check refuses has none, and a timeout or an internal error proves
nothing. The receipt has the last word (R4).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import msgspec

from handler.core.ports.counter_api import Fault


class Effect(Enum):
    """What a reply's code says about the request."""

    LANDED = "landed"
    NOT_LANDED = "not landed"
    UNKNOWN = "unknown"


class CodeMeaning(msgspec.Struct, frozen=True):
    """A code's effect, whose fault it is (None: not known, or no fault), the callers' HTTP status, and its meaning.

    202 means that the operation stays accepted and is tried again or looked for. 503 means the same while the app
    itself is refused.
    """

    effect: Effect
    fault: Fault | None
    status: int
    meaning: str


_NO = Effect.NOT_LANDED
_UNKNOWN = Effect.UNKNOWN

VERDICTS: Mapping[int, CodeMeaning] = {
    0: CodeMeaning(Effect.LANDED, None, 200, "done"),
    # The operation's fault: refused for good. Sensitive text, a body that is too long and JSON that does not parse are
    # here because the body is all that differs between operations: one bad key must not shut the app for everybody.
    10004: CodeMeaning(_NO, Fault.OPERATION, 400, "invalid parameter"),
    10007: CodeMeaning(_NO, Fault.OPERATION, 403, "not permitted for this group, group type or account"),
    10010: CodeMeaning(_NO, Fault.OPERATION, 404, "the group does not exist or was dismissed"),
    10011: CodeMeaning(_NO, Fault.OPERATION, 400, "the body could not be parsed"),
    10015: CodeMeaning(_NO, Fault.OPERATION, 404, "the group ID is wrong or names no group"),
    10016: CodeMeaning(_NO, Fault.OPERATION, 403, "refused by the app's webhook"),
    10063: CodeMeaning(_NO, Fault.OPERATION, 409, "more than 20 counters in the group"),
    60003: CodeMeaning(_NO, Fault.OPERATION, 400, "the body is not JSON"),
    80001: CodeMeaning(_NO, Fault.OPERATION, 400, "sensitive text"),
    80002: CodeMeaning(_NO, Fault.OPERATION, 400, "the body is too long"),
    80004: CodeMeaning(_NO, Fault.OPERATION, 400, "sensitive image"),
    # The app's fault: its plan, address or settings, or the form that all our requests share.
    10003: CodeMeaning(_NO, Fault.APP, 503, "no API of this name"),
    10005: CodeMeaning(_NO, Fault.APP, 503, "too many accounts in the request"),
    10012: CodeMeaning(_NO, Fault.APP, 503, "the operator's UserID is illegal"),
    10026: CodeMeaning(_NO, Fault.APP, 503, "the command is disabled for this app"),
    10059: CodeMeaning(_NO, Fault.APP, 503, "the app's edition has no group counters"),
    60002: CodeMeaning(_NO, Fault.APP, 503, "the HTTP request could not be parsed"),
    60006: CodeMeaning(_NO, Fault.APP, 503, "SDKAppID invalid"),
    60009: CodeMeaning(_NO, Fault.APP, 503, "no resource at this URL"),
    60010: CodeMeaning(_NO, Fault.APP, 503, "the identifier is not an admin of the app"),
    60012: CodeMeaning(_NO, Fault.APP, 503, "the URL has no SDKAppID"),
    60015: CodeMeaning(_NO, Fault.APP, 503, "a UserID is not a string"),
    60016: CodeMeaning(_NO, Fault.APP, 503, "the app is disabled"),
    60017: CodeMeaning(_NO, Fault.APP, 503, "the request is disabled"),
    60020: CodeMeaning(_NO, Fault.APP, 503, "the plan has expired or is in arrears"),
    60021: CodeMeaning(_NO, Fault.APP, 503, "the source address is not allowed"),
    60025: CodeMeaning(_NO, Fault.APP, 503, "SDKAppID, identifier, UserSig or contenttype is wrong in the URL"),
    60026: CodeMeaning(_NO, Fault.APP, 503, "the host does not serve this app: wrong region"),
    60027: CodeMeaning(_NO, Fault.APP, 503, "the product type may not use this API"),
    60028: CodeMeaning(_NO, Fault.APP, 503, "the trial edition's daily volume is used up"),
    70114: CodeMeaning(_NO, Fault.APP, 503, "security restriction"),
    70206: CodeMeaning(_NO, Fault.APP, 503, "invalid number of accounts"),
    70398: CodeMeaning(_NO, Fault.APP, 503, "too many accounts in the app"),
    70399: CodeMeaning(_NO, Fault.APP, 503, "a deleted account cannot be imported again yet"),
    70402: CodeMeaning(_NO, Fault.APP, 503, "illegal parameters for the account system"),
    70404: CodeMeaning(_NO, Fault.APP, 503, "the SDK is too old"),
    71000: CodeMeaning(_NO, Fault.APP, 503, "the app does not support account deletion"),
    72000: CodeMeaning(_NO, Fault.APP, 503, "the quota of daily users is used up"),
    72001: CodeMeaning(_NO, Fault.APP, 503, "user status is not enabled"),
    72002: CodeMeaning(_NO, Fault.APP, 503, "the quota of monthly users is used up"),
    72010: CodeMeaning(_NO, Fault.APP, 503, "a user logs in too often"),
    72011: CodeMeaning(_NO, Fault.APP, 503, "do-not-disturb settings are not enabled"),
    72012: CodeMeaning(_NO, Fault.APP, 503, "profile subscriptions are not enabled"),
    80003: CodeMeaning(_NO, Fault.APP, 503, "the app's webhook failed or did not answer"),
    80005: CodeMeaning(_NO, Fault.APP, 503, "the service is deactivated: expired or in arrears"),
    # The secret's fault: one freshly fetched secret is tried, then it is the app's.
    70002: CodeMeaning(_NO, Fault.CREDENTIALS, 503, "UserSig empty"),
    70003: CodeMeaning(_NO, Fault.CREDENTIALS, 503, "UserSig illegal"),
    70005: CodeMeaning(_NO, Fault.CREDENTIALS, 503, "UserSig illegal"),
    70009: CodeMeaning(_NO, Fault.CREDENTIALS, 503, "UserSig made with another key"),
    70013: CodeMeaning(_NO, Fault.CREDENTIALS, 503, "the UserID differs from the signed one"),
    70014: CodeMeaning(_NO, Fault.CREDENTIALS, 503, "the SDKAppID differs from the signed one"),
    70016: CodeMeaning(_NO, Fault.CREDENTIALS, 503, "no key for this SDKAppID: wrong region"),
    70020: CodeMeaning(_NO, Fault.CREDENTIALS, 503, "no such SDKAppID: wrong region"),
    70050: CodeMeaning(_NO, Fault.CREDENTIALS, 503, "UserSig wrong, and checked too often"),
    70051: CodeMeaning(_NO, Fault.CREDENTIALS, 503, "the account is on the blocklist"),
    70107: CodeMeaning(_NO, Fault.CREDENTIALS, 503, "the account is not imported"),
    70403: CodeMeaning(_NO, Fault.CREDENTIALS, 503, "the account is not an admin of the app"),
    # Passing: the signature was not good when it arrived; a new attempt has a new signature.
    10008: CodeMeaning(_NO, Fault.SIGNATURE, 202, "illegal request, perhaps its signature"),
    60004: CodeMeaning(_NO, Fault.SIGNATURE, 202, "account or signature not accepted"),
    60005: CodeMeaning(_NO, Fault.SIGNATURE, 202, "account or signature not accepted"),
    70001: CodeMeaning(_NO, Fault.SIGNATURE, 202, "UserSig expired"),
    70052: CodeMeaning(_NO, Fault.SIGNATURE, 202, "UserSig expired or invalid"),
    70346: CodeMeaning(_NO, Fault.SIGNATURE, 202, "the ticket could not be verified"),
    70347: CodeMeaning(_NO, Fault.SIGNATURE, 202, "the ticket expired"),
    # Passing: too many calls; a new attempt follows after a while.
    10006: CodeMeaning(_NO, Fault.RATE, 202, "operations on the group are too frequent"),
    60007: CodeMeaning(_NO, Fault.RATE, 202, "the API is called too often"),
    60011: CodeMeaning(_NO, Fault.RATE, 202, "the app calls too often"),
    60018: CodeMeaning(_NO, Fault.RATE, 202, "requests are too frequent"),
    60019: CodeMeaning(_NO, Fault.RATE, 202, "requests are too frequent"),
    # Proves nothing: the request may have been carried out before this went wrong.
    10002: CodeMeaning(_UNKNOWN, None, 202, "internal error"),
    10018: CodeMeaning(_UNKNOWN, None, 202, "the response is over 1 MB"),
    60008: CodeMeaning(_UNKNOWN, None, 202, "timeout, or a malformed request"),
    60013: CodeMeaning(_UNKNOWN, None, 202, "the response could not be parsed"),
    60014: CodeMeaning(_UNKNOWN, None, 202, "the account check timed out"),
    70169: CodeMeaning(_UNKNOWN, None, 202, "internal timeout"),
    70202: CodeMeaning(_UNKNOWN, None, 202, "internal timeout"),
    70500: CodeMeaning(_UNKNOWN, None, 202, "internal error"),
}

UNLISTED = CodeMeaning(_UNKNOWN, None, 202, "not in the vendor's list")


def meaning_of(code: int) -> CodeMeaning:
    """What a reply with this `ErrorCode` proves, and its words; one that is not listed proves nothing."""
    return VERDICTS.get(code, UNLISTED)
