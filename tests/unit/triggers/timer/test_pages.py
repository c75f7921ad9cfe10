"""A page is the same tick on some of its groups, under the same keys, and never longer than a queue takes."""

import hmac
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.core.errors import BadInput
from handler.core.model.operation import Operation
from handler.core.ports.system import Notice
from handler.core.ports.vault import Secret
from handler.triggers.event_kind import PAGE_HEAD, Event, is_page
from handler.triggers.timer.fan_out import groups_per_page
from handler.triggers.timer.pages import (
    FRAME_BYTES,
    PAGE_BYTES,
    check_genuine,
    fits,
    page_key,
    pages,
    read_page,
)
from handler.triggers.timer.tick import Tick, read_tick
from tests.unit.triggers.stage import APP, START, HandVault, Told

DAY_S = 86_400.0
KEY = page_key(Secret(APP, "administrator", "a-made-up-key"))
SET: Event = {"GroupIds": ["a", "b"], "GroupCounter": [{"Key": "like", "Value": 0}], "Mode": "Set"}
ADD: Event = {"GroupIds": ["b", "c"], "GroupCounter": [{"Key": "观看", "Value": 7}], "Mode": "Increase"}


def tick(*operations: Event, name: str = "daily", time: str = "2026-11-22T00:00:00Z") -> Tick:
    event: Event = {"TriggerName": name, "Time": time, "Message": {"operations": list(operations)}}
    read = read_tick(event, "_receipt", DAY_S, START)
    assert isinstance(read, Tick)
    return read


def read(text: str) -> Tick:
    assert is_page(text)
    return read_page(text, "_receipt", DAY_S)


def texts_of(tick: Tick, group_ids: Sequence[str], size: int) -> list[str]:
    return [text for text, _ in pages(tick, group_ids, size, KEY)]


def by_group(*ticks: Tick) -> dict[str, tuple[Operation, ...]]:
    return {group_id: tick.operations(group_id) for tick in ticks for group_id in tick.groups}


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_the_pages_of_a_tick_ask_for_what_it_asks(size: int) -> None:
    """The same operations in the same order, under the same keys, however it is divided."""
    whole = tick(SET, ADD)
    texts = texts_of(whole, list(whole.groups), size)
    assert len(texts) == -(-len(whole.groups) // size)
    assert by_group(*map(read, texts)) == by_group(whole)


def test_an_operation_that_no_group_of_a_page_has_is_left_out_and_the_others_keep_their_keys() -> None:
    """The key tells the place in the event, not the place in the page."""
    [_, _, last] = texts_of(tick(SET, ADD), ["a", "b", "c"], 1)
    assert len(json.loads(last)["operations"]) == 1
    assert [operation.key for operation in read(last).operations("c")] == ["daily/2026-11-22T00:00:00Z/1"]


PRINTABLE = st.text(min_size=1, max_size=85).filter(str.isprintable).filter(lambda text: len(text.encode()) <= 256)


@given(st.lists(PRINTABLE, min_size=1, max_size=60, unique=True), st.integers(1, 300))
def test_whatever_groups_are_called_a_page_is_short_and_in_ascii(group_ids: list[str], size: int) -> None:
    whole = tick({**SET, "GroupIds": group_ids})
    texts = texts_of(whole, group_ids, size)
    assert all(text.isascii() and len(text) <= PAGE_BYTES for text in texts)
    assert by_group(*map(read, texts)) == by_group(whole)


def test_ids_of_the_greatest_length_make_pages_of_fewer_groups() -> None:
    group_ids = [f"{number:03}" + "g" * 253 for number in range(250)]
    texts = texts_of(tick({**SET, "GroupIds": group_ids}), group_ids, 250)
    assert len(texts) == 3
    assert max(map(len, texts)) <= PAGE_BYTES


def test_operations_that_would_fill_every_page_do_not_fit() -> None:
    large = {"GroupIds": ["a"], "GroupCounter": [{"Key": f"{n:0128}", "Value": n} for n in range(19)], "Mode": "Set"}
    assert fits(tick(large))
    assert not fits(tick(*[large] * (FRAME_BYTES // 2000)))


@pytest.mark.parametrize(
    ("operations", "rate", "groups"), [(1, 200, 100), (2, 200, 50), (1, 1, 1), (7, 3, 1), (1, 100_000, 250)]
)
def test_a_pages_calls_take_a_second_at_half_of_the_rate(operations: int, rate: float, groups: int) -> None:
    """The other half is left to callers, and no page is too large to be accepted in time."""
    assert groups_per_page(tick(*[SET] * operations), rate) == groups


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"TriggerName": ""}, "TriggerName"),
        ({"Time": "2026-11-22"}, "Time"),
        ({"Time": "2016-12-31T23:59:60Z"}, "Time"),
        ({"Hmac": 7}, "Hmac"),
        ({"operations": []}, "operations"),
        ({"operations": [{**SET, "Index": -1}]}, "operations[0].Index"),
        ({"operations": [SET]}, "operations[0].Index"),
        ({"operations": [{**SET, "Index": 0, "GroupIds": ["a", "\n"]}]}, "operations[0].GroupIds[1]"),
        ({"operations": [{**SET, "Index": 0, "Mode": "Add"}]}, "operations[0].Mode"),
        ({"operations": [{**SET, "Index": 0, "GroupCounter": [{"Key": "_receipt", "Value": 1}]}]}, "operations[0]"),
        ({"more": 1}, "more"),
    ],
)
def test_a_wrong_field_is_named(change: Event, field: str) -> None:
    [text] = texts_of(tick(SET), ["a"], 10)
    with pytest.raises(BadInput) as refused:
        read_page(json.dumps(json.loads(text) | change, separators=(",", ":")), "_receipt", DAY_S)
    assert refused.value.field.startswith(field)


