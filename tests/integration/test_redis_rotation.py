"""The ledger's password rotates behind a reference: warm instances go on, none has to die for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.contract.redis_server import started
from tests.integration.counting import order, over_http
from tests.sandbox.cold_function import cold_function
from tests.sandbox.environment import sandboxed_environment
from tests.sandbox.redis_servers import RedisServer

NOBODY = "http://127.0.0.1:9"
"""An endpoint where nobody listens: nothing here needs the API."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server with one user for the function."""
    with started(tmp_path) as running:
        let_in(running, "old")
        yield running


@pytest.fixture
def reference(server: RedisServer, tmp_path: Path) -> Iterator[Path]:
    """Where the ledger's address is read, for a function that is warm."""
    path = tmp_path / "ledger-url"
    path.write_text(url(server, "old"))
    with cold_function(sandboxed_environment(NOBODY, tmp_path, LEDGER_URL=f"file:{path}")):
        assert accept("warm") == 202
        yield path


def admin(server: RedisServer) -> Redis:
    return Redis(port=server.port)


def url(server: RedisServer, password: str) -> str:
    return f"redis://function:{password}@127.0.0.1:{server.port}/0"


def accept(key: str) -> int:
    """The status of an operation that is accepted without a call."""
    return over_http(order("room", 5), key, wait="respond-async")[0]


def let_in(server: RedisServer, password: str) -> None:
    """Give the function's user this password, and no other."""
    admin(server).acl_setuser(
        "function",
        enabled=True,
        reset_passwords=True,
        passwords=f"+{password}",
        keys=["*"],
        channels=["*"],
        commands=["+@all"],
    )


def rotate(server: RedisServer) -> None:
    """Give the user another password, and end the connections that were let in by the old one."""
    let_in(server, "new")
    admin(server).client_kill_filter(skipme=True, user="function")


def test_the_new_password_is_used_at_the_first_refusal(server: RedisServer, reference: Path) -> None:
    rotate(server)
    reference.write_text(url(server, "new"))
    assert [accept("a"), accept("b")] == [202, 202]


def test_until_there_is_a_new_password_the_ledger_is_away(server: RedisServer, reference: Path) -> None:
    rotate(server)
    assert [accept("a"), accept("b")] == [503, 503]


def test_a_server_at_another_address_begins_with_the_next_request(
    server: RedisServer, reference: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    with started(folder) as other:
        let_in(other, "new")
        rotate(server)
        reference.write_text(url(other, "new"))
        assert [accept("a"), accept("b")] == [503, 202]
