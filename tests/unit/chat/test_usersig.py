"""A UserSig is what the vendor's own packages make, field by field."""

import base64
import json
import zlib
from pathlib import Path
from typing import TypedDict
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from TLSSigAPIv2 import TLSSigAPIv2

from handler.chat.usersig import Validity, sign


class Vector(TypedDict):
    """One of the vendor's packages' results, as stored in `tests/vectors`."""

    name: str
    sdkappid: int
    key: str
    userid: str
    expire: int
    time: int
    userbuf: str | None
    tls_sig: str
    usersig: str
    json: str


VECTORS: list[Vector] = json.loads((Path(__file__).parents[2] / "vectors" / "usersig.json").read_text("utf-8"))

IDENTIFIERS = st.text("abcXYZ019_-", min_size=1, max_size=32)
APPS = st.integers(1, 2**32 - 1)
KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64)
TIMES = st.integers(0, 2**32)
LIVES = st.integers(1, 10 * 365 * 86400)


def unpacked(usersig: str) -> dict[str, str | int]:
    """The fields of a UserSig, read by the vendor's alphabet."""
    packed = base64.b64decode(usersig.translate(str.maketrans("*-_", "+/=")), validate=True)
    fields: dict[str, str | int] = json.loads(zlib.decompress(packed))
    return fields


def signed(vector: Vector) -> str:
    return sign(vector["sdkappid"], vector["userid"], vector["key"], Validity(vector["time"], vector["expire"]))


def test_there_are_six_vectors() -> None:
    """An empty file would let every other test pass."""
    assert [vector["name"] for vector in VECTORS] == list("ABCDEF")


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["userbuf"] is None], ids=lambda v: v["name"])
def test_it_holds_the_fields_of_the_vector(vector: Vector) -> None:
    """The fields, `TLS.sig` among them, are equal; the string itself depends on the zlib at hand."""
    fields = unpacked(signed(vector))
    assert fields == json.loads(vector["json"]) == unpacked(vector["usersig"])
    assert fields["TLS.sig"] == vector["tls_sig"]


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["userbuf"] is not None], ids=lambda v: v["name"])
def test_a_room_right_changes_the_digest(vector: Vector) -> None:
    """The REST API needs no `TLS.userbuf`, and a signature without one has another digest and no such field."""
    fields, others = unpacked(signed(vector)), unpacked(vector["usersig"])
    assert fields["TLS.sig"] != others["TLS.sig"]
    assert others.keys() - fields.keys() == {"TLS.userbuf"}


@given(APPS, IDENTIFIERS, KEYS, TIMES, LIVES)
def test_it_is_what_the_vendors_package_makes(app: int, identifier: str, key: str, time: int, life: int) -> None:
    """Whatever is signed; and of the characters that mean something in a query string only the star comes up."""
    with patch("TLSSigAPIv2.time.time", return_value=time):
        expected: str = TLSSigAPIv2(app, key).gen_sig(identifier, life)
    made = sign(app, identifier, key, Validity(time, life))
    assert unpacked(made) == unpacked(expected)
    assert not set(made) & set("+/=&?#% ")
