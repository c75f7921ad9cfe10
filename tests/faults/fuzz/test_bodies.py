"""A bounded part of the comparison of the decoder with the model, and that it notices what a looser decoder takes."""

import msgspec
import pytest

from handler.core.model.payload import DecodedBody
from tests.faults.fuzz import bodies

COUNT = 20_000
SEED = 6


class LooseCounter(msgspec.Struct, forbid_unknown_fields=True):
    """A counter whose value has no bounds."""

    key: str = msgspec.field(name="Key")
    value: int = msgspec.field(name="Value")


class LooseBody(DecodedBody, frozen=True, forbid_unknown_fields=True):
    """A body with such counters."""

    group_counter: list[LooseCounter] = msgspec.field(name="GroupCounter")  # type: ignore[assignment]


def test_the_decoder_takes_nothing_that_the_model_refuses() -> None:
    """And reads what it takes alike, which is most of the valid texts."""
    found = bodies.compare(COUNT, SEED)
    assert found["taken"] > COUNT / 2
    assert found["left to the model"] < COUNT / 10


def is_doubtful(data: bytes) -> bool:
    """Whether a text has escapes, or a name of a value for which no string of the text accounts."""
    return b"\\" in data or data.count(b'"') != 2 * (5 + 3 * data.count(b'"Value"'))


@pytest.mark.parametrize(("body", "looks_for_equal_names"), [(DecodedBody, False), (LooseBody, True)])
def test_a_looser_decoder_is_found_out(
    monkeypatch: pytest.MonkeyPatch, body: type[DecodedBody], *, looks_for_equal_names: bool
) -> None:
    """One that takes the last of two equal names, and one that takes integers of any length."""
    decoder = msgspec.json.Decoder(body)

    def decode(data: bytes) -> DecodedBody | None:
        if looks_for_equal_names and is_doubtful(data):
            return None
        try:
            return decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    monkeypatch.setattr(bodies, "decode_body", decode)
    with pytest.raises(AssertionError, match="the decoder takes"):
        bodies.compare(COUNT, SEED)
