"""Redis behind TLS and a user's password, both named by the URL."""

import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from handler.core.errors import LedgerUnavailable
from tests.contract.redis_server import started
from tests.contract.samples import GROUP
from tests.integration.redis_ledgers import opened, update
from tests.sandbox import certificates
from tests.sandbox.redis_servers import RedisServer

PASSWORD = "p%40ss-hunter2"


@pytest.fixture
def authorities(tmp_path: Path) -> Path:
    """The folder of an authority and of what it has signed."""
    return certificates.make(tmp_path / "certificates")


@pytest.fixture
def server(tmp_path: Path, authorities: Path) -> Iterator[RedisServer]:
    """A server that takes TLS only, and nobody without a password."""
    options = {"requirepass": "of-default", "user": "app on >p@ss-hunter2 ~update-group-counter* ~{update* &* +@all"}
    with started(tmp_path, options=options, tls=authorities) as running:
        yield running


def test_a_server_behind_tls_is_used_as_any_other(server: RedisServer, authorities: Path) -> None:
    """With an authority of one's own and a user who has a password, over one connection after the other."""
    url = server.url.replace("//", f"//app:{PASSWORD}@")
    for name in ("first", "second"):
        with opened(url, authorities=str(authorities / "authority.pem")) as ledger:
            update(ledger, name)
            assert name in ledger.find(GROUP, ["first", "second"])


def test_a_certificate_of_an_unknown_authority_is_refused(server: RedisServer) -> None:
    url = server.url.replace("//", f"//app:{PASSWORD}@")
    with opened(url) as ledger, pytest.raises(LedgerUnavailable, match="SSLCertVerificationError") as refused:
        ledger.load(GROUP)
    assert "hunter2" not in "".join(traceback.format_exception(refused.value))


def test_a_file_of_authorities_that_is_missing_is_told(server: RedisServer, tmp_path: Path) -> None:
    with (
        opened(server.url, authorities=str(tmp_path / "missing.pem")) as ledger,
        pytest.raises(LedgerUnavailable, match="FileNotFoundError"),
    ):
        ledger.load(GROUP)


def test_a_certificate_for_another_name_is_refused(server: RedisServer, authorities: Path) -> None:
    url = server.url.replace("127.0.0.1", "localhost")
    with (
        opened(url, authorities=str(authorities / "authority.pem")) as ledger,
        pytest.raises(LedgerUnavailable, match="SSLCertVerificationError"),
    ):
        ledger.load(GROUP)
