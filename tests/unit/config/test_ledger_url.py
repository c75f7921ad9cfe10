"""LEDGER_URL names a file, a server or a table, and no error shows any of it."""

import pytest

from handler.config import ledger_url
from handler.config.ledger_url import DynamoDbUrl, LedgerUrl, RedisUrl, SqliteUrl
from handler.core.errors import SettingsError


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
    assert ledger_url.read(url) == SqliteUrl(path, synchronous)  # type: ignore[arg-type]  # a table of texts


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("redis://cache", RedisUrl("redis://cache")),
        ("redis://cache:6380/3", RedisUrl("redis://cache:6380/3")),
        ("rediss://user:p%40ss@cache.example:6380", RedisUrl("rediss://user:p%40ss@cache.example:6380")),
        ("redis://:secret@[::1]:6379?wait=1", RedisUrl("redis://:secret@[::1]:6379", wait=1)),
        ("redis://cache/0?cluster=true&wait=2", RedisUrl("redis://cache/0", wait=2, cluster=True)),
        ("rediss://cache?authorities=/etc/ca.pem", RedisUrl("rediss://cache", authorities="/etc/ca.pem")),
    ],
)
def test_a_redis_server_is_named_as_its_client_wants_it(url: str, read: RedisUrl) -> None:
    """What is for the ledger is taken out of the URL."""
    assert ledger_url.read(url) == read


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("dynamodb://counters", DynamoDbUrl("counters")),
        ("dynamodb://c_o.u-n?region=eu-west-1", DynamoDbUrl("c_o.u-n", region="eu-west-1")),
        (
            "dynamodb://counters?endpoint=http://127.0.0.1:8000&create=true",
            DynamoDbUrl("counters", endpoint="http://127.0.0.1:8000", create=True),
        ),
        ("dynamodb://counters?endpoint=https%3A%2F%2Fhost", DynamoDbUrl("counters", endpoint="https://host")),
        ("dynamodb://counters?create=false", DynamoDbUrl("counters")),
    ],
)
def test_a_table_is_named_with_where_it_is(url: str, read: LedgerUrl) -> None:
    """Region and endpoint are the platform's unless they are given."""
    assert ledger_url.read(url) == read


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(ledger_url.read("redis://user:hunter2@cache"))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        *(("", "must be dynamodb://"), ("ledger.db", "must be dynamodb://"), ("sqlite:a", "must be dynamodb://")),
        *(("SQLITE:///hunter2", "must be dynamodb://"), ("hunter2://h", "must be dynamodb://")),
        *(("dynamodb://hu", "3 to 255"), ("dynamodb://hunter2/x", "3 to 255"), ("dynamodb://hunter2#x", "3 to 255")),
        *(("dynamodb://hunter2?region=", "region must be"), ("dynamodb://abc?region=hunter2/", "region must be")),
        *(("dynamodb://abc?endpoint=ftp://hunter2", "endpoint must"), ("dynamodb://abc?endpoint=", "endpoint must")),
        ("dynamodb://abc?endpoint=http://u:hunter2@h", "endpoint must"),
        ("dynamodb://abc?endpoint=http://hunter2;h%252f", "endpoint must"),
        *(("dynamodb://abc?create=hunter2", "true or false"), ("dynamodb://abc?make=hunter2", "each once")),
        *(("redis://", "must be redis://"), ("redis://u:hunter2@", "must be redis://")),
        *(("redis://h/hunter2", "must be redis://"), ("redis://h:hunter2", "address"), ("redis://h:0", "address")),
        *(("redis://u:hunter2@h/0#x", "must be redis://"), ("redis://hunter2 h", "address")),
        *(("redis://h?wait=hunter2", "number of replicas"), ("redis://h?wait=10", "number of replicas")),
        *(("redis://h?wait=1&wait=1", "each once"), ("redis://h?hunter2=1", "each once")),
        *(("redis://h?authorities=/hunter2", "rediss"), ("rediss://h?authorities=", "name a file")),
        *(("sqlite://hunter2/a", "with three slashes"), ("sqlite://", "with three slashes")),
        *(("sqlite:///hunter2#a", "with three slashes"), ("sqlite:///", "must name a file")),
        *(("sqlite:////hunter2/", "must name a file"), ("sqlite:///hunter2%00", "must name a file")),
        ("sqlite:///:memory:", "must name a file, because nothing in memory outlasts the instance"),
        *(("sqlite:///a?mode=hunter2", "each once"), ("sqlite:///a?hunter2", "each once")),
        ("sqlite:///a?synchronous=normal&synchronous=normal", "each once"),
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


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("sqlite:////var/ledger.db?synchronous=normal", "sqlite:////var/ledger.db"),
        ("dynamodb://counters", "dynamodb://counters"),
        ("dynamodb://counters?region=eu-west-1&create=true", "dynamodb://counters in eu-west-1"),
        ("rediss://user:p%40ss@cache.example:6380/3?wait=1", "rediss://cache.example:6380/3"),
        ("redis://:secret@[::1]:6379", "redis://[::1]:6379"),
    ],
)
def test_an_operator_sees_where_the_ledger_is_and_no_password(url: str, place: str) -> None:
    assert ledger_url.shown(ledger_url.read(url)) == place
