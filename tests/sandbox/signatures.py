"""UserSig as the API sees it: taken apart, checked against the app's keys, and made for callers beside the function.

Format and order of checks follow tencentyun/tls-sig-api-v2-golang (`VerifyUserSig`) and the vendor's PyPI package
tls-sig-api-v2 1.1.
"""

import base64
import hashlib
import hmac
import json
import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tests.sandbox.codes import RefusalError

_LARGEST_BYTES = 16_384
"""A signature that unpacks to more than this is refused; a real one takes about 300 bytes."""

_TO_STANDARD = str.maketrans("*-_", "+/=")
_FROM_STANDARD = str.maketrans("+/=", "*-_")


@dataclass(frozen=True, slots=True)
class Signature:
    """What a UserSig says. `time` is in seconds since 1970, `expire` a length in seconds; `userbuf` stays base64."""

    identifier: str
    sdkappid: int
    time: int
    expire: int
    userbuf: str | None = None
    digest: str = field(default="", repr=False)

    def expired(self, now: float) -> bool:
        """Whether it has run out. The API counts whole seconds: it is good all through the second `time + expire`."""
        return math.floor(now) > self.time + self.expire

    def digest_by(self, key: str) -> str:
        """The digest that this content has under `key`, which is used as text and not decoded from hex."""
        content = f"TLS.identifier:{self.identifier}\nTLS.sdkappid:{self.sdkappid}\n"
        content += f"TLS.time:{self.time}\nTLS.expire:{self.expire}\n"
        if self.userbuf is not None:
            content += f"TLS.userbuf:{self.userbuf}\n"
        return base64.b64encode(hmac.digest(key.encode(), content.encode(), hashlib.sha256)).decode()


def check(signature: Signature, *, sdkappid: int, identifier: str, keys: Iterable[str], now: float) -> None:
    """Raise `RefusalError` unless the signature is of this app and user, was made with one of the keys and is alive."""
    if signature.sdkappid != sdkappid:
        raise RefusalError(70014)
    if signature.identifier != identifier:
        raise RefusalError(70013)
    digests = [signature.digest_by(key) for key in keys]
    if not digests:
        raise RefusalError(70016)
    if not any(hmac.compare_digest(signature.digest.encode(), digest.encode()) for digest in digests):
        raise RefusalError(70009)
    if signature.expired(now):
        raise RefusalError(70001)


def decode(usersig: str) -> Signature:
    """Take a UserSig apart. An empty one is refused with 70002, one that cannot be read with 70003."""
    if not usersig:
        raise RefusalError(70002)
    try:
        fields: object = json.loads(_unpacked(usersig))
    except (ValueError, RecursionError, zlib.error):
        raise RefusalError(70003) from None
    if not isinstance(fields, dict) or fields.get("TLS.ver") != "2.0":
        raise RefusalError(70003)
    return Signature(
        identifier=_text(fields.get("TLS.identifier")),
        sdkappid=_number(fields.get("TLS.sdkappid")),
        time=_number(fields.get("TLS.time")),
        expire=_number(fields.get("TLS.expire")),
        userbuf=_text(fields["TLS.userbuf"]) if "TLS.userbuf" in fields else None,
        digest=_text(fields.get("TLS.sig")),
    )


def sign(signature: Signature, key: str) -> str:
    """The UserSig string with the content of `signature`, whatever digest that carries, made with `key`."""
    signed = replace(signature, digest=signature.digest_by(key))
    fields: dict[str, str | int] = {
        "TLS.ver": "2.0",
        "TLS.identifier": signed.identifier,
        "TLS.sdkappid": signed.sdkappid,
        "TLS.expire": signed.expire,
        "TLS.time": signed.time,
    }
    if signed.userbuf is not None:
        fields["TLS.userbuf"] = signed.userbuf
    fields["TLS.sig"] = signed.digest
    return base64.b64encode(zlib.compress(json.dumps(fields).encode())).decode().translate(_FROM_STANDARD)


def _unpacked(usersig: str) -> bytes:
    if any(character in usersig for character in "+/="):
        raise ValueError("standard base64 is not the vendor's alphabet")
    packed = base64.b64decode(usersig.translate(_TO_STANDARD), validate=True)
    unpacking = zlib.decompressobj()
    unpacked = unpacking.decompress(packed, _LARGEST_BYTES)
    if not unpacking.eof or unpacking.unused_data:
        raise ValueError("cut short, too large, or followed by something else")
    return unpacked


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise RefusalError(70003)
    return value


def _number(value: object) -> int:
    if type(value) is not int:
        raise RefusalError(70003)
    return value
