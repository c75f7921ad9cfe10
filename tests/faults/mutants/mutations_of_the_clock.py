"""The rules of what is believed of the API's clock, and judged by it (R4 b, R9, R10, R12), each switched off."""

from tests.faults.auditor.orders import MORE
from tests.faults.mutants.mutant import Mutant, one
from tests.faults.simulator import draws as h
from tests.faults.simulator.plan import ADOPTED, KNOWN, Theme

_SEE = "core.protocol.conclude:see"
_CERTAIN = "asked_after = certain(heard, reply.date, visit.calls.took_s)"
_BORNE_OUT = "core.runtime.api_clock:ApiClock._is_borne_out"
_BEARS_OUT = "core.runtime.api_clock:_Odd.bears_out"
_SET_BACK = Theme((h.steps_back, h.late, h.crash), (MORE,))
_SET_BACK_LATER = Theme((h.steps_back, h.late, h.late, h.crash), (MORE, MORE), later=True)
_ODD = Theme((h.odd_date, h.late, h.crash), (MORE,))
_ODD_TWICE = Theme((h.odd_date, h.odd_date, h.late, h.crash), (MORE,), start=KNOWN)

CLOCK: tuple[Mutant, ...] = (
    one("the API's clock judges", "R4", _SEE, (_CERTAIN, "asked_after = visit.instance.api_clock.now()"), _SET_BACK),
    one(
        "the largest Date ever heard judges",
        "R4",
        _SEE,
        (_CERTAIN, "asked_after = visit.instance.api_clock.since(())"),
        _SET_BACK_LATER,
    ),
    one("one Date judges: no own one", "R4", _SEE, (_CERTAIN, "asked_after = heard"), _ODD_TWICE),
    one("one Date judges: the own one", "R4", _SEE, (_CERTAIN, "asked_after = reply.date"), _ODD_TWICE),
    Mutant(
        "a Date from before the attempt was met",
        "R4",
        "core.runtime.api_clock:Heard.since",
        (("if moment > last_met", ""),),
        _SET_BACK,
        second_line="the read's own Date has to say the same",
    ),
    one("one odd Date believed", "R12", _BORNE_OUT, ("abs(heard.date - self._now()) <= near_s", "True"), _ODD),
    Mutant(
        "a clock that stands still believed",
        "R12",
        _BEARS_OUT,
        ((" and abs(later.date - self.date - passed_s) <= WHOLE_S", ""),),
        Theme((h.no_date, h.lost)),
        second_line="a clock that is behind only makes signatures end early",
    ),
    Mutant(
        "two Dates over one connection believed",
        "R12",
        _BEARS_OUT,
        ((" and self.connection != later.connection", ""),),
        _ODD,
        second_line="a host whose clock is wrong all the time is outside of what is assumed",
    ),
    Mutant(
        "evidence outlives a thaw",
        "R12",
        "core.runtime.api_clock:ApiClock._forget_what_a_thaw_has_ended",
        (("abs(drift_s) > DRIFT_MAX_S", "False"),),
        Theme((h.freeze, h.lost)),
        second_line="a clock that is behind only makes signatures end early",
    ),
    one(
        "opened before the time is asked for",
        "R12",
        "core.protocol.drive:_held_up",
        ("return ask_the_time(visit)", "return None"),
        Theme((h.far_off, h.lost)),
    ),
    Mutant(
        "a first sight stamped by one Date",
        "R12",
        "core.protocol.first_use:_note_first_seen",
        (("not visit.instance.api_clock.is_borne_out", "False"),),
        Theme((h.stray, h.odd_date), start=ADOPTED),
    ),
    Mutant(
        "waited for the guard once",
        "R9",
        "core.state.receipts:past_s",
        ((" + guard_s", ""),),
        Theme((h.stray, h.restored)),
        second_line="here all hosts of the API have the same clock",
    ),
)
