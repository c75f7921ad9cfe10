"""JSON that two readers could take for two things is refused, and errors show nothing of it."""

import pytest

from handler.core.errors import BadInput
from handler.triggers.parsing import check_text, read_json


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not JSON at line 1, column 1"),
        ('{"a": 1,\n "b" 2}', "is not JSON at line 2, column 6"),
        ("\ufeff{}", "is not JSON"),
        ('{"a": 1, "a": 1}', "holds an object with the same name twice"),
        ('[{"b": {"a": 1, "\\u0061": 2}}]', "holds an object with the same name twice"),
        ("[NaN]", "holds NaN or Infinity, which are not JSON"),
        ("-Infinity", "holds NaN or Infinity, which are not JSON"),
        ("[1e999]", "holds a number that is too large"),
        ("[-1e999]", "holds a number that is too large"),
        ("1" * 5000, "holds a number with too many digits"),
        ("[" * 100_000, "is nested too deeply"),
        ('["\\ud83d"]', "holds text that is not Unicode"),
        ('{"\\udc00": 1}', "holds text that is not Unicode"),
    ],
)
def test_what_is_no_strict_json_is_refused_with_the_reason(text: str, problem: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_json(text, "body")
    assert str(refused.value).startswith(f"body: {problem}")


def test_an_error_shows_nothing_of_the_text() -> None:
    """Somebody may have sent a token in the wrong place."""
    with pytest.raises(BadInput) as refused:
        read_json('{"token": sandbox-token}', "body")
    assert "sandbox-token" not in str(refused.value)


@pytest.mark.parametrize("document", [float("nan"), [float("inf")], {"a": b"bytes"}, {"a": {1, 2}}, "\ud800"])
def test_a_decoded_document_may_hold_only_what_json_can_say(document: object) -> None:
    """A platform that decodes the document itself is checked as well."""
    with pytest.raises(BadInput, match="Message: holds"):
        check_text(document, "Message")


def test_a_decoded_document_that_holds_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(BadInput, match="Message: "):
        check_text(endless, "Message")


def test_a_decoded_document_that_is_nested_too_deeply_is_refused() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadInput, match=r"^Message: is nested too deeply$"):
        check_text(deep, "Message")
