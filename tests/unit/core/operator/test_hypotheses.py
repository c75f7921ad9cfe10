"""Where the receipt would stand: an operator can check each hypothesis by hand."""

from msgspec.structs import replace

from handler.core.model.operation import Mode
from handler.core.model.row import Remembered
from handler.core.operator.hypotheses import hypotheses
from tests.unit.core.samples import BASE, attempt, entry, row


def test_each_hypothesis_has_its_arithmetic() -> None:
    past = Remembered(attempt(entry("b"), name="past", weight=700_000))
    weighed = hypotheses(row(attempt(entry("a"), name="open"), remembered=(past,)), BASE + 600_023)
    assert [one.sentence for one in weighed] == [
        "if nothing landed, the receipt is still the base 5000000, and 5600023 is there: 600023 off",
        (
            "if the open attempt open landed, the receipt was 5000023 before; "
            "base 5000000 + weight 600000 = 5600000, and 5600023 is there: 23 off"
        ),
        (
            "if the past attempt past landed, the receipt was 4900023 before; "
            "base 5000000 + weight 700000 = 5700000, and 5600023 is there: 99977 off"
        ),
    ]


def test_a_decrease_moves_the_receipt_down_and_a_set_writes_it() -> None:
    down = attempt(entry("a", Mode.DECREASE), name="down")
    assert hypotheses(row(down), BASE - 600_000)[1].sentence == (
        "if the open attempt down landed, the receipt was 5000000 before; "
        "base 5000000 - weight 600000 = 4400000, which is what is there"
    )
    written = attempt(entry("a", Mode.SET), name="set", mode=Mode.SET)
    assert hypotheses(row(written), 7)[1].sentence == (
        "if the open attempt set landed, its Set wrote 5600000 into the receipt, and 7 is there: 5599993 off"
    )
    assert hypotheses(row(written), 7)[1].before is None


def test_without_a_receipt_or_a_base_there_is_nothing_to_weigh() -> None:
    assert hypotheses(replace(row(), base=None), 0) == ()
    assert hypotheses(row(receipt_key=""), 0) == ()
