"""Records of a stream, and what is needed to count each once."""

from dataclasses import replace

from handler.core.model.operation import Mode
from tests.faults.model.aspect import Aspect, Mutant
from tests.faults.model.streams import stretches, watermark_model
from tests.faults.model.streams.stretches import Stretches
from tests.faults.model.streams.watermark_model import HALVES, Raised, Watermarks

UP, DOWN, SET = Mode.INCREASE, Mode.DECREASE, Mode.SET


def aspects() -> list[Aspect]:
    return [_watermarks(), _stretches()]


def _watermarks() -> Aspect:
    """R13: batches whole, halved, overlapping and again, side by side, with workers that die anywhere."""
    halves = Watermarks(HALVES)
    mutants = [
        Mutant("raised", watermark_model.UNFINISHED, halves, Raised.BEFORE),
        Mutant("raised", watermark_model.DOUBLE, halves, Raised.AFTER),
        Mutant("raised", watermark_model.DOUBLE, halves, Raised.LATE),
        Mutant("row_is_read_first", watermark_model.DOUBLE, halves),
        Mutant("last_owed_counts", watermark_model.DOUBLE, halves),
        Mutant("passed_are_left_out", watermark_model.DOUBLE, halves),
    ]
    small = [Watermarks(batches) for batches in watermark_model.WORLDS]
    return Aspect(
        "watermarks of batches", "R13", small, [Watermarks(((1, 3), (1, 2), (2, 3), (1, 1), (3, 3)))], mutants
    )


def _stretches() -> Aspect:
    """R13, R6: records of a stream that are added up, accepted as far as they are new, and taken apart if refused."""
    mixed = Stretches(((UP, 1), (UP, 1), (SET, 7), (UP, 2)), ((1, 4), (1, 3), (4, 4)))
    refused = Stretches(((UP, 1), (UP, 5), (UP, 1)), ((1, 3), (1, 2), (3, 3)), bad=frozenset({5}))
    over = Stretches(((UP, 1),) * 5, ((1, 5), (1, 3)), most=3)
    mutants = [
        Mutant("a_set_ends_a_stretch", stretches.WRONG_VALUE, mixed),
        Mutant("what_is_beyond_is_added_up_again", stretches.DOUBLE, over),
        Mutant("nothing_is_accepted_behind_what_was_not", stretches.UNFINISHED, mixed),
        Mutant("stretches_are_parted", stretches.INNOCENT, refused),
        Mutant("shared_contents_are_halved", stretches.INNOCENT, over),
    ]
    large = [replace(mixed, records=(*mixed.records, (DOWN, 1), (UP, 1)), batches=((1, 6), (1, 3), (2, 5), (6, 6)))]
    return Aspect("records that are added up", "R6 R13", [mixed, refused, over], large, mutants)
