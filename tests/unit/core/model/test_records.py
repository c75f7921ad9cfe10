"""Every record is either kept by the ledger or known to nobody but its maker."""

from __future__ import annotations

from handler.core.model.outcome import UNRECORDED_S, Applied, Record, kept, unkept


def test_a_record_without_a_window_is_not_kept() -> None:
    long, none = (Record("v1:x", Applied(()), 0.0, window_s) for window_s in (1.0, UNRECORDED_S))
    records = {"long": long, "none": none}
    assert (kept(records), unkept(records)) == ({"long": long}, {"none": none})