def one_page() -> str:
    [text] = texts_of(tick(SET), ["a"], 10)
    return text


FORGED = {
    "group": ('"a"', '"b"'),
    "value": ('"Value":0', '"Value":9'),
    "trigger": ("daily", "weekly"),
    "time": ("2026", "2027"),
    "space": (',"Hmac"', ', "Hmac"'),
    "another field": (',"Hmac"', ',"more":1,"Hmac"'),
    "a field after it": ('"}', '","more":1}'),
    "no signature": (',"Hmac"', ',"Mac"'),
    "signature of nothing": (',"Hmac":"', ',"Hmac":"0'),
    "half a pair": ('"a"', '"\ud800"'),
}


@pytest.mark.parametrize("change", FORGED)
def test_a_page_made_by_hand_is_not(change: str) -> None:
    """Whatever of it was changed: everything stands under the signature."""
    text = one_page().replace(*FORGED[change])
    assert text != one_page()
    with pytest.raises(BadInput, match=r"^Hmac: is missing or was not made with the app's current key"):
        check_genuine(text, HandVault(), Told())


def test_a_page_by_a_newer_key_is_genuine_once_the_secret_is_fetched() -> None:
    """Another instance may have signed it with what this one has not read yet."""
    vault, told = HandVault(), Told()
    vault.secret = Secret(APP, "administrator", "the-key-of-before")
    check_genuine(one_page(), vault, told)
    assert (vault.refreshes, told.notices) == ([30.0], [Notice.SECRET_REFRESHED])


def test_the_key_of_pages_is_not_the_apps() -> None:
    """HMAC-SHA256 of a fixed text: who learned it could sign pages and nothing else."""
    assert hmac.new(b"a-made-up-key", b"update-group-counter page v1", "sha256").digest() == KEY
    assert "a-made-up-key" not in one_page()


def test_no_groups_are_no_page() -> None:
    """A page without any would be refused, and come back for ever."""
    assert texts_of(tick(SET, ADD), [], 10) == []


@pytest.mark.parametrize("rest", ["", "}", '"Type":"TimerPage"}', '"operations":7}'])
def test_what_only_begins_like_a_page_is_refused(rest: str) -> None:
    with pytest.raises(BadInput):
        read(PAGE_HEAD + rest)
