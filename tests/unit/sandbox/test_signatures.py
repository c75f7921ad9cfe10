"""The sandbox's reading of UserSig, against signatures that the vendor's own package made."""

import base64
import json
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from TLSSigAPIv2 import TLSSigAPIv2

from tests.sandbox.codes import RefusalError
from tests.sandbox.signatures import Signature, check, decode, sign
from tests.unit.chat.test_usersig import VECTORS, Vector, unpacked

SDKAPPID = 1400000000
ADMIN = "administrator"
KEY = "key-1"
SIGNATURE = Signature(ADMIN, SDKAPPID, 1_700_000_000, 60)


def signature_of(vector: Vector) -> Signature:
    fields = vector["userid"], vector["sdkappid"], vector["time"], vector["expire"], vector["userbuf"]
    return Signature(*fields, vector["tls_sig"])


def refusal(signature: Signature, sdkappid: int, identifier: str, keys: tuple[str, ...], now: float) -> int:
    """The code that an app with these keys refuses a signature with; 0 if it lets it in."""
    try:
        check(signature, sdkappid=sdkappid, identifier=identifier, keys=keys, now=now)
    except RefusalError as error:
        return error.code
    return 0


def unreadable(usersig: str) -> int:
    """The code that a string is refused with which is no signature; 0 if it is one."""
    try:
        decode(usersig)
    except RefusalError as error:
        return error.code
    return 0


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode().translate(str.maketrans("+/=", "*-_"))


def packed(text: str) -> str:
    return in_base64(zlib.compress(text.encode()))


each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])


@each_vector
def test_a_vector_is_decoded(vector: Vector) -> None:
    assert decode(vector["usersig"]) == signature_of(vector)


@each_vector
def test_a_vector_has_the_digest_of_its_key(vector: Vector) -> None:
    """The HMAC over the fields is the vendor's; another key has another."""
    assert signature_of(vector).digest_by(vector["key"]) == vector["tls_sig"]
    assert signature_of(vector).digest_by(vector["key"] + "x") != vector["tls_sig"]


@each_vector
def test_a_vector_is_good_to_the_end_of_its_last_second(vector: Vector) -> None:
    """It is let in all through the second time + expire, and refused as expired from the next one on."""
    its_own = decode(vector["usersig"]), vector["sdkappid"], vector["userid"], (vector["key"],)
    last_second = vector["time"] + vector["expire"]
    assert refusal(*its_own, last_second + 0.999) == 0
    assert refusal(*its_own, last_second + 1) == 70001


@each_vector
def test_signing_makes_a_vector_again(vector: Vector) -> None:
    """The same content under the same key gives the same JSON, digest and order of fields included."""
    assert sign(signature_of(vector), vector["key"]) == packed(vector["json"])


def test_a_signature_of_the_vendors_package_is_let_in() -> None:
    """What the vendor's package signs today is accepted with the key and refused with another."""
    signature = decode(TLSSigAPIv2(SDKAPPID, KEY).gen_sig(ADMIN, 60))
    assert refusal(signature, SDKAPPID, ADMIN, (KEY,), signature.time) == 0
    assert refusal(signature, SDKAPPID, ADMIN, ("key-2",), signature.time) == 70009


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"sdkappid": SDKAPPID + 1}, 70014),
        ({"identifier": "somebody"}, 70013),
        ({"time": SIGNATURE.time + 1}, 70009),
        ({"expire": SIGNATURE.expire + 1}, 70009),
        ({"userbuf": "YWJj"}, 70009),
    ],
    ids=str,
)
def test_a_signature_that_was_tampered_with_is_refused(changed: dict[str, str | int], code: int) -> None:
    """Each field is either compared with the URL or covered by the digest."""
    signed = decode(sign(SIGNATURE, KEY))
    tampered = Signature(**{**{name: getattr(signed, name) for name in Signature.__slots__}, **changed})
    assert refusal(tampered, SDKAPPID, ADMIN, (KEY,), SIGNATURE.time) == code


FIELDS = unpacked(sign(SIGNATURE, KEY))
GOOD = sign(SIGNATURE, KEY)


@pytest.mark.parametrize(
    "usersig",
    [
        pytest.param("not a signature", id="no base64"),
        pytest.param(GOOD[:-8], id="cut short"),
        pytest.param(in_base64(zlib.compress(json.dumps(FIELDS).encode())[:-4]), id="without its checksum"),
        pytest.param(in_base64(zlib.compress(json.dumps(FIELDS).encode()) + b"more"), id="with something after it"),
        pytest.param(GOOD[:9] + "\n" + GOOD[9:], id="with a character of no alphabet"),
        pytest.param(GOOD.translate(str.maketrans("*-_", "+/=")), id="standard base64"),
        pytest.param("ü" + GOOD, id="no ASCII"),
        pytest.param(packed("{"), id="no JSON"),
        pytest.param(packed("[]"), id="no object"),
        pytest.param(packed("[" * 5_000), id="nested too deep"),
        pytest.param(packed(" " * 1_000_000), id="too large"),
        pytest.param(packed(json.dumps({**FIELDS, "TLS.ver": "1.0"})), id="another version"),
        pytest.param(packed(json.dumps({**FIELDS, "TLS.time": "1700000000"})), id="time as text"),
        pytest.param(packed(json.dumps({**FIELDS, "TLS.expire": True})), id="expire as a truth value"),
        pytest.param(packed(json.dumps({**FIELDS, "TLS.identifier": None})), id="no identifier"),
        pytest.param(packed(json.dumps({**FIELDS, "TLS.userbuf": 1})), id="userbuf as a number"),
    ],
)
def test_what_cannot_be_read_is_illegal(usersig: str) -> None:
    assert unreadable(usersig) == 70003


@given(st.text(st.sampled_from("eJyrVgqAz09*-_+/= ü\0"), max_size=40) | st.binary(max_size=40).map(in_base64))
def test_no_string_at_all_breaks_the_reading(usersig: str) -> None:
    """Any text is refused with one of the two codes for that, also one that unpacks to something."""
    assert unreadable(usersig) == (70003 if usersig else 70002)
    assert unreadable(packed(usersig)) == 70003


def test_a_signature_does_not_show_its_digest() -> None:
    signed = replace(SIGNATURE, digest="abcdef")
    assert "abcdef" not in repr(signed)


@pytest.mark.parametrize(("keys", "code"), [((KEY,), 0), (("key-2", KEY), 0), (("key-2",), 70009), ((), 70016)])
def test_a_signature_is_good_by_any_key_of_its_app(keys: tuple[str, ...], code: int) -> None:
    """While a key is being replaced, the old one and the new one are; that there is none has a code of its own."""
    assert refusal(decode(sign(SIGNATURE, KEY)), SDKAPPID, ADMIN, keys, SIGNATURE.time) == code
