"""A bounded part of the run of whole events, and that it notices each right that is not asked for."""

from collections.abc import Callable

import pytest

from handler.core.model import rights as model
from handler.core.model.rights import Rights
from handler.core.ports.vault import Caller
from handler.triggers import rights as named
from handler.triggers.http import routes
from tests.faults.fuzz import judged

SEED = 6


def test_no_event_gets_what_rights_forbid() -> None:
    """And some of each kind get through, so that the doors are not simply shut."""
    counts = judged.play(2000, SEED)
    assert {"HTTP 200", "HTTP 202", "not-permitted", "unauthorized", "caller-rate-exceeded"} <= counts.keys()


def nothing(*_: object, **__: object) -> None:
    """A check that lets everything pass."""


BLIND: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "updates": lambda patch: patch.setattr(routes, "check", nothing),
    "questions": lambda patch: patch.setattr(Rights, "check_read", nothing),
    "records": lambda patch: patch.setattr(named, "check", nothing),
    "time": lambda patch: patch.setattr(Caller, "is_over", nothing),
    "letter case": lambda patch: patch.setattr(
        model, "matches", lambda name, patterns: name.lower() in str(patterns).lower()
    ),
}


@pytest.mark.parametrize("blind", BLIND)
def test_a_right_that_is_not_asked_for_is_a_finding(blind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    BLIND[blind](monkeypatch)
    with pytest.raises(AssertionError, match=r"^seed 6, event \d+: (accepted|asked): "):
        judged.play(2000, SEED)
