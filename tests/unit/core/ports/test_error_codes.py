"""What each of the vendor's codes proves, written down a second time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.ports.counter_api import Fault
from handler.core.ports.error_codes import UNLISTED, VERDICTS, Effect, meaning_of

REJECTED = {10004: 400, 10007: 403, 10010: 404, 10011: 400, 10015: 404, 10016: 403, 10063: 409}
REJECTED |= {60003: 400, 80001: 400, 80002: 400, 80004: 400}
APP = [
    *(10003, 10005, 10012, 10026, 10059),
    *(60002, 60006, 60009, 60010, 60012, 60015, 60016, 60017, 60020, 60021, 60025, 60026, 60027, 60028),
    *(70114, 70206, 70398, 70399, 70402, 70404, 71000, 72000, 72001, 72002, 72010, 72011, 72012, 80003, 80005),
]
CREDENTIALS = [70002, 70003, 70005, 70009, 70013, 70014, 70016, 70020, 70050, 70051, 70107, 70403]
SIGNATURE = [10008, 60004, 60005, 70001, 70052, 70346, 70347]
RATE = [10006, 60007, 60011, 60018, 60019]
UNKNOWN = [10002, 10018, 60008, 60013, 60014, 70169, 70202, 70500]
UNLISTED_CODES = [-1, 1, 10001, 10009, 10064, 20004, 60001, 60029, 70402000, 80006, 99999]


MEANINGS = [
    *((code, Effect.NOT_LANDED, Fault.OPERATION, status) for code, status in REJECTED.items()),
    # No operation is to blame for a plan, an address or a region.
    *((code, Effect.NOT_LANDED, Fault.APP, 503) for code in APP),
    # The key may have been rotated since it was cached.
    *((code, Effect.NOT_LANDED, Fault.CREDENTIALS, 503) for code in CREDENTIALS),
    # The next attempt has a new signature.
    *((code, Effect.NOT_LANDED, Fault.SIGNATURE, 202) for code in SIGNATURE),
    *((code, Effect.NOT_LANDED, Fault.RATE, 202) for code in RATE),
    # The request may have been carried out, so only the receipt tells.
    *((code, Effect.UNKNOWN, None, 202) for code in UNKNOWN + UNLISTED_CODES),
    (0, Effect.LANDED, None, 200),
]


@pytest.mark.parametrize(("code", "effect", "fault", "status"), MEANINGS)
def test_a_code_proves_what_it_proves(code: int, effect: Effect, fault: Fault | None, status: int) -> None:
    meaning = meaning_of(code)
    assert (meaning.effect, meaning.fault, meaning.status) == (effect, fault, status)


def test_no_listed_code_is_missing_from_this_test() -> None:
    """The tables here and there hold the same codes, each once."""
    expected = [0, *REJECTED, *APP, *CREDENTIALS, *SIGNATURE, *RATE, *UNKNOWN]
    assert sorted(expected) == sorted(VERDICTS)


def test_every_code_has_a_meaning_of_its_own_words() -> None:
    assert [code for code, verdict in VERDICTS.items() if not verdict.meaning] == []


@given(st.integers())
def test_every_number_has_a_verdict(code: int) -> None:
    """A code that nobody has seen yet is unknown, never an error; only a refusal is anybody's fault."""
    verdict = meaning_of(code)
    assert verdict == VERDICTS.get(code, UNLISTED)
    assert (verdict.fault is not None) == (verdict.effect is Effect.NOT_LANDED)
