"""What an operation is known by: its id and its fingerprint."""

import base64
import hashlib
import json

from hypothesis import example, given
from hypothesis import strategies as st

from handler.core.model.operation import Mode, Operation, Position, operation_id


def test_a_fingerprint_never_changes() -> None:
    """Stored fingerprints are compared with those of later releases, so this literal may not drift."""
    operation = Operation(
        group_id="G", mode=Mode.INCREASE, counters=(("like", 5),), caller="caller", key="key", window_s=1.0
    )
    assert operation.fingerprint == "v1:700082b72e9d5385d2346fe99ce50acd79b10a689e886ef4b80aece4a20795b2"


def test_an_id_never_changes() -> None:
    """Records are found again by later releases, so this literal may not drift."""
    assert operation_id("mobile-backend", "key-1") == "RzlDnDriyKsffXPzbqyZIA"


def test_a_mode_moves_counters_up_down_or_not_at_all() -> None:
    assert [mode.sign for mode in (Mode.INCREASE, Mode.DECREASE, Mode.SET)] == [1, -1, 0]


@given(
    st.text(max_size=8),
    st.sampled_from(Mode),
    st.text(max_size=8),
    st.lists(st.tuples(st.text(max_size=4), st.integers())),
)
@example("群", Mode.DECREASE, "caller", [("\U0001f600", 1), ("｡", 2), ("é", -1), ("e\u0301", 1)])
def test_ids_and_fingerprints_are_those_of_canonical_json(
    group_id: str, mode: Mode, caller: str, counters: list[tuple[str, int]]
) -> None:
    """As any JSON library writes it, without spaces, names and keys in order, so that anybody can compute them.

    Keys are in the order of their bytes: U+FF61 comes before U+1F600 in UTF-8, and after it in UTF-16.
    """
    operation = Operation(group_id=group_id, mode=mode, counters=tuple(counters), caller=caller, key="k", window_s=1.0)
    listed = sorted(counters, key=lambda counter: counter[0].encode())
    content = {"GroupCounter": listed, "GroupId": group_id, "Mode": mode.value}
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert operation.fingerprint == "v1:" + hashlib.sha256(canonical.encode()).hexdigest()
    pair = hashlib.sha256(json.dumps([caller, "k"], separators=(",", ":")).encode()).digest()[:16]
    assert operation.id == base64.urlsafe_b64encode(pair).decode().rstrip("=")


def test_a_position_is_a_short_place_and_a_number_of_one_width() -> None:
    """So that numbers are compared as texts, and a row holds many sources."""
    position = Position.of("arn:aws:kinesis:eu-west-1:1:stream/s", "495903382714902566085596925383")
    assert position == Position("n0QqV2o_DP94vg1C", "495903382714902566085596925383".zfill(64))
    assert Position.of("s", "9").sequence < Position.of("s", "10").sequence
