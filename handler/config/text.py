"""How the texts of several variables are read alike."""

from __future__ import annotations

import re

# A name or an address of a host, as any other reader of the same URL would find it.
HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


def read_switch(text: str, on: str, off: str) -> bool:
    """Whether the text is `on`; raises ValueError for one that is neither."""
    if text not in {on, off}:
        raise ValueError(f"must be {on} or {off}")
    return text == on
