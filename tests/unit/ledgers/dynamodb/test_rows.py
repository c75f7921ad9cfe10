"""What an instance remembers of the rows that it has seen, and how much of it."""

from handler.core.model.row import Group
from handler.ledgers.dynamodb.items import Stored
from handler.ledgers.dynamodb.rows import ABSENT_MAX, GROUPS_MAX, Memory
from tests.contract.samples import GROUP, idle_row


def stored(epoch: int = 1) -> Stored:
    return Stored(idle_row(), epoch, 100)


def group(number: int) -> Group:
    return Group(GROUP.app, f"group {number}")


def test_the_groups_that_were_seen_last_are_remembered() -> None:
    """A small part of those that a busy app has."""
    memory = Memory()
    for number in range(GROUPS_MAX):
        memory.see(group(number), stored())
    memory.see(group(0), stored(2))
    memory.see(group(GROUPS_MAX), stored())
    remembered = [number for number in range(GROUPS_MAX + 1) if memory.row(group(number))]
    assert remembered == [0, *range(2, GROUPS_MAX + 1)]


def test_a_row_that_is_gone_is_forgotten() -> None:
    memory = Memory()
    memory.see(GROUP, stored())
    memory.miss(GROUP, 1, ["a"])
    memory.see(GROUP, None)
    assert (memory.row(GROUP), memory.absent(GROUP, 1)) == (None, frozenset())


def test_an_absence_is_known_in_its_epoch_only() -> None:
    memory = Memory()
    memory.see(GROUP, stored(1))
    memory.miss(GROUP, 1, ["a"])
    memory.see(GROUP, stored(1))
    assert memory.absent(GROUP, 1) == {"a"}
    memory.see(GROUP, stored(2))
    assert (memory.absent(GROUP, 1), memory.absent(GROUP, 2)) == (frozenset(), frozenset())


def test_an_absence_of_an_epoch_that_is_over_counts_for_nothing() -> None:
    """It was looked for before the row was seen again: its record may be there by now."""
    memory = Memory()
    memory.see(GROUP, stored(2))
    memory.miss(GROUP, 1, ["a"])
    assert memory.absent(GROUP, 2) == frozenset()
    memory.miss(group(1), 1, ["a"])
    assert memory.row(group(1)) is None


def test_only_so_many_absences_are_remembered() -> None:
    memory = Memory()
    memory.see(GROUP, stored())
    first = {f"operation {number}" for number in range(ABSENT_MAX)}
    memory.miss(GROUP, 1, first)
    assert memory.absent(GROUP, 1) == first
    memory.miss(GROUP, 1, ["one more"])
    assert memory.absent(GROUP, 1) == {"one more"}
