"""Records of a stream that were added up are refused: what is counted, what is parked, and after how many calls."""

from __future__ import annotations

import json

import pytest

from handler.core.model.operation import Counters, Mode, Position
from handler.core.model.outcome import state_of
from handler.core.model.placed import Content, Place, Placed
from handler.core.ports.counter_api import Call, Fault, Refused, Reply
from handler.core.ports.system import Notice
from tests.unit.core.samples import BASE, NOW, row
from tests.unit.core.scene import APP, GONE, GROUP, INVALID, Scene

STREAM = "arn:stream"
SHARD = f"{STREAM}/shard-1"
PLACE = Place(Position.of(SHARD, "0").partition, STREAM, SHARD)
LIKE: Counters = (("like", 1),)


def placed(number: int, counters: Counters = LIKE, mode: Mode = Mode.INCREASE) -> Placed:
    return Placed(PLACE, (Content(mode, counters),), (Position.of(SHARD, str(number)).sequence,))


class Refusing(Scene):
    """A group whose API refuses each call in which a counter would come to more than `most`, or that has a bad key."""

    def __init__(self, most: int = 2**63, bad: str = "", refusal: Refused = INVALID) -> None:
        super().__init__(row())
        self.most, self.bad, self.refusal = most, bad, refusal
        self.api.counters = {"_receipt": BASE}
        plainly = self.api.update

        def update(call: Call) -> Reply:
            sums = [self.api.counters.get(key, 0) + call.mode.sign * value for key, value in call.values.items()]
            if self.bad in call.values or any(
                total > self.most for key, total in zip(call.values, sums, strict=True) if key != "_receipt"
            ):
                self.api.updates.append(self.refusal)
            return plainly(call)

        self.api.update = update  # type: ignore[method-assign]

    def bring(self, *records: Placed) -> None:
        self.counters.apply(GROUP.id, records, self.budget(60))

    @property
    def parked(self) -> dict[str, tuple[object, str]]:
        """Of each parked record its counters, and what is said behind the vendor's meaning."""
        return {
            one.id: (
                {pair["Key"]: pair["Value"] for pair in json.loads(one.payload)["GroupCounter"]},
                one.reason.partition("; ")[2],
            )
            for one in self.kept.page(APP, 100)
        }


def test_a_bad_content_is_parked_and_the_others_count() -> None:
    scene = Refusing(bad="bad")
    scene.bring(placed(1), placed(2, (("bad", 7),)), placed(3), placed(5, (("like", 10), ("gift", 1))))
    assert scene.api.counters.keys() == {"_receipt", "like", "gift"}
    assert (scene.api.counters["like"], scene.api.counters["gift"]) == (12, 1)
    assert scene.parked == {f"{SHARD}:2": ({"bad": 7}, "")}
    assert (scene.row.is_settled, len(scene.api.calls)) == (True, 4)


def test_what_many_records_have_in_common_is_refused_after_few_calls() -> None:
    """One of them alone is refused, and the others, which wait behind it, get the same answer."""
    scene = Refusing(bad="bad")
    scene.bring(*[placed(number, (("bad", 3),)) for number in range(1, 1001)])
    assert scene.api.counters.keys() == {"_receipt"}
    assert scene.parked == {f"{SHARD}:1-1000": ({"bad": 3000}, "1000 records of the same content, added up")}
    assert scene.row.is_settled
    assert len(scene.api.calls) == 10


@pytest.mark.parametrize("fitting", [0, 1, 37, 64, 99])
def test_an_overflow_rejects_only_what_does_not_fit(fitting: int) -> None:
    scene = Refusing(most=fitting)
    scene.bring(*[placed(number) for number in range(1, 101)])
    assert scene.api.counters.get("like", 0) == fitting
    [(name, (counters, _))] = scene.parked.items()
    assert (name, counters) == (f"{SHARD}:1-100", {"like": 100 - fitting})
    assert scene.row.is_settled
    assert len(scene.api.calls) <= 30


