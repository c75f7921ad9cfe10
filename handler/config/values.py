"""What the text of a variable may be: a reader of each kind, which says in words what is wrong.

Each raises ValueError. None shows the text, which may be secret by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from handler.config.addresses import HOST
from handler.core.model.operation import KEY_BYTES

DAY_S = 86_400

# Both sides count whole seconds, so a life of one could end as it begins.
LIFE_MIN_S = 2

# The vendor's regions, whose hosts are in handler/chat/client.py.
REGIONS = ("china", "singapore", "seoul", "tokyo", "frankfurt", "silicon-valley", "jakarta", "riyadh")

# What a function may be for.
EVENT_NAMES = frozenset({"http", "timer", "sources", "operator"})

# It is part of keys, and a name or a date is enough.
EPOCH_CHARACTERS = 128

# The vendor signs for ten years at most; no other time may be longer either.
DAYS_MAX = 10 * 365
NUMBER_MAX = DAYS_MAX * DAY_S

_WHOLE = re.compile(r"[0-9]{1,12}")
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
# A scheme, a host and a port that is not the scheme's own; an app's web view may have a scheme of its own.
_ORIGIN = re.compile(
    r"(?!http:[^*]*:80$|https:[^*]*:443$)[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?"
)
_BASE_PATH = re.compile(r"/?[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*/?")


def decimal(least: float, most: int = NUMBER_MAX) -> Callable[[str], float]:
    """A reader of a number in plain digits, from `least` to `most`."""

    def parse(text: str) -> float:
        if not _DECIMAL.fullmatch(text) or not least <= float(text) <= most:
            raise ValueError(f"must be a number from {least:g} to {most}, with digits and at most one point")
        return float(text)

    return parse


def life(text: str) -> int:
    """A whole number of seconds that a signature may live."""
    if not _WHOLE.fullmatch(text) or not LIFE_MIN_S <= int(text) <= NUMBER_MAX:
        raise ValueError(f"must be a whole number of seconds from {LIFE_MIN_S} to {NUMBER_MAX}")
    return int(text)


def region(text: str) -> str:
    """One of the vendor's regions."""
    if text not in REGIONS:
        raise ValueError(f"must be one of {', '.join(REGIONS)}")
    return text


def endpoint(text: str) -> str:
    """A base URL, without a slash at its end; what it holds may be secret by mistake, so it is never shown."""
    problem = "must be http(s)://host[:port][/path] without user, query or fragment"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(problem) from None
    plain = text.isascii() and text.isprintable() and not set(" \\?#@") & set(text)
    is_host = HOST.fullmatch(parts.hostname or "")
    if parts.scheme not in {"http", "https"} or not is_host or port == 0 or not plain:
        raise ValueError(problem)
    return text.rstrip("/")


def receipt_key(text: str) -> str:
    """The name of a counter."""
    if len(text.encode()) > KEY_BYTES:
        raise ValueError(f"must have at most {KEY_BYTES} bytes")
    return text


def origins(text: str) -> frozenset[str]:
    """Origins as browsers write them, or they would match no request."""
    named = [part.strip(" ") for part in text.split(",")]
    if not all(map(_ORIGIN.fullmatch, named)):
        raise ValueError(
            "must be origins such as https://app.example.com, in lower case, without a path or a default port, with "
            "commas between; there is no * for all"
        )
    return frozenset(named)


def source_epoch(text: str) -> str:
    """A part of keys."""
    if len(text) > EPOCH_CHARACTERS or not text.isprintable():
        raise ValueError(f"must have at most {EPOCH_CHARACTERS} printable characters")
    return text


def events(text: str) -> frozenset[str]:
    """The kinds of events that a function takes."""
    names = [name.strip(" ") for name in text.split(",")]
    if len(set(names)) < len(names) or not EVENT_NAMES.issuperset(names):
        raise ValueError("must be some of http, timer, sources and operator, each once, with a comma between")
    return frozenset(names)


def http_auth(text: str) -> str:
    """The scheme by which callers are known."""
    if text not in {"bearer", "signature", "platform"}:
        raise ValueError("must be bearer, signature or platform")
    return text


def base_path(text: str) -> str:
    """A path with a leading slash and none at its end; empty for the root."""
    if text != "/" and not _BASE_PATH.fullmatch(text):
        raise ValueError("must be a path such as /chat, of letters, digits and . _ ~ -")
    return "/" + text.strip("/") if text != "/" else ""


def switch(text: str) -> bool:
    """Whether it is on."""
    return read_switch(text, on="on", off="off")


def read_switch(text: str, on: str, off: str) -> bool:
    """Whether the text is `on`; raises ValueError for one that is neither."""
    if text not in {on, off}:
        raise ValueError(f"must be {on} or {off}")
    return text == on
