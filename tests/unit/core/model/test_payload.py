"""What a request body may hold, checked before anything is accepted."""

import pytest

from handler.core.errors import BadInput
from handler.core.model.operation import INT64_MAX, INT64_MIN, Mode
from handler.core.model.payload import read_payload

SECRET = "hush-5417"  # no field of a valid body holds it


def body(**changes: object) -> dict[str, object]:
    return {"GroupId": "G", "GroupCounter": [{"Key": "like", "Value": 5}], "Mode": "Increase"} | changes


def counting(*pairs: tuple[object, object]) -> dict[str, object]:
    """A request body with these keys and values."""
    return body(GroupCounter=[{"Key": key, "Value": value} for key, value in pairs])


def refusal(document: object, receipt_key: str = "_receipt") -> BadInput:
    with pytest.raises(BadInput) as caught:
        read_payload(document, receipt_key)
    return caught.value


@pytest.mark.parametrize(
    "documents",
    [
        [body(Mode=mode.value) for mode in Mode],
        [body(GroupId=name) for name in ("g" * 256, "é" * 128, "@TGS#_2J4")],
        [counting(("like", value)) for value in (INT64_MIN, -1, 0, 1, INT64_MAX)],
        [counting((key, 1)) for key in ("k", "k" * 128, "é" * 64, "群" * 42 + "kk", "\U0001f600" * 32)],
    ],
    ids=["every Mode of the vendor", "256 bytes of a group", "64 bits of a value", "128 bytes of a key"],
)
def test_all_that_the_vendor_takes_is_read(documents: list[dict[str, object]]) -> None:
    for document in documents:
        payload = read_payload(document, "_receipt")
        counters = [{"Key": key, "Value": value} for key, value in payload.counters]
        assert document == {"Mode": payload.mode.value, "GroupId": payload.group_id, "GroupCounter": counters}


NO_VALUES = [INT64_MAX + 1, INT64_MIN - 1, 10**400, 5.0, True, False, "5", None, [5], {}, float("inf"), float("nan")]


@pytest.mark.parametrize(
    ("field", "documents"),
    [
        ("Mode", [body(Mode=mode) for mode in ("increase", "SET", "", None, 1, ["Set"], "Increase ")]),
        *[(name, [{key: value for key, value in body().items() if key != name}]) for name in body()],
        ("GroupCounter", [counting()]),
        (
            "GroupCounter[1].Key",
            [counting(("like", 1), (key, 1)) for key in ("", "k" * 129, "é" * 64 + "k", "群" * 43, "\U0001f600" * 33)],
        ),
        ("GroupCounter[2].Key", [counting(("like", 1), ("share", 1), ("like", 1))]),
        ("GroupCounter[0].Value", [counting(("like", value)) for value in NO_VALUES]),
        (
            "GroupId",
            [
                body(GroupId=group_id)
                for group_id in ("", "\x00", "a\nb", "\u200b", 5, None, "g" * 257, "é" * 129, "\ud800")
            ],
        ),
        ("body", [None, True, 0, 5.0, "text", [], [body()], "\ud800"]),
    ],
)
def test_anything_else_is_refused_by_the_name_of_its_field(field: str, documents: list[object]) -> None:
    assert {refusal(document).field for document in documents} == {field}


@pytest.mark.parametrize(("receipt_key", "limit"), [("_receipt", 19), ("", 20)])
def test_a_call_carries_as_many_keys_as_the_receipt_leaves(receipt_key: str, limit: int) -> None:
    keys = [(f"k{number}", 1) for number in range(limit + 1)]
    assert len(read_payload(counting(*keys[:limit]), receipt_key).counters) == limit
    assert refusal(counting(*keys), receipt_key).field == "GroupCounter"


def test_the_receipt_key_is_reserved() -> None:
    assert refusal(counting(("_receipt", 1))).field == "GroupCounter[0].Key"
    assert refusal(counting(("own", 1)), "own").field == "GroupCounter[0].Key"
    assert read_payload(counting(("_receipt", 1)), "").counters == (("_receipt", 1),)


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


def test_a_path_shows_no_more_of_a_callers_text_than_a_line() -> None:
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
