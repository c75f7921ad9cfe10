"""Keeps signatures and secrets out of texts that others wrote: the vendor's ErrorInfo and the HTTP library's log."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from urllib.parse import quote

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


class UserSigFilter(logging.Filter):
    """Blanks the query string of every URL in a message, and drops its traceback, whose text may show the URL again."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, cleaned."""
        record.msg, record.args = _QUERY.sub(f"?{REDACTED}", without_usersig(record.getMessage())), ()
        record.exc_info = record.exc_text = None
        return True


def guard_logs() -> None:
    """Put the filter on the HTTP library's loggers, once per process however often it is asked for."""
    for name in URL_LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(each, UserSigFilter) for each in logger.filters):
            logger.addFilter(UserSigFilter())


def without_usersig(text: str) -> str:
    """The text with the value of each `usersig=` blanked."""
    return _USERSIG.sub(rf"\1{REDACTED}", text)


def presentable(info: str, hidden: Iterable[str]) -> str:
    """A foreign text as it may be shown: without what is to be hidden, bare or as in a URL, encodable, and short."""
    for value in sorted(hidden, key=len, reverse=True):
        info = info.replace(value, REDACTED).replace(quote(value, safe=""), REDACTED)
    # JSON can spell half a surrogate pair, which no store and no reply could encode.
    return without_usersig(info).encode(errors="replace").decode()[:INFO_CHARACTERS]
