"""Redaction for cloud SDKs: errors show only a service's error code; debug logs, which hold secrets, are dropped."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from handler.core.errors import SecretUnavailable

# Codes of services and names of the SDKs' errors. What looks like neither is not shown.
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}(\.[A-Za-z0-9]{1,64})*")


class _NoDebugging(logging.Filter):
    """Drops debug records. At that level SDKs log whole requests and answers, credentials included."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let information and warnings pass."""
        return record.levelno > logging.DEBUG


def drop_debug_logs(names: Iterable[str]) -> None:
    """Put the filter on the loggers of these names; a second call changes nothing."""
    for name in names:
        logger = logging.getLogger(name)
        if not any(isinstance(each, _NoDebugging) for each in logger.filters):
            logger.addFilter(_NoDebugging())


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
