"""What a request body may hold, checked before anything is accepted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.errors import BadInput
from handler.core.model.operation import INT64_MAX, INT64_MIN, Mode
from handler.core.model.payload import Payload, check_group_id, field_path, read_payload

SECRET = "hush-5417"  # no field of a valid body holds it
TEXT = st.text(st.characters(), max_size=6)
NUMBERS = st.integers() | st.sampled_from([INT64_MAX, INT64_MAX + 1, INT64_MIN, INT64_MIN - 1, 10**400]) | st.floats()
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
COUNTER = st.fixed_dictionaries({"Key": TEXT | JSON, "Value": NUMBERS | JSON}, optional={"Extra": JSON})
NEARLY = st.fixed_dictionaries(
    {
        "GroupId": TEXT | JSON,
        "GroupCounter": st.lists(COUNTER | JSON, max_size=22) | JSON,
        "Mode": st.sampled_from(["Set", "Increase", "Decrease", "set", ""]) | JSON,
    },
    optional={"extra": JSON},
)


def body(**changes: object) -> dict[str, object]:
    return {"GroupId": "G", "GroupCounter": [{"Key": "like", "Value": 5}], "Mode": "Increase"} | changes


def counting(*pairs: tuple[object, object]) -> dict[str, object]:
    """A request body with these keys and values."""
    return body(GroupCounter=[{"Key": key, "Value": value} for key, value in pairs])


def refusal(document: object, receipt_key: str = "_receipt") -> BadInput:
    with pytest.raises(BadInput) as caught:
        read_payload(document, receipt_key)
    return caught.value


def read_or_refusal(document: object) -> Payload | BadInput:
    """What a document is read as, or refused with; nothing else may come of it."""
    try:
        return read_payload(document, "_receipt")
    except BadInput as error:
        return error


def test_a_valid_body_is_read_as_it_is() -> None:
    """Group, Mode and counters, in the caller's order."""
    payload = read_payload(counting(("share", -1), ("like", 0)), "_receipt")
    assert (payload.group_id, payload.mode, payload.counters) == ("G", Mode.INCREASE, (("share", -1), ("like", 0)))


@pytest.mark.parametrize("mode", list(Mode))
def test_every_mode_of_the_vendor_is_read(mode: Mode) -> None:
    assert read_payload(body(Mode=mode.value), "_receipt").mode is mode


@pytest.mark.parametrize("mode", ["increase", "SET", "", None, 1, ["Set"], "Increase "])
def test_no_other_mode_is(mode: object) -> None:
    assert refusal(body(Mode=mode)).field == "Mode"


@pytest.mark.parametrize("name", ["GroupId", "GroupCounter", "Mode"])
def test_every_field_is_required(name: str) -> None:
    """The error names the one that is missing."""
    document = body()
    del document[name]
    assert refusal(document).field == name


@pytest.mark.parametrize(("receipt_key", "limit"), [("_receipt", 19), ("", 20)])
def test_a_call_carries_as_many_keys_as_the_receipt_leaves(receipt_key: str, limit: int) -> None:
    """The last one that fits is taken, one more is refused."""
    keys = [(f"k{number}", 1) for number in range(limit + 1)]
    assert len(read_payload(counting(*keys[:limit]), receipt_key).counters) == limit
    assert refusal(counting(*keys), receipt_key).field == "GroupCounter"


def test_a_call_carries_at_least_one_key() -> None:
    assert refusal(counting()).field == "GroupCounter"


def test_no_key_stands_twice() -> None:
    assert refusal(counting(("like", 1), ("share", 1), ("like", 1))).field == "GroupCounter[2].Key"


def test_keys_that_look_alike_are_not_the_same() -> None:
    """Case, accents written in two ways, and spaces make another key."""
    keys = ["like", "Like", "like ", "\u00e9", "e\u0301"]
    assert [key for key, _ in read_payload(counting(*((key, 1) for key in keys)), "_receipt").counters] == keys


@pytest.mark.parametrize("key", ["k", "k" * 128, "é" * 64, "群" * 42 + "kk", "\U0001f600" * 32])
def test_a_key_has_up_to_128_bytes(key: str) -> None:
    assert read_payload(counting((key, 1)), "_receipt").counters == ((key, 1),)


@pytest.mark.parametrize("key", ["", "k" * 129, "é" * 64 + "k", "群" * 43, "\U0001f600" * 33])
def test_a_longer_or_empty_key_is_refused(key: str) -> None:
    assert refusal(counting(("like", 1), (key, 1))).field == "GroupCounter[1].Key"


def test_the_receipt_key_is_reserved() -> None:
    """Whatever it is called; without receipts there is none."""
    assert refusal(counting(("_receipt", 1))).field == "GroupCounter[0].Key"
    assert refusal(counting(("own", 1)), "own").field == "GroupCounter[0].Key"
    assert read_payload(counting(("_receipt", 1)), "").counters == (("_receipt", 1),)


@pytest.mark.parametrize("value", [INT64_MIN, -1, 0, 1, INT64_MAX])
def test_a_value_is_any_signed_64_bit_integer(value: int) -> None:
    assert read_payload(counting(("like", value)), "_receipt").counters == (("like", value),)


@pytest.mark.parametrize(
    "value", [INT64_MAX + 1, INT64_MIN - 1, 10**400, 5.0, True, False, "5", None, [5], {}, float("inf"), float("nan")]
)
def test_anything_else_is_no_value(value: object) -> None:
    assert refusal(counting(("like", value))).field == "GroupCounter[0].Value"


