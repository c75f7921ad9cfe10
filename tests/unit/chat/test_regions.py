"""Each region has one address."""

from handler.chat.client import HOSTS, base_url
from handler.config.values import REGIONS


def test_a_region_has_one_host_that_is_called_over_tls() -> None:
    assert base_url("singapore") == "https://adminapisgp.im.qcloud.com"
    assert len(set(HOSTS.values())) == len(HOSTS)
    assert tuple(HOSTS) == REGIONS


def test_no_second_host_is_known() -> None:
    """The vendor's backup hosts end alike, and a request may not go to two hosts."""
    assert [host for host in HOSTS.values() if "my-imcloud" in host] == []
