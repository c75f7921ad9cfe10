"""A yes before something is changed: typed at a terminal, or given by YES=1."""

from __future__ import annotations

import sys
from typing import Final

NOT_CONFIRMED: Final = "Nothing was done: it takes YES=1 (--yes), or a typed yes at a terminal"


def is_confirmed(*, is_given: bool) -> bool:
    """Whether a yes was given before, or is typed now; False where nothing can be typed."""
    if is_given or not sys.stdin.isatty():
        return is_given
    sys.stderr.write("Type yes to go on: ")
    sys.stderr.flush()
    try:
        return sys.stdin.readline().strip() == "yes"
    except KeyboardInterrupt:
        return False
