"""What an operator reads of a group: what the receipt proves, and everything that is remembered."""

import json

import pytest

from handler.core.model.lift import LIFT
from handler.core.model.operation import Mode, Position
from handler.core.model.placed import Content, Place, Placed
from handler.core.model.row import Remembered
from handler.core.operator.inspect import Inspection
from handler.core.ports.ledger import Generation
from handler.core.state.folding import Asked
from handler.core.state.parting import pieces_of
from handler.core.state.receipts import Landed, NotLanded, ReceiptVerdict, TooEarly, Unexplained
from handler.triggers.operator.inspection import shown
from tests.unit.core.samples import BASE, LIFE_S, attempt, entry, row


@pytest.mark.parametrize(
    ("verdict", "explanation"),
    [
        (None, None),
        (Landed({"attempt": 2}), {"receipt": "moved by attempts that landed", "landed": {"attempt": 2}}),
        (NotLanded(), {"receipt": "is the base: nothing landed, and nothing can any more"}),
        (TooEarly(), {"receipt": "is the base, while the open attempt may still land"}),
        (Unexplained(7), {"receipt": "is explained by nothing"}),
    ],
)
def test_every_verdict_is_explained(verdict: ReceiptVerdict | None, explanation: object) -> None:
    told = shown(Inspection(row=row(), generation=Generation(1, 0), to_be_judged=(), verdict=verdict))
    assert told["explanation"] == explanation


def test_a_remembered_attempt_is_shown_with_what_it_carried() -> None:
    past = Remembered(attempt(entry("a"), name="past"), refused=True, folded=(("share", 2),))
    told = shown(Inspection(row=row(remembered=(past,)), generation=Generation(1, 0), to_be_judged=()))
    shown_row = told["row"]
    assert isinstance(shown_row, dict)
    assert json.loads(json.dumps(shown_row["remembered"])) == [
        {
            "id": "past",
            "mode": "Increase",
            "time": "2023-11-14T22:13:20Z",
            "life": LIFE_S,
            "weight": 600_000,
            "operations": [{"id": "a", "mode": "Increase", "counters": {"like": 5}, "settled_meanwhile": False}],
            "correction": {},
            "refused": True,
            "settled": {"share": 2},
        }
    ]
    assert shown_row["base"] == BASE


def test_what_was_added_up_is_shown_with_the_number_of_its_records_and_where_they_stand() -> None:
    """A piece of it stands where its own records do, and one in an aggregate has its place there behind the number."""
    place = Place(Position.of("stream/shard", "0").partition, "stream", "stream/shard")
    positions = [Position.of("", "41"), Position.of("", "42", 3), Position.of("", "57")]
    contents = [Content(Mode.INCREASE, (("like", value),)) for value in (1, 2, 1)]
    records = Placed(place, contents, [one.sequence for one in positions])
    [whole] = Asked.of([records], 19).beyond({})
    queue = (whole, pieces_of(whole)[0], entry("with a key"))
    told = shown(Inspection(row=row(queue=queue), generation=Generation(1, 0), to_be_judged=()))["row"]
    assert isinstance(told, dict)
    names = ("counters", "records", "place", "first", "last")
    assert [[one.get(name) for name in names] for one in told["queue"]] == [
        [{"like": 4}, 3, "stream/shard", "41", "57"],
        [{"like": 2}, 1, "stream/shard", "42/3", "42/3"],
        [{"like": 5}, None, None, None, None],
    ]


def test_an_attempt_that_only_moves_the_receipt_is_told_from_others() -> None:
    """It carries nothing, so there is nothing else that would say what it is for."""
    lift = attempt(weight=LIFT + 600_000)
    told = shown(Inspection(row=row(lift), generation=Generation(1, 0), to_be_judged=()))["row"]
    assert isinstance(told, dict)
    assert (told["attempt"]["lift"], told["attempt"]["operations"]) == (True, [])
