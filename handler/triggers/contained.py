"""What goes wrong with one group of many stays with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from handler.core.errors import GroupFailed, NotAccepted, OutcomeUnknown
from handler.core.ports.system import Reporter, group_failed

Failure: TypeAlias = NotAccepted | OutcomeUnknown
"""Nothing is known to be accepted, for a reason that may pass."""

_Result = TypeVar("_Result")


def contained(work: Callable[[], _Result], reporter: Reporter, **whose: str) -> _Result | Failure:
    """What the work on a group comes to: an expected error is a result, and any other one is told and becomes such."""
    try:
        return work()
    except (NotAccepted, OutcomeUnknown) as failure:
        return failure
    except Exception as error:  # noqa: BLE001  # whatever it is, the other groups have nothing to do with it
        return unforeseen(error, reporter, **whose)


def unforeseen(error: Exception, reporter: Reporter, **whose: str) -> GroupFailed:
    """Tell of an error that no rule foresees, without its text, which may show anything."""
    group_failed(reporter, error, **whose)
    return GroupFailed(f"an unexpected {type(error).__name__}; the log says where")
