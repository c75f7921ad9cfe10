"""Each region has one address."""

import re

import pytest

from handler.chat.client import HOSTS, base_url
from handler.core.errors import SettingsError


def test_a_region_has_one_host_that_is_called_over_tls() -> None:
    assert base_url("singapore") == "https://adminapisgp.im.qcloud.com"
    assert len(set(HOSTS.values())) == len(HOSTS)


def test_no_second_host_is_known() -> None:
    """The vendor's backup hosts end alike, and a request may not go to two hosts."""
    assert [host for host in HOSTS.values() if "my-imcloud" in host] == []


@pytest.mark.parametrize("region", ["", "China", "mumbai", "https://console.tim.qq.com"])
def test_another_region_is_refused_by_name(region: str) -> None:
    choices = "china, singapore, seoul, tokyo, frankfurt, silicon-valley, jakarta, riyadh"
    with pytest.raises(SettingsError, match=re.escape(f"CHAT_REGION: must be one of {choices}")):
        base_url(region)
