"""UserSig: the vendor's proof of who calls, from when on and for how long (TLSSigAPIv2)."""

from __future__ import annotations

import hmac
import json
import zlib
from base64 import b64encode
from functools import lru_cache
from typing import NamedTuple


class Validity(NamedTuple):
    """From when on a signature is good, in seconds since 1970, and for how long, the last second included."""

    signed_at: int
    life_s: int


@lru_cache(maxsize=8)
def sign(sdkappid: int, identifier: str, key: str, validity: Validity) -> str:
    """A UserSig that is good for that time.

    The format is that of the vendor's packages tls-sig-api-v2 1.1 (PyPI) and tencentyun/tls-sig-api-v2-golang. The key
    is used as text, although it looks like hexadecimal. The string is not canonical: another zlib, or another order of
    the fields, gives another one that is just as good. Calls of the same second share one.
    """
    signed_at, life_s = validity
    content = f"TLS.identifier:{identifier}\nTLS.sdkappid:{sdkappid}\nTLS.time:{signed_at}\nTLS.expire:{life_s}\n"
    ticket = {
        "TLS.ver": "2.0",
        "TLS.identifier": identifier,
        "TLS.sdkappid": sdkappid,
        "TLS.expire": life_s,
        "TLS.time": signed_at,
        "TLS.sig": b64encode(hmac.digest(key.encode(), content.encode(), "sha256")).decode(),
    }
    return _in_vendors_alphabet(zlib.compress(json.dumps(ticket).encode()))


def _in_vendors_alphabet(packed: bytes) -> str:
    """Base64 with `*` for `+`, `-` for `/` and `_` for `=`, which is not the URL-safe alphabet of RFC 4648."""
    return b64encode(packed, altchars=b"*-").decode().replace("=", "_")
