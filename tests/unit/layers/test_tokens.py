"""A new token is one that scanners recognise and the function takes, with the digest that may stand for it."""

import hashlib
import re
from pathlib import Path

import pytest

from handler.vault.secret import TOKEN_CHARACTERS
from layers import tokens

README = Path("layers/README.md").read_text("utf-8")


def test_a_new_token_is_printed_with_its_digest(capsys: pytest.CaptureFixture[str]) -> None:
    """In the form that the runbook gives scanners, and never the same twice."""
    [pattern] = re.findall(r"`(\\bugc_[^`]*)`", README)
    made = set()
    for _ in range(2):
        tokens.main([])
        (_, token), (_, digest) = (line.split() for line in capsys.readouterr().out.splitlines())
        assert re.fullmatch(pattern, token)
        assert digest == hashlib.sha256(token.encode()).hexdigest()
        assert len(token) >= TOKEN_CHARACTERS
        assert token.endswith(tokens.checksum(token[4:34]))
        made.add(token)
    assert len(made) == 2


@pytest.mark.parametrize(("random", "expected"), [("0" * 30, "2C8GjS"), ("abcdefghijklmnopqrstuvwxyz0123", "2LolCm")])
def test_the_checksum_is_crc_32_in_base_62(random: str, expected: str) -> None:
    assert tokens.checksum(random) == expected
