"""The meaning of errors of a Redis server or its client: the ledger cannot be used, in words of this project.

The texts of libraries are not passed on, because some of them repeat commands or addresses.
"""

from __future__ import annotations

import re

from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from handler.core.errors import LedgerUnavailable

_CODE = re.compile(r"[A-Z]{2,20}")

_ADVICE = {
    "LOADING": "the server is still reading its data",
    "MASTERDOWN": "the server is a replica without its primary",
    "MISCONF": "the server cannot write its data to disk",
    "MOVED": "the server is part of a cluster, so LEDGER_URL needs cluster=true",
    "NOAUTH": "LEDGER_URL needs a password",
    "NOPERM": "the user of LEDGER_URL may not do this",
    "OOM": "the server's memory is full",
    "READONLY": "the server is a replica",
    "WRONGPASS": "the user or the password in LEDGER_URL is wrong",
}


def refusal(error: RedisError) -> LedgerUnavailable:
    """A server's error reply: a command was refused whole, a script too, and nothing was written."""
    code = code_of(error)
    advice = _ADVICE.get(code)
    return LedgerUnavailable(f"Redis refused a command with {code}" + (f": {advice}" if advice else ""))


def unreachable(error: Exception) -> LedgerUnavailable:
    """No connection was made, so nothing was sent. The name of what lies behind tells why."""
    if isinstance(error, RedisError) and is_reply(error):
        return refusal(error)
    if isinstance(error, RedisTimeoutError):
        return LedgerUnavailable("no connection to Redis was made in time")
    return LedgerUnavailable(f"no connection to Redis could be made: {type(error.__context__ or error).__name__}")


def broken(error: Exception) -> str:
    """What became of a command that was sent and not answered."""
    return "Redis did not answer in time" if isinstance(error, RedisTimeoutError) else "the connection to Redis broke"


def is_reply(error: RedisError) -> bool:
    """Whether this is what a server said; its client gives some refusals the class of broken connections."""
    return isinstance(error, ResponseError) or error.status_code is not None


def code_of(error: RedisError) -> str:
    """The word that an error reply begins with."""
    if error.status_code:
        return error.status_code
    word = str(error).partition(" ")[0]
    return word if _CODE.fullmatch(word) else "ERR"
