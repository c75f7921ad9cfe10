"""Signatures and secrets do not get into texts that are shown."""

import io
import logging
from collections.abc import Iterator

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from handler.redaction import INFO_CHARACTERS, URL_LOGGERS, UserSigFilter, guard_logs, presentable
from tests.integration.vaults import everything_logged

SECRETS = ["eJyr*w-Vg_", "key-of-the-app", "token-of-a-caller"]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    with everything_logged() as written:
        yield written


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_a_foreign_text_is_blanked(secret: str) -> None:
    assert presentable(f"got {secret} from you", SECRETS) == "got [redacted] from you"


def test_a_signature_is_blanked_in_the_form_that_it_has_in_a_url() -> None:
    """The vendor's alphabet has a star, which a query string escapes."""
    assert presentable("bad eJyr%2Aw-Vg_ here", SECRETS) == "bad [redacted] here"


def test_the_rest_of_a_cut_signature_is_blanked_where_a_url_shows_it() -> None:
    """A server that echoes the beginning of the query string may have cut the value."""
    assert presentable("GET /v4?usersig=eJyrAb%2A&random=1 failed", []) == "GET /v4?usersig=[redacted]&random=1 failed"


def test_a_secret_that_contains_another_is_blanked_whole() -> None:
    """The longer one goes first, or its rest would remain."""
    assert presentable("abcdef", ["abc", "abcdef"]) == "[redacted]"


@given(st.text(), st.text())
def test_a_text_becomes_short_and_encodable_and_shows_no_secret(before: str, after: str) -> None:
    """Whatever stands around the secret, and however long it is."""
    shown = presentable(f"{before}secret-key{after}", ["secret-key"])
    assert "secret-key" not in shown
    assert len(shown) <= INFO_CHARACTERS


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    """JSON can spell it, and no store and no reply could encode it."""
    assert presentable("a\ud800b", []) == "a?b"


@pytest.mark.parametrize("name", URL_LOGGERS)
def test_a_logged_url_shows_no_query_string(name: str, log: io.StringIO) -> None:
    """Neither the signature nor what it is for; the arguments of a message are cleaned as well as its text."""
    guard_logs()
    logging.getLogger(name).debug('"%s %s" %s', "POST", "/v4/x?usersig=eJyrAb%2A&random=1", 200)
    assert log.getvalue() == '"POST /v4/x?[redacted]" 200\n'


def test_a_logged_traceback_is_dropped(log: io.StringIO) -> None:
    """The texts of the library's errors show the URL."""
    guard_logs()
    error = ValueError("/v4/x?usersig=eJyrAb%2A")
    logging.getLogger("urllib3.connection").warning("Failed", exc_info=error)
    assert log.getvalue() == "Failed\n"


def test_every_logger_of_the_library_that_is_in_use_is_guarded() -> None:
    """A logger that a newer version adds has to be added here, too."""
    guard_logs()
    names = [name for name in logging.root.manager.loggerDict if name.startswith(f"{urllib3.__name__}.")]
    loggers = [logging.getLogger(name) for name in names]
    direct = [each for each in loggers if each.name in URL_LOGGERS]
    assert {each.name for each in direct} == set(URL_LOGGERS)
    assert [each.name for each in loggers if each not in direct and not _is_parent(each.name)] == []


def test_the_filter_is_put_on_once() -> None:
    guard_logs()
    guard_logs()
    filters = logging.getLogger("urllib3.connectionpool").filters
    assert len([each for each in filters if isinstance(each, UserSigFilter)]) == 1


def _is_parent(name: str) -> bool:
    """Whether the name is only a step towards a logger, as `urllib3.util` is."""
    return any(each.startswith(f"{name}.") for each in URL_LOGGERS)
