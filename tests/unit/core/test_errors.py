"""The error tree: what each error promises about the ledger, and what its text shows."""

from __future__ import annotations

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


def test_only_what_certainly_accepted_nothing_says_so() -> None:
    """A lost answer of the ledger above all is never taken for a refusal; what was refused may be repeated."""
    errors_of_refusal = [TooManyCalls("full", 2.0), LedgerUnavailable("busy"), SecretUnavailable("busy")]
    assert issubclass(AppRefused, NotAccepted)
    assert all(isinstance(error, NotAccepted) for error in errors_of_refusal)
    assert [error.retry_after_s for error in errors_of_refusal] == [2.0, 1.0, 1.0]
    assert issubclass(AnswerLost, OutcomeUnknown)
    assert not any(issubclass(error, NotAccepted) for error in (OutcomeUnknown, BadInput, Unauthorized, SettingsError))


def test_a_wrong_field_or_variable_is_named_with_its_problem() -> None:
    raised = [error("Mode", "is missing") for error in (BadInput, BodyTooLarge, UnknownEvent, SettingsError)]
    assert {(str(error), error.problem) for error in raised} == {("Mode: is missing", "is missing")}


def test_a_refused_app_keeps_the_vendors_fields_apart() -> None:
    """The code is in the text, the vendor's own words are not."""
    raised = AppRefused(60020, "arrears of somebody", 4.0)
    assert (raised.code, raised.info, raised.retry_after_s) == (60020, "arrears of somebody", 4.0)
    assert "60020" in str(raised)
    assert "somebody" not in str(raised)


def test_a_caller_that_is_not_known_is_told_which_scheme_to_use() -> None:
    assert (str(Unauthorized("no token")), Unauthorized("no token").challenge) == ("no token", "Bearer")
    assert Unauthorized("no signature", "Signature").challenge == "Signature"
