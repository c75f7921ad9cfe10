"""The sandbox as an API that is not what the function assumes: what callers see, and that it ends with a reset."""

import pytest

from tests.sandbox.app import ChatApp
from tests.sandbox.codes import RefusalError
from tests.sandbox.commands import Mode, Update
from tests.sandbox.violations import Violation
from tests.unit.sandbox.driver import NOW, new_app


def violating(violation: Violation) -> ChatApp:
    app = new_app()
    app.violations.chosen = frozenset([violation])
    return app


MODES: tuple[Mode, ...] = ("Increase", "Decrease", "Set")


def updated(app: ChatApp, mode: Mode, **counters: int) -> dict[str, int] | None:
    return app.violations.run(app.groups, Update("G", mode, counters), NOW)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_goes_below_zero_where_that_is_refused(mode: Mode) -> None:
    """By no Mode, and the other keys of the call stay where they are."""
    app = violating("below_zero_refused")
    with pytest.raises(RefusalError, match="10004"):
        updated(app, mode, like=1 if mode == "Decrease" else -1, gift=5)
    assert app.groups.values("G") == {}


@pytest.mark.parametrize("mode", MODES)
def test_a_counter_is_cut_off_at_zero_where_that_is_so(mode: Mode) -> None:
    """The call is a success, and its other keys are counted."""
    app = violating("below_zero_cut_off")
    sign = -1 if mode == "Decrease" else 1
    assert updated(app, mode, like=-sign, gift=5 * sign) == {"like": 0, "gift": 5}
    assert app.groups.values("G") == {"like": 0, "gift": 5}


@pytest.mark.parametrize("violation", ["below_zero_refused", "below_zero_cut_off"])
def test_what_stays_above_zero_is_counted_as_ever(violation: Violation) -> None:
    app = violating(violation)
    for mode, value in (("Increase", 5), ("Decrease", 0), ("Increase", 5)):
        assert updated(app, mode, like=5) == {"like": value}  # type: ignore[arg-type]  # two of the three modes


@pytest.mark.parametrize("violation", ["below_zero_refused", "below_zero_cut_off"])
def test_a_group_that_is_not_there_stays_so(violation: Violation) -> None:
    """Whatever its counters would have come to."""
    app = violating(violation)
    app.groups.dismiss("G")
    with pytest.raises(RefusalError):
        updated(app, "Increase", like=1)
