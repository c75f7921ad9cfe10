"""Keeps secrets out of texts and logs that others wrote: the vendor's ErrorInfo, the HTTP library, the clouds' SDKs.

Of what an SDK raises only the error's code is shown; its debug logs, which hold secrets, are dropped. What http.client
prints while it is debugged is switched off for every connection of urllib3.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from urllib.parse import quote

from urllib3.connection import HTTPConnection

from handler.core.errors import SecretUnavailable

REDACTED = "[redacted]"

# Enough for a sentence of the vendor's; the text is stored with the operation's answer.
INFO_CHARACTERS = 256

# The loggers of urllib3 whose messages can hold the URL of a request; each filters only what is logged by its name.
URL_LOGGERS = (
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.poolmanager",
    "urllib3.response",
    "urllib3.util.retry",
)

# A whole query string, in the log of a library that knows the URL.
_QUERY = re.compile(r"\?[^\s'\"]*")

_USERSIG = re.compile(r"(usersig=)[^&\s'\"]*", re.IGNORECASE)

# Codes of services and names of the SDKs' errors. What looks like neither is not shown.
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}(\.[A-Za-z0-9]{1,64})*")


class UserSigFilter(logging.Filter):
    """Blanks the query string of every URL in a message, and drops its traceback, whose text may show the URL again."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, cleaned."""
        record.msg, record.args = _QUERY.sub(f"?{REDACTED}", without_usersig(record.getMessage())), ()
        record.exc_info = record.exc_text = None
        return True


class DebugFilter(logging.Filter):
    """Drops debug records. At that level SDKs log whole requests and answers, credentials included."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let information and warnings pass."""
        return record.levelno > logging.DEBUG


def guard_logs() -> None:
    """Put the filter of signatures on the HTTP library's loggers."""
    _put(UserSigFilter, URL_LOGGERS)


def drop_debug_logs(names: Iterable[str]) -> None:
    """Put the filter of debug records on the loggers of these names."""
    _put(DebugFilter, names)


def _put(kind: type[logging.Filter], names: Iterable[str]) -> None:
    """Put a filter on each logger, once per process however often it is asked for.

    No log shows what http.client prints of every request, signatures included, while its own debug level is on. All
    clients here and in the SDKs connect through urllib3, whose class no longer follows that level.
    """
    HTTPConnection.debuglevel = 0
    for name in names:
        logger = logging.getLogger(name)
        if not any(isinstance(each, kind) for each in logger.filters):
            logger.addFilter(kind())


def without_usersig(text: str) -> str:
    """The text with the value of each `usersig=` blanked."""
    return _USERSIG.sub(rf"\1{REDACTED}", text)


def presentable(info: str, hidden: Iterable[str]) -> str:
    """A foreign text as it may be shown: without what is to be hidden, bare or as in a URL, encodable, and short."""
    for value in sorted(hidden, key=len, reverse=True):
        info = info.replace(value, REDACTED).replace(quote(value, safe=""), REDACTED)
    # JSON can spell half a surrogate pair, which no store and no reply could encode.
    return without_usersig(info).encode(errors="replace").decode()[:INFO_CHARACTERS]


def shown(code: str) -> str:
    """The code of an error as it may be shown: a text in its place may hold anything."""
    return code if _CODE.fullmatch(code) else "an error without a code"


def unavailable(manager: str, code: str) -> SecretUnavailable:
    """Why a secret cannot be read: the `manager`'s name, and the code of its refusal or of the SDK's own error."""
    return SecretUnavailable(f"the secret in {manager} cannot be read: {shown(code)}")


def text_of(content: bytes, manager: str) -> str:
    """A binary secret's text; raises SecretUnavailable, which shows nothing of it, if it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SecretUnavailable(f"the secret in {manager} is not UTF-8") from None
