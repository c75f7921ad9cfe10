"""The text behind LEDGER_URL is read again where it is refused, and not more often than that is worth."""

from handler.config.ledger_url import RENEW_MIN_S, LedgerReference
from handler.core.errors import SecretUnavailable
from tests.unit.core.samples import HandClock


class Vault:
    """Gives `text`, or fails where there is none; `reads` counts."""

    def __init__(self) -> None:
        self.text: str | None = "redis://:old@host"
        self.reads = 0

    def read(self) -> str:
        self.reads += 1
        if self.text is None:
            raise SecretUnavailable("the secrets manager is away")
        return self.text


def made() -> tuple[LedgerReference, Vault, HandClock, list[Exception]]:
    """A reference, what is behind it, its clock, and what it has told of."""
    vault, clock, told = Vault(), HandClock(), list[Exception]()
    return LedgerReference(vault.read, clock, told.append), vault, clock, told


def test_a_text_that_has_changed_is_told_once() -> None:
    reference, vault, clock, _ = made()
    vault.text = "redis://:new@host"
    assert (reference.renewed(), reference.text) == ("redis://:new@host", "redis://:new@host")
    clock.advance(RENEW_MIN_S)
    assert reference.renewed() is None


def test_it_is_read_again_every_thirty_seconds_at_most() -> None:
    reference, vault, clock, _ = made()
    for _ in range(60):
        reference.renewed()
        clock.advance(1)
    assert (vault.reads, RENEW_MIN_S) == (3, 30)


def test_what_cannot_be_read_is_told_and_changes_nothing() -> None:
    reference, vault, clock, told = made()
    vault.text = None
    assert (reference.renewed(), len(told)) == (None, 1)
    clock.advance(RENEW_MIN_S)
    vault.text = "redis://:new@host"
    assert reference.renewed() == "redis://:new@host"
