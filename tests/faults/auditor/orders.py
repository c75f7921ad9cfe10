"""What is asked for in small worlds: operations whose digits tell in the vendor's log how often each was counted."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from msgspec.structs import replace

from handler.core.model.operation import Mode, Operation, Origin, Position
from tests.faults.auditor.counting import DIGIT_BITS

WINDOW_S = 1_296_000.0

# The ARN of the stream from which records come, and the group of all operations.
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/counters"
GROUP_ID = "G"


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """An operation that somebody asks for; `index` names its digit, and its key unless it is a `rival` of another.

    Records of a stream that ask for the same have the same digit: they are twins.
    """

    operation: Operation
    index: int


Shape: TypeAlias = tuple[Mode, int, tuple[str, ...]]

# Mode, sign of the Value (or 0), and keys; `set` becomes a key of its own.
MORE: Shape = (Mode.INCREASE, 1, ("a",))
LESS: Shape = (Mode.DECREASE, 1, ("a",))
BOTH_KEYS: Shape = (Mode.INCREASE, 1, ("a", "b"))
NEGATIVE: Shape = (Mode.INCREASE, -1, ("b",))
NOTHING: Shape = (Mode.INCREASE, 0, ("a",))
SET: Shape = (Mode.SET, 1, ("set",))

SHAPES = (*(MORE,) * 5, *(LESS,) * 2, BOTH_KEYS, NEGATIVE, NOTHING, *(SET,) * 2)
"""Drawn from evenly: what stands here more often comes more often."""


# Keys of which JSON makes six bytes for each character, and keys whose characters take three bytes; as many of them as
# fill a small row soon.
LONG: tuple[Shape, ...] = tuple(
    (Mode.INCREASE, 1, tuple(f"{kind}{number}" + "\x01" * 126 for number in range(4))) for kind in "pqrst"
)
WIDE: tuple[Shape, ...] = tuple(
    (Mode.INCREASE, 1, tuple(f"{kind}{number:x}" + "观" * 42 for number in range(12))) for kind in "uvwxyz"
)


# More keys than half of those that a group has, and as many others.
MANY: tuple[Shape, ...] = tuple((Mode.INCREASE, 1, tuple(f"{kind}{number:x}" for number in range(12))) for kind in "mn")


@lru_cache(maxsize=4096)
def order(index: int, key: int, shape: Shape) -> Order:
    """The operation with this digit under this key."""
    mode, sign, names = shape
    value = sign << DIGIT_BITS * index
    counters = tuple((f"{name}{index}" if mode is Mode.SET else name, value) for name in names)
    return Order(
        Operation(
            group_id=GROUP_ID, mode=mode, counters=counters, caller="caller", key=f"key-{key}", window_s=WINDOW_S
        ),
        index,
    )


@lru_cache(maxsize=4096)
def record(index: int, shape: Shape, shard: str, number: int, *, apart: bool = False, keyed: bool = False) -> Order:
    """The operation with this digit as a stream has it, known by its place in the shard alone unless it is `keyed`.

    Where records of the group stand `apart`, under partition keys of their own, that place is only a key.
    """
    operation = order(index, index, shape).operation
    place = f"{STREAM}/{shard}"
    position = None if apart or keyed else Position.of(place, str(number))
    name = f"{place}:{number}"
    key = f"own-{shard}-{number}" if keyed else name
    origin = Origin(source=STREAM, place=name, caller=STREAM, key=key)
    return Order(replace(operation, caller=STREAM, key=key, position=position, origin=origin), index)


# What may bring an operation that a caller could ask for as well. A queue takes back what is refused for good.
QUEUE, BUS = "arn:aws:sqs:eu-west-1:123456789012:counters", "a-bus"


@lru_cache(maxsize=4096)
def from_source(source: str, order: Order) -> Operation:
    """The operation as a record of that source asks for it."""
    operation = order.operation
    return replace(
        operation, origin=Origin(source=source, place=place_of(order), caller=operation.caller, key=operation.key)
    )


def place_of(order: Order) -> str:
    """What its source calls the record: what it is parked under."""
    operation = order.operation
    return operation.origin.place if operation.origin else f"record-{order.index}"
