"""The data centres of Tencent Chat and the one host of each that is called.

Each region also has a second host for the case that a carrier hijacks DNS. It is never called: a request that may have
reached the first host could count again at the second one (R3).
"""

from __future__ import annotations

from collections.abc import Mapping

from handler.core.errors import SettingsError

# Hosts as on tencentcloud.com/document/product/1047/34620, Tokyo as on cloud.tencent.com/document/product/269/85952
# and Riyadh as on trtc.io/ko/document/53427. Mumbai stood on pages of early 2024 and has been gone since July 2024.
HOSTS: Mapping[str, str] = {
    "china": "console.tim.qq.com",
    "singapore": "adminapisgp.im.qcloud.com",
    "seoul": "adminapikr.im.qcloud.com",
    "tokyo": "adminapijpn.im.qcloud.com",
    "frankfurt": "adminapiger.im.qcloud.com",
    "silicon-valley": "adminapiusa.im.qcloud.com",
    "jakarta": "adminapiidn.im.qcloud.com",
    "riyadh": "adminapiksa.im.qcloud.com",
}


def base_url(region: str) -> str:
    """The address of a region's API; raises SettingsError for a region that is none of the eight."""
    if region not in HOSTS:
        raise SettingsError("CHAT_REGION", f"must be one of {', '.join(HOSTS)}")
    return f"https://{HOSTS[region]}"
