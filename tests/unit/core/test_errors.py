"""The error tree: what each error promises about the ledger, and what its text shows."""

from __future__ import annotations

import pytest

from handler.core import errors
from handler.core.errors import (
    AnswerLost,
    AppRefused,
    BadInput,
    BodyTooLarge,
    CounterError,
    LedgerUnavailable,
    NotAccepted,
    OutcomeUnknown,
    SecretUnavailable,
    SettingsError,
    TooManyCalls,
    Unauthorized,
    UnknownEvent,
)


def test_every_error_is_of_one_tree() -> None:
    """Whoever runs an invocation catches the root and has them all."""
    found = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)}
    assert all(issubclass(error, CounterError) for error in found)
    assert all(f"{error.__name__} " in f"{errors.__doc__}".replace("\n", " ") for error in found)


@pytest.mark.parametrize("error", [TooManyCalls, LedgerUnavailable, SecretUnavailable, AppRefused])
def test_what_certainly_accepted_nothing_says_so(error: type[CounterError]) -> None:
    assert issubclass(error, NotAccepted)


@pytest.mark.parametrize("error", [OutcomeUnknown, AnswerLost, BadInput, Unauthorized, SettingsError])
def test_what_may_have_been_accepted_never_says_otherwise(error: type[CounterError]) -> None:
    """A lost answer of the ledger above all is never taken for a refusal."""
    assert not issubclass(error, NotAccepted)


def test_a_lost_answer_is_an_unknown_outcome() -> None:
    assert issubclass(AnswerLost, OutcomeUnknown)


@pytest.mark.parametrize("error", [BadInput, BodyTooLarge, UnknownEvent])
def test_bad_input_names_field_and_problem(error: type[BadInput]) -> None:
    raised = error("GroupId", "is missing")
    assert (raised.field, raised.problem, str(raised)) == ("GroupId", "is missing", "GroupId: is missing")


def test_wrong_settings_name_the_variable() -> None:
    raised = SettingsError("WAIT_S", "is no number")
    assert (raised.variable, raised.problem, str(raised)) == ("WAIT_S", "is no number", "WAIT_S: is no number")


def test_what_was_not_accepted_says_when_to_come_back() -> None:
    assert NotAccepted("full").retry_after_s == 1.0
    assert (TooManyCalls("full", 2.0).retry_after_s, TooManyCalls("full", 2.0).problem) == (2.0, "full")


def test_a_refused_app_keeps_the_vendors_fields_apart() -> None:
    """The code is in the text, the vendor's own words are not."""
    raised = AppRefused(60020, "arrears of somebody", 4.0)
    assert (raised.code, raised.info, raised.retry_after_s) == (60020, "arrears of somebody", 4.0)
    assert "60020" in str(raised)
    assert "somebody" not in str(raised)


def test_a_caller_that_is_not_known_is_told_which_scheme_to_use() -> None:
    assert (str(Unauthorized("no token")), Unauthorized("no token").challenge) == ("no token", "Bearer")
    assert Unauthorized("no signature", "Signature").challenge == "Signature"


def test_what_was_not_accepted_may_be_repeated_in_a_second() -> None:
    assert (LedgerUnavailable("busy").problem, LedgerUnavailable("busy").retry_after_s) == ("busy", 1.0)
    assert TooManyCalls("full", 2.0).retry_after_s == 2.0
