"""What an operation is known by: its id and its fingerprint."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from handler.core.model.operation import INT64_MAX, INT64_MIN, Mode, Operation, Position, key_limit, operation_id
from handler.core.model.payload import read_payload

COUNTERS = (("like", 5), ("share", -1))
OPERATION = Operation(
    group_id="@TGS#1", mode=Mode.INCREASE, counters=COUNTERS, caller="mobile-backend", key="key-1", window_s=3600.0
)
KEYS = st.text(min_size=1, max_size=8)
INT64 = st.integers(INT64_MIN, INT64_MAX)


def fingerprint_of(body: str) -> str:
    """The fingerprint of the operation that a request body asks for."""
    payload = read_payload(json.loads(body), "_receipt")
    return Operation(
        group_id=payload.group_id,
        mode=payload.mode,
        counters=payload.counters,
        caller="caller",
        key="key",
        window_s=1.0,
    ).fingerprint


def hashed(canonical: str) -> str:
    return "v1:" + hashlib.sha256(canonical.encode()).hexdigest()


def test_a_fingerprint_never_changes() -> None:
    """Stored fingerprints are compared with those of later releases, so this literal may not drift."""
    operation = Operation(
        group_id="G", mode=Mode.INCREASE, counters=(("like", 5),), caller="caller", key="key", window_s=1.0
    )
    assert operation.fingerprint == "v1:700082b72e9d5385d2346fe99ce50acd79b10a689e886ef4b80aece4a20795b2"


def test_a_fingerprint_is_the_hash_of_canonical_json() -> None:
    """Sorted names, no spaces, text as it is rather than escaped, counters as pairs."""
    operation = Operation(
        group_id="群", mode=Mode.DECREASE, counters=(("é", -1), ("a", 2)), caller="caller", key="key", window_s=1.0
    )
    assert operation.fingerprint == hashed('{"GroupCounter":[["a",2],["é",-1]],"GroupId":"群","Mode":"Decrease"}')


def test_counters_are_sorted_by_the_bytes_of_their_keys() -> None:
    """U+FF61 comes before U+1F600 in UTF-8, and after it where text is kept as UTF-16."""
    operation = replace(OPERATION, counters=(("\U0001f600", 1), ("｡", 2)))
    expected = '{"GroupCounter":[["｡",2],["\U0001f600",1]],"GroupId":"@TGS#1","Mode":"Increase"}'
    assert operation.fingerprint == hashed(expected)


@given(st.dictionaries(KEYS, INT64, min_size=1, max_size=5).flatmap(lambda c: st.permutations(list(c.items()))))
def test_the_order_of_counters_does_not_matter(counters: list[tuple[str, int]]) -> None:
    """A caller's map may be written in any order."""
    shuffled = replace(OPERATION, counters=tuple(counters))
    assert shuffled.fingerprint == replace(OPERATION, counters=tuple(sorted(counters))).fingerprint


def test_white_space_and_the_order_of_names_do_not_matter() -> None:
    """The same request written differently is the same content."""
    compact = '{"GroupId":"G","GroupCounter":[{"Key":"like","Value":5}],"Mode":"Set"}'
    spacious = ' {"Mode" :"Set", "GroupCounter":[ {"Value": 5,\n"Key":"like"}],\t"GroupId":"\\u0047"}'
    assert fingerprint_of(compact) == fingerprint_of(spacious)


@pytest.mark.parametrize(
    "other",
    [
        replace(OPERATION, group_id="@TGS#2"),
        replace(OPERATION, mode=Mode.DECREASE),
        replace(OPERATION, counters=(("like", 6), ("share", -1))),
        replace(OPERATION, counters=(("like", -1), ("share", 5))),
        replace(OPERATION, counters=(("like", 5),)),
        replace(OPERATION, counters=(("like", 5), ("Share", -1))),
        replace(OPERATION, counters=(("like", 5), ("share", -1), ("x", 0))),
    ],
)
def test_other_content_has_another_fingerprint(other: Operation) -> None:
    """Group, Mode, every key and every value count."""
    assert other.fingerprint != OPERATION.fingerprint


def test_text_is_not_normalised() -> None:
    """A letter with its accent and the letter followed by the accent are two keys to the vendor."""
    composed, decomposed = (replace(OPERATION, counters=((key, 1),)) for key in ("\u00e9", "e\u0301"))
    assert composed.fingerprint != decomposed.fingerprint


def test_caller_key_and_window_are_no_content() -> None:
    """The same content under another key, or kept for another time, has the same fingerprint."""
    assert replace(OPERATION, caller="x", key="y", window_s=1.0).fingerprint == OPERATION.fingerprint


def test_an_id_belongs_to_a_caller_and_a_key() -> None:
    """Two callers may use the same key, and one caller many."""
    ids = {operation_id(caller, key) for caller in ("a", "b") for key in ("1", "2")}
    assert len(ids) == 4


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_no_pair_of_caller_and_key_reads_as_another(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Not even where a caller's name ends with what the other's key begins with."""
    assert (operation_id(*one) == operation_id(*other)) == (one == other)


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_moving_the_border_between_caller_and_key_gives_another_id(left: str, middle: str, right: str) -> None:
    """The pair is hashed, not the joined text."""
    assert operation_id(left + middle, right) != operation_id(left, middle + right)


def test_an_id_is_short_and_plain() -> None:
    """128 bits in letters that every store takes as a name; the content is no part of it."""
    assert OPERATION.id == operation_id("mobile-backend", "key-1") == replace(OPERATION, counters=()).id
    assert len(OPERATION.id) == 22
    assert OPERATION.id.replace("-", "a").replace("_", "a").isalnum()


def test_an_id_never_changes() -> None:
    """Records are found again by later releases, so this literal may not drift."""
    assert operation_id("mobile-backend", "key-1") == "RzlDnDriyKsffXPzbqyZIA"


def test_a_mode_moves_counters_up_down_or_not_at_all() -> None:
    """A positive Value is added, taken away, or written."""
    assert [mode.sign for mode in (Mode.INCREASE, Mode.DECREASE, Mode.SET)] == [1, -1, 0]


def test_the_receipt_takes_one_of_twenty_keys() -> None:
    assert (key_limit("_receipt"), key_limit("")) == (19, 20)


@given(st.text(max_size=8), st.text(max_size=8), st.lists(st.tuples(st.text(max_size=4), st.integers())))
def test_ids_and_fingerprints_are_those_of_canonical_json(
    group_id: str, caller: str, counters: list[tuple[str, int]]
) -> None:
    """As any JSON library writes it, names in order and without spaces, so that anybody can compute them."""
    operation = Operation(
        group_id=group_id, mode=Mode.SET, counters=tuple(counters), caller=caller, key="k", window_s=1.0
    )
    listed = sorted(counters, key=lambda counter: counter[0].encode())
    content = {"GroupCounter": listed, "GroupId": group_id, "Mode": "Set"}
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert operation.fingerprint == "v1:" + hashlib.sha256(canonical.encode()).hexdigest()
    pair = hashlib.sha256(json.dumps([caller, "k"], separators=(",", ":")).encode()).digest()[:16]
    assert operation.id == base64.urlsafe_b64encode(pair).decode().rstrip("=")


def test_a_position_is_a_short_place_and_a_number_of_one_width() -> None:
    """So that numbers are compared as texts, and a row holds many sources."""
    position = Position.of("arn:aws:kinesis:eu-west-1:1:stream/s", "495903382714902566085596925383")
    assert position == Position("n0QqV2o_DP94vg1C", "495903382714902566085596925383".zfill(64))
    assert Position.of("s", "9").sequence < Position.of("s", "10").sequence
