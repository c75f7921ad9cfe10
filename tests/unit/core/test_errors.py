"""The error tree: what each error promises about the ledger, and what its text shows."""

from handler.core.errors import (
    AnswerLost,
    AppRefused,
    BadInput,
    LedgerUnavailable,
    NotAccepted,
    OutcomeUnknown,
    SecretUnavailable,
    SettingsError,
    TooManyCalls,
    Unauthorized,
)


def test_only_what_certainly_accepted_nothing_says_so() -> None:
    """A lost answer of the ledger above all is never taken for a refusal; what was refused may be repeated."""
    errors_of_refusal = [TooManyCalls("full", 2.0), LedgerUnavailable("busy"), SecretUnavailable("busy")]
    assert issubclass(AppRefused, NotAccepted)
    assert all(isinstance(error, NotAccepted) for error in errors_of_refusal)
    assert [error.retry_after_s for error in errors_of_refusal] == [2.0, 1.0, 1.0]
    assert issubclass(AnswerLost, OutcomeUnknown)
    assert not any(issubclass(error, NotAccepted) for error in (OutcomeUnknown, BadInput, Unauthorized, SettingsError))


def test_a_refused_app_keeps_the_vendors_fields_apart() -> None:
    """The code is in the text, the vendor's own words are not."""
    raised = AppRefused(60020, "arrears of somebody", 4.0)
    assert (raised.code, raised.info, raised.retry_after_s) == (60020, "arrears of somebody", 4.0)
    assert "60020" in str(raised)
    assert "somebody" not in str(raised)