@pytest.mark.parametrize("code", [10010, 10015, 10016])
def test_what_is_wrong_with_the_group_is_wrong_with_all_of_it(code: int) -> None:
    """Each content is parked with its number, after one call."""
    scene = Refusing(most=-1, refusal=Refused(code, "no", Fault.OPERATION, NOW))
    scene.bring(placed(1), placed(2, (("gift", 5),)), placed(4))
    assert scene.parked == {
        f"{SHARD}:1-4": ({"like": 2}, "2 records of the same content, added up"),
        f"{SHARD}:2": ({"gift": 5}, ""),
    }
    assert (len(scene.api.calls), scene.row.is_settled) == (1, True)


def test_a_set_that_is_refused_is_asked_for_value_by_value_and_the_last_one_stays() -> None:
    scene = Refusing(bad="bad")
    sets = [(("a", 1),), (("bad", 2),), (("a", 3),), (("a", 1),), (("bad", 2),)]
    scene.bring(*[placed(number, counters, Mode.SET) for number, counters in enumerate(sets, 1)])
    assert (scene.api.counters["a"], "bad" in scene.api.counters) == (1, False)
    assert scene.parked == {f"{SHARD}:2-5": ({"bad": 2}, "2 records of the same content, added up")}


def test_the_watermark_passes_the_whole_while_its_pieces_are_owed() -> None:
    """The first piece raises it; a redelivery meanwhile counts nothing twice."""
    scene = Refusing(bad="bad")
    scene.api.updates = [INVALID]
    records = [placed(1), placed(2, (("gift", 1),)), placed(3)]
    scene.counters.apply(GROUP.id, records, scene.budget(0.12))
    assert [owed.parts[0].counters for owed in scene.row.owed] == [LIKE]
    scene.bring(*records, placed(4))
    scene.bring(*records, placed(4))
    assert (scene.api.counters["like"], scene.api.counters["gift"]) == (3, 1)
    assert scene.row.is_settled


@pytest.mark.parametrize(
    ("mode", "bad", "told"),
    [
        (Mode.INCREASE, {2}, ["pending", "rejected", "pending", "pending"]),
        (Mode.SET, {1, 4}, ["rejected", "pending", "pending", "rejected"]),
    ],
)
def test_only_the_records_of_a_refused_piece_are_told_of_it(mode: Mode, bad: set[int], told: list[str]) -> None:
    """Pieces that were owed already: each keeps the position of the whole, and may stand on both sides of another."""
    scene = Refusing(bad="bad")
    records = [placed(at, (("bad", 7),) if at in bad else ((f"key-{at}", 1),), mode) for at in range(1, 5)]
    scene.counters.apply(GROUP.id, records, scene.budget(0.06))
    assert len(scene.row.owed) == len(records) - len(bad) + 1
    outcomes = scene.counters.apply(GROUP.id, records, scene.budget(60))
    assert [state_of(outcome) for outcome in outcomes] == told
    assert scene.api.counters.keys() == {"_receipt", *(f"key-{at}" for at in range(1, 5) if at not in bad)}


def test_a_refusal_of_all_that_lied_is_settled_and_not_counted_again() -> None:
    """The call had been carried out, and the read that should have told so lied as well."""
    scene = Scene(row())
    scene.api.updates, scene.api.reads, scene.api.lies = [INVALID], [INVALID], 1
    records = [placed(1), placed(2, (("gift", 1),)), placed(3)]
    scene.counters.apply(GROUP.id, records, scene.budget(60))
    assert (scene.api.counters["like"], scene.api.counters["gift"]) == (2, 1)
    assert Notice.LATE_LANDING in scene.notices.told


def test_a_note_is_struck_record_by_record() -> None:
    """An operator who gives one up leaves the others to be parked."""
    scene = Refusing(most=-1, refusal=GONE)
    scene.kept.park = lambda *_: (_ for _ in ()).throw(AssertionError)  # type: ignore[method-assign]
    with pytest.raises(AssertionError):
        scene.bring(placed(1), placed(2, (("gift", 5),)))
    scene.counters.strike(GROUP.id, f"{SHARD}:1")
    [note] = scene.row.notes
    assert note.entry.counters == (("gift", 5),)
    scene.counters.strike(GROUP.id, f"{SHARD}:2")
    assert scene.row.notes == ()
