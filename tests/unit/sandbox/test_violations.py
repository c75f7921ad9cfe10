"""The sandbox as an API that is not what the function assumes: what callers see, and that it ends with a reset."""

import json

import pytest

from tests.sandbox.app import ChatApp
from tests.sandbox.codes import RefusalError
from tests.sandbox.commands import Mode, Name, Update
from tests.sandbox.violations import DATE_AHEAD_S, SLOW_S, TOLERANCE_S, Violation
from tests.unit.sandbox.driver import NOW, call, conduct, new_app


def violating(violation: Violation) -> ChatApp:
    app = new_app()
    app.violations.chosen = frozenset([violation])
    return app


def code(app: ChatApp, *, at: float, now: float, life_s: int = 6) -> int | None:
    """The ErrorCode of an update signed at one time and sent at another."""
    return conduct(app, call(at=at, life_s=life_s), now).code


def shown(app: ChatApp, now: float, name: Name = "get") -> int:
    """The value of `like` that a call shows, 0 where it shows none."""
    reply = json.loads(conduct(app, call(name, at=now), now).body)
    return next((counter["Value"] for counter in reply["GroupCounter"]), 0)


def test_a_faithful_app_refuses_what_has_ended() -> None:
    assert code(new_app(), at=NOW, now=NOW + 7) == 70001


def test_a_cached_signature_stays_good_and_an_unused_one_does_not() -> None:
    app = violating("signature_cache")
    assert code(app, at=NOW, now=NOW) == 0
    assert code(app, at=NOW, now=NOW + 100) == 0
    assert code(app, at=NOW + 1, now=NOW + 100) == 70001


def test_short_signatures_are_refused_and_those_of_a_day_are_not() -> None:
    app = violating("short_signatures_refused")
    assert code(app, at=NOW, now=NOW) == 70001
    assert code(app, at=NOW, now=NOW, life_s=86_400) == 0


def test_expired_signatures_are_accepted_however_old() -> None:
    assert code(violating("expired_signatures_accepted"), at=NOW, now=NOW + 10_000) == 0


def test_tolerant_signatures_are_good_for_seconds_more() -> None:
    app = violating("tolerant_signatures")
    assert code(app, at=NOW, now=NOW + 6 + TOLERANCE_S) == 0
    assert code(app, at=NOW, now=NOW + 7 + TOLERANCE_S) == 70001


def test_every_so_many_reads_are_stale() -> None:
    app = violating("stale_reads")
    shown(app, NOW, "update")
    shown(app, NOW, "update")
    assert [shown(app, NOW) for _ in range(5)] == [2, 2, 2, 2, 1]


def test_slow_effects_show_after_some_seconds() -> None:
    app = violating("slow_effects")
    assert shown(app, NOW, "update") == 1
    assert shown(app, NOW + SLOW_S - 1) == 0
    assert shown(app, NOW + SLOW_S) == 1


def test_a_wrong_date_leaves_signatures_alone() -> None:
    app = violating("wrong_date")
    assert app.violations.date(NOW) == NOW + DATE_AHEAD_S
    assert code(app, at=NOW, now=NOW + 6) == 0


@pytest.mark.parametrize("violation", ["short_signatures_refused", "wrong_date"])
def test_a_reset_ends_every_violation(violation: Violation) -> None:
    app = violating(violation)
    app.reset()
    assert app.violations.chosen == frozenset()


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