@pytest.mark.parametrize("group_id", ["", "\x00", "a\nb", "\u200b", 5, None, "g" * 257, "é" * 129, "\ud800"])
def test_a_group_id_is_printable_and_bounded(group_id: object) -> None:
    assert refusal(body(GroupId=group_id)).field == "GroupId"


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (body(Extra=SECRET), "Extra"),
        (body(mode_name=SECRET), "mode_name"),
        (
            body(GroupCounter=[{"Key": "k", "Value": 1}, {"Key": "k", "Value": 1, "Unit": SECRET}]),
            "GroupCounter[1].Unit",
        ),
        (body(GroupId=[SECRET]), "GroupId"),
        (body(GroupId=SECRET + "\n"), "GroupId"),
        (body(Mode=SECRET), "Mode"),
        (body(GroupCounter={SECRET: 1}), "GroupCounter"),
        (body(GroupCounter=[SECRET]), "GroupCounter[0]"),
        (counting(("k", SECRET)), "GroupCounter[0].Value"),
        (counting((SECRET, 1), (SECRET, 1)), "GroupCounter[1].Key"),
        (counting((SECRET * 20, 1)), "GroupCounter[0].Key"),
        (counting(([SECRET], 1)), "GroupCounter[0].Key"),
        (SECRET, "body"),
        ([SECRET], "body"),
    ],
)
def test_an_error_names_the_field_and_never_shows_the_value(document: object, field: str) -> None:
    """An unknown field is refused too; what stood there may be somebody's secret."""
    error = refusal(document)
    assert error.field == field
    assert SECRET not in str(error)
    assert error.__cause__ is None


@pytest.mark.parametrize("document", [None, True, 0, 5.0, "text", [], [body()], "\ud800"])
def test_only_an_object_is_a_body(document: object) -> None:
    """Anything else is refused as a whole."""
    assert refusal(document).field == "body"


def test_lone_surrogates_are_refused_wherever_they_stand() -> None:
    """JSON can spell them, and no store or reply can encode them."""
    for document in (body(GroupId="\ud800"), counting(("\udfff", 1)), body(Mode="\ud83d"), body() | {"\ud800": 1}):
        str(refusal(document)).encode()


@given(JSON | NEARLY)
def test_arbitrary_json_is_read_or_refused(document: object) -> None:
    result = read_or_refusal(document)
    if isinstance(result, BadInput):
        str(result).encode()
        assert len(result.field) <= 128
        return
    assert 1 <= len(result.group_id.encode()) <= 256
    keys = [key for key, _ in result.counters]
    assert 1 <= len(keys) == len(set(keys)) <= 19
    assert all(1 <= len(key.encode()) <= 128 and key != "_receipt" for key in keys)
    assert all(type(value) is int and INT64_MIN <= value <= INT64_MAX for _, value in result.counters)


def test_a_path_is_written_as_callers_write_it() -> None:
    assert field_path(("GroupCounter", 0, "Key")) == "GroupCounter[0].Key"
    assert field_path(("Mode",), "operations[3]") == "operations[3].Mode"
    assert field_path((0, 1)) == "[0][1]"
    assert field_path(("\ud800",)) == "\\ud800"
    assert field_path(()) == "body"
    assert field_path((), "Message") == "Message"


def test_a_path_shows_no_more_of_a_callers_text_than_a_line() -> None:
    """An unknown field may have any name."""
    assert len(refusal(body(**{"x" * 10_000: 1})).field) == 128


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (body(GroupId="a\nb"), "GroupId: contains a character that is not printable"),
        (body(GroupId="é" * 129), "GroupId: longer than 256 bytes in UTF-8"),
        (counting(*((f"k{number}", 1) for number in range(20))), "GroupCounter: more than 19 keys"),
        (counting(("é" * 65, 1)), "GroupCounter[0].Key: longer than 128 bytes in UTF-8"),
        (counting(("_receipt", 1)), "GroupCounter[0].Key: is the reserved receipt key"),
        (counting(("k", 1), ("k", 1)), "GroupCounter[1].Key: is in the request twice"),
        (
            counting(("k", INT64_MAX + 1)),
            "GroupCounter[0].Value: Input should be less than or equal to 9223372036854775807",
        ),
        (None, "body: Input should be an object"),
    ],
)
def test_an_error_says_what_is_wrong(document: object, problem: str) -> None:
    assert str(refusal(document)) == problem


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (None, "operations[3]"),
        (body(Mode=5), "operations[3].Mode"),
        (body(GroupId="a\nb"), "operations[3].GroupId"),
        (body(GroupId="é" * 129), "operations[3].GroupId"),
        (counting(*((f"k{number}", 1) for number in range(20))), "operations[3].GroupCounter"),
        (counting(("k", 1), ("k", 1)), "operations[3].GroupCounter[1].Key"),
    ],
)
def test_an_error_names_the_field_within_another_document(document: object, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_payload(document, "_receipt", "operations[3]")
    assert caught.value.field == field


@pytest.mark.parametrize("group_id", ["g" * 256, "é" * 128, "@TGS#_2J4"])
def test_a_group_id_has_up_to_256_bytes(group_id: str) -> None:
    assert read_payload(body(GroupId=group_id), "_receipt").group_id == group_id


def test_a_group_id_is_checked_wherever_it_was_written() -> None:
    for within, field in (("", "GroupId"), ("query", "query.GroupId")):
        with pytest.raises(BadInput) as caught:
            check_group_id("a\nb", within) if within else check_group_id("a\nb")
        assert caught.value.field == field
