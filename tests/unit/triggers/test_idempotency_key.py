"""An idempotency key is the same bare and quoted, and a text that is none is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.errors import BadInput
from handler.triggers.idempotency_key import read_key

VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255)


def quoted(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@given(VISIBLE)
def test_a_quoted_key_is_the_key_between_the_quotes(key: str) -> None:
    assert read_key(quoted(key)) == key


@given(VISIBLE.filter(lambda key: not key.startswith('"')))
def test_a_bare_key_is_itself(key: str) -> None:
    assert read_key(key) == read_key(f" \t{key} ") == key


@pytest.mark.parametrize("written", [None, "", "  ", "\t"])
def test_no_key_is_missing(written: str | None) -> None:
    with pytest.raises(BadInput, match=r"^Idempotency-Key: is missing$"):
        read_key(written)


@pytest.mark.parametrize("written", ['"', '"half', '"a"b"', '"a\\"', '"a\\b"', '"a" ;x=1', '"é"', '"\x7f"'])
def test_a_string_that_is_not_one_is_refused(written: str) -> None:
    """Quotes and backslashes must be those of RFC 8941."""
    with pytest.raises(BadInput, match="is not a quoted string"):
        read_key(written)


@pytest.mark.parametrize("written", ["two words", "a\tb", "é", "a\x00", "\u3000", "k" * 256, '""', '"two words"'])
def test_a_key_with_other_than_1_to_255_visible_characters_is_refused(written: str) -> None:
    with pytest.raises(BadInput, match="must be 1 to 255 visible ASCII characters"):
        read_key(written)


def test_an_error_about_a_key_does_not_show_it() -> None:
    with pytest.raises(BadInput) as refused:
        read_key("two words")
    assert "two" not in str(refused.value).replace("1 to 255", "")
