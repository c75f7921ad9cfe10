"""UserSig: the vendor's proof of who calls, from when on and for how long (TLSSigAPIv2)."""

from __future__ import annotations

import hmac
import json
import zlib
from base64 import b64encode


def sign(sdkappid: int, identifier: str, key: str, time: int, life: int) -> str:
    """A UserSig that is good from `time`, in seconds since 1970, until `life` seconds later, that second included.

    The format is that of the vendor's packages tls-sig-api-v2 1.1 (PyPI) and tencentyun/tls-sig-api-v2-golang. The key
    is used as text, although it looks like hexadecimal. The string is not canonical: another zlib, or another order of
    the fields, gives another one that is just as good.
    """
    content = f"TLS.identifier:{identifier}\nTLS.sdkappid:{sdkappid}\nTLS.time:{time}\nTLS.expire:{life}\n"
    ticket = {
        "TLS.ver": "2.0",
        "TLS.identifier": identifier,
        "TLS.sdkappid": sdkappid,
        "TLS.expire": life,
        "TLS.time": time,
        "TLS.sig": b64encode(hmac.digest(key.encode(), content.encode(), "sha256")).decode(),
    }
    return _in_vendors_alphabet(zlib.compress(json.dumps(ticket).encode()))


def _in_vendors_alphabet(packed: bytes) -> str:
    """Base64 with `*` for `+`, `-` for `/` and `_` for `=`, which is not the URL-safe alphabet of RFC 4648."""
    return b64encode(packed, altchars=b"*-").decode().replace("=", "_")
