"""What the sandbox reads from a path and a body, and with which code it refuses the rest."""

import json
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sandbox.codes import RefusalError
from tests.sandbox.commands import NAMES, Delete, Get, Name, Update, fields_of, named_by, parse

UPDATE = {"GroupId": "G", "Mode": "Increase", "GroupCounter": [{"Key": "like", "Value": 1}]}


def refusal(name: Name, body: bytes) -> int:
    """The code that a body is refused with; 0 if it is read."""
    try:
        parse(name, fields_of(body))
    except RefusalError as error:
        return error.code
    return 0


def test_an_update_is_read() -> None:
    """Group, mode and counters, in the order of the body; fields that nobody knows are passed over."""
    fields = {**UPDATE, "GroupCounter": [{"Key": "b", "Value": -1}, {"Key": "a", "Value": 2, "New": 0}], "New": 0}
    command = parse("update", fields)
    assert command == Update("G", "Increase", {"b": -1, "a": 2})


@pytest.mark.parametrize(
    ("fields", "keys"), [({}, ()), ({"GroupCounterKeys": []}, ()), ({"GroupCounterKeys": ["a"]}, ("a",))]
)
def test_reads_and_deletions_name_keys_or_mean_all(fields: dict[str, object], keys: tuple[str, ...]) -> None:
    assert parse("get", {"GroupId": "G", **fields}) == Get("G", keys)
    assert parse("delete", {"GroupId": "G", **fields}) == Delete("G", keys)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b"\xff", b"[" * 100_000], ids=str)
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    assert refusal("update", body[:200_000]) == 60003


@pytest.mark.parametrize("keys", [None, "k", {}, [1], [""]], ids=repr)
def test_the_keys_to_read_are_a_list_of_keys(keys: object) -> None:
    body = json.dumps({"GroupId": "G", "GroupCounterKeys": keys}).encode()
    assert (refusal("get", body), refusal("delete", body)) == (10004, 10004)


TEXT = st.text(st.sampled_from("Gk1 ü\n\0\ud800"), max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.sampled_from(("Set", "Increase")),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(("Key", "Value")), inner),
    max_leaves=5,
)


@given(
    st.sampled_from(NAMES),
    st.fixed_dictionaries({}, optional=dict.fromkeys(("GroupId", "Mode", "GroupCounter", "GroupCounterKeys"), JSON)),
)
def test_no_fields_at_all_break_the_reading(name: Name, fields: dict[str, object]) -> None:
    """Any JSON is a command, or is refused with one of the two codes for that."""
    assert refusal(name, json.dumps(fields).encode()) in {0, 10004, 10015}


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v4/group_open_http_svc/modify_group_attr", 10003),
        ("/", 60009),
        ("/V4/group_open_http_svc/get_group_counter", 60009),
    ],
)
def test_another_path_than_those_of_the_commands_is_refused(path: str, code: int) -> None:
    """A wrong command of the service and a wrong path have codes of their own; letters keep their case."""
    with pytest.raises(RefusalError) as refused:
        named_by(path)
    assert refused.value.code == code


# A group id is printable ASCII of 48 bytes, a key takes 1 to 128 bytes of UTF-8, a value is a 64-bit integer.
Codes: TypeAlias = dict[int, list[object]]
GROUPS: Codes = {0: ["@TGS#2C5SZEAEF", "g" * 48], 10004: [None, 7], 10015: ["", "g" * 49, "grüße", "a\nb"]}
MODES: Codes = {0: ["Set", "Increase", "Decrease"], 10004: ["increase", "", None, ["Set"]]}
KEYS: Codes = {0: ["k" * 128, "ü" * 64], 10004: ["k" * 129, "ü" * 65, "", 1, "\ud800"]}
VALUES: Codes = {0: [0, -1, 2**63 - 1, -(2**63)], 10004: [2**63, -(2**63) - 1, 5.0, "5", True, None]}
TWICE = [{"Key": "k", "Value": 1}, {"Key": "k", "Value": 2}]
LISTS: Codes = {10004: [None, {}, [], ["k"], [{"Key": "k"}], [{"Value": 1}], TWICE]}


def cases(codes: Codes) -> list[tuple[object, int]]:
    return [(value, code) for code, values in codes.items() for value in values]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        *(("GroupId", group, code) for group, code in cases(GROUPS)),
        *(("Mode", mode, code) for mode, code in cases(MODES)),
        *(("GroupCounter", [{"Key": key, "Value": 1}], code) for key, code in cases(KEYS)),
        *(("GroupCounter", [{"Key": "k", "Value": value}], code) for value, code in cases(VALUES)),
        *(("GroupCounter", counters, code) for counters, code in cases(LISTS)),
    ],
    ids=ascii,
)
def test_a_field_is_taken_or_refused_with_its_code(field: str, value: object, code: int) -> None:
    assert refusal("update", json.dumps({**UPDATE, field: value}).encode()) == code
