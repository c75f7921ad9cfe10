"""The API's time, and what is needed to know it."""

from handler.core.runtime.api_clock import NEAR_S
from tests.faults.model.aspect import Aspect, Mutant
from tests.faults.model.clocks import ahead, clock, dating
from tests.faults.model.clocks.ahead import Ahead
from tests.faults.model.clocks.clock import Clocks
from tests.faults.model.clocks.dating import Dating


def aspects() -> list[Aspect]:
    return [_dates(), _clocks(), _ahead()]


def _dates() -> Aspect:
    """R4 b: one `Date` is wrong, the clock is set back while no call is on its way, or both."""
    wrong, back, both = Dating(wrong=1), Dating(steps=1), Dating(wrong=1, steps=1)
    mutants = [
        Mutant("a_date_heard_before", dating.DOUBLE, wrong),
        Mutant("the_own_date", dating.DOUBLE, wrong),
        Mutant("heard_since_it_was_met", dating.DOUBLE, Dating(wrong=1, before=dating.CLOCK_MAX)),
    ]
    return Aspect("what Dates prove", "R4 R12", [wrong, back], [both, Dating(wrong=1, steps=2)], mutants)


def _clocks() -> Aspect:
    """R12: what one instance believes of the API's time."""
    odd, host, frozen, put = Clocks(odd=1), Clocks(bad_host=True), Clocks(freezes=1), Clocks(sets=1)
    stopped = Clocks(stopped=True)
    mutants = [
        Mutant("stamps_are_borne_out", clock.WRONG, odd),
        Mutant("odd_dates_are_no_evidence", clock.WRONG, host),
        Mutant("a_pair_needs_two_connections", clock.WRONG, host),
        Mutant("a_thaw_ends_evidence", clock.WRONG, frozen),
        Mutant("a_pair_needs_the_time_between", clock.WRONG, stopped),
        Mutant("a_pair_moves_the_clock", clock.DEAF, put),
    ]
    return Aspect("what an instance believes of the time", "R12", [odd, host, frozen, put, stopped], [], mutants)


def _ahead() -> Aspect:
    """R12: a row whose call is signed for a time that is still to come, by a little or by an hour."""
    near, far, odd = Ahead(NEAR_S), Ahead(3600), Ahead(NEAR_S - 10, odd=1)
    mutants = [
        Mutant("far_ahead_freezes", ahead.WAITS, far),
        Mutant("two_dates_have_to_say_so", ahead.NEEDLESS, odd),
    ]
    return Aspect("a row whose time lies ahead", "R12", [near, far, odd], [Ahead(2 * NEAR_S, odd=1)], mutants)
