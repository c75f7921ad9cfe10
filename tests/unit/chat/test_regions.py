"""Each region has one address."""

import re

import pytest

from handler.chat.client import HOSTS, base_url
from handler.core.errors import SettingsError


@pytest.mark.parametrize(
    ("region", "address"),
    [
        ("china", "https://console.tim.qq.com"),
        ("singapore", "https://adminapisgp.im.qcloud.com"),
        ("seoul", "https://adminapikr.im.qcloud.com"),
        ("tokyo", "https://adminapijpn.im.qcloud.com"),
        ("frankfurt", "https://adminapiger.im.qcloud.com"),
        ("silicon-valley", "https://adminapiusa.im.qcloud.com"),
        ("jakarta", "https://adminapiidn.im.qcloud.com"),
        ("riyadh", "https://adminapiksa.im.qcloud.com"),
    ],
)
def test_a_region_has_its_vendors_host(region: str, address: str) -> None:
    """Calls go to the region's main host, over TLS."""
    assert base_url(region) == address


def test_there_are_eight_regions() -> None:
    """The six of the vendor's first page, Tokyo and Riyadh."""
    assert len(HOSTS) == len(set(HOSTS.values())) == 8


def test_no_second_host_is_known() -> None:
    """The vendor's backup hosts end alike, and a request may not go to two hosts."""
    assert [host for host in HOSTS.values() if "my-imcloud" in host] == []


@pytest.mark.parametrize("region", ["", "China", "mumbai", "https://console.tim.qq.com"])
def test_another_region_is_refused_by_name(region: str) -> None:
    """The error says which variable is wrong and what it may be."""
    choices = "china, singapore, seoul, tokyo, frankfurt, silicon-valley, jakarta, riyadh"
    with pytest.raises(SettingsError, match=re.escape(f"CHAT_REGION: must be one of {choices}")):
        base_url(region)
