"""How many groups of a batch are worked on at a time."""

import time

import pytest

from handler.triggers.concurrency import each
from handler.triggers.crew import WORKERS, WORKERS_MIN, Crew


def crew_of(size: int) -> Crew:
    crew = Crew()
    crew.size = size
    return crew


def waits(_: int) -> None:
    # For a server, with hardly any use of the processor.
    time.sleep(0.002)


@pytest.mark.parametrize(
    ("busy", "before", "after"),
    [
        (1.0, WORKERS, WORKERS // 2),
        (1.0, WORKERS_MIN, WORKERS_MIN),
        (0.8, 4, 4),
        (0.3, WORKERS_MIN, WORKERS_MIN + 1),
        (0.3, WORKERS, WORKERS),
    ],
)
def test_a_crew_shrinks_where_the_processor_is_busy_and_grows_where_it_waits(
    busy: float, before: int, after: int
) -> None:
    crew = crew_of(before)
    crew.learn(busy)
    assert crew.size == after


def test_a_batch_that_waits_for_servers_makes_its_crew_grow() -> None:
    crew = crew_of(WORKERS_MIN)
    each(range(2 * WORKERS), waits, crew)
    assert crew.size == WORKERS_MIN + 1


def test_a_batch_that_has_no_work_for_all_teaches_nothing() -> None:
    crew = crew_of(WORKERS_MIN)
    each(range(WORKERS_MIN), waits, crew)
    assert crew.size == WORKERS_MIN


def test_every_item_has_its_result_however_small_the_crew_is() -> None:
    items = range(2 * WORKERS)
    assert each(items, str, crew_of(WORKERS_MIN)) == {item: str(item) for item in items}
