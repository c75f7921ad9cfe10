"""LEDGER_URL names one SQLite file, and no error shows any of it."""

from __future__ import annotations

import pytest

from handler import ledger_url
from handler.core.errors import SettingsError
from handler.ledger_url import SqliteUrl


@pytest.mark.parametrize(
    ("url", "path", "synchronous"),
    [
        ("sqlite:////var/ledger.db", "/var/ledger.db", "full"),
        ("sqlite:///ledger.db", "ledger.db", "full"),
        ("sqlite:///data/ledger.db?synchronous=normal", "data/ledger.db", "normal"),
        ("sqlite:////a?synchronous=full", "/a", "full"),
        ("sqlite:////with%20space/a%3Fb", "/with space/a?b", "full"),
        ("sqlite:////with space/b", "/with space/b", "full"),
    ],
)
def test_the_path_stands_after_the_third_slash(url: str, path: str, synchronous: str) -> None:
    """A fourth one makes it absolute."""
    assert ledger_url.read(url) == SqliteUrl(path, synchronous)  # type: ignore[arg-type]  # a table of texts


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        *(("", "must be sqlite:///"), ("ledger.db", "must be sqlite:///"), ("sqlite:ledger.db", "must be sqlite:///")),
        *(("dynamodb://hunter2", "must be sqlite:///"), ("redis://u:hunter2@h:1/0", "must be sqlite:///")),
        *(("rediss://hunter2", "must be sqlite:///"), ("SQLITE:///hunter2", "must be sqlite:///")),
        *(("sqlite://hunter2/a", "with three slashes"), ("sqlite://", "with three slashes")),
        *(("sqlite:///hunter2#a", "with three slashes"), ("sqlite:///", "must name a file")),
        *(("sqlite:////hunter2/", "must name a file"), ("sqlite:///hunter2%00", "must name a file")),
        ("sqlite:///:memory:", "must name a file, because nothing in memory outlasts the instance"),
        *(("sqlite:///a?mode=hunter2", "one parameter"), ("sqlite:///a?hunter2", "one parameter")),
        ("sqlite:///a?synchronous=normal&synchronous=normal", "one parameter"),
        *(("sqlite:///a?synchronous=hunter2", "full or normal"), ("sqlite:///a?synchronous=", "full or normal")),
    ],
)
def test_another_url_is_refused_with_what_is_wrong(url: str, problem: str) -> None:
    """It names the variable and shows nothing of the URL, which may hold a password."""
    with pytest.raises(SettingsError) as refused:
        ledger_url.read(url)
    assert str(refused.value).startswith("LEDGER_URL: ")
    assert problem in str(refused.value)
    assert "hunter2" not in str(refused.value)
