"""Room for the interpreter's stack.

CPython keeps the frames of a thread in chunks of 16 KiB. A function that is called again and again from just below the
end of a chunk has a new one mapped and unmapped with each call, ten times what the call costs. A chain of imports is
about a chunk deep, and where in it expressions are compiled or classes made is up to chance: it came to 2,700 such
calls, a tenth of a cold start. A frame that needs more than a chunk gets a larger one, with room for all above it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType

# In words of the machine: more than half of a chunk of 256 KiB, because chunks grow by doubling, so that 130 KiB of it
# are left. None of it is touched before it is used.
ROOM = 16_000


def roomy(function: Callable[[], None]) -> Callable[[], None]:
    """The function, with a frame as large as that."""
    if isinstance(function, FunctionType):
        function.__code__ = function.__code__.replace(co_stacksize=ROOM)
    return function
