"""The picture of the throughput: against the size of a batch, and against how many groups its records are for."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, TypeAlias

import matplotlib as mpl
import redis
import requests
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.benchmarks.batches import Case, seconds_of, works_of
from tests.benchmarks.function import instance
from tests.benchmarks.upstream import chat_server

Line: TypeAlias = dict[int, float]
"""Records a second by what the axis shows."""

SIZES: Final = (10, 100, 1000)
GROUPS: Final = (1, 10, 50, 250)
GROUPS_OF_SIZES: Final = 10
RECORDS: Final = 1000
ROUNDS: Final = 1
DOTS_PER_INCH: Final = 100

PICTURE: Final = Path(__file__).with_name("throughput.png")


def measured(variables: Mapping[str, str]) -> tuple[dict[str, Line], dict[str, Line]]:
    """The lines of both halves, each by who drew it."""
    with ExitStack() as running:
        chat = running.enter_context(chat_server())
        running.enter_context(instance({**variables, "CHAT_ENDPOINT": chat.endpoint}))
        session = running.enter_context(requests.Session())
        client = running.enter_context(redis.Redis.from_url(variables["LEDGER_URL"], decode_responses=True))

        def lines(cases: Mapping[int, Case]) -> dict[str, Line]:
            drawn: dict[str, Line] = {}
            for place, case in cases.items():
                works = works_of(case, chat, session, client, variables["LEDGER_URL"])
                for name, seconds in seconds_of(works, case, chat, ROUNDS).items():
                    drawn.setdefault(name, {})[place] = case.records / seconds
            return drawn

        by_size = lines({size: Case("SQS", size, GROUPS_OF_SIZES, peers=True) for size in SIZES})
        by_groups = lines({number: Case("SQS", RECORDS, number, peers=True) for number in GROUPS})
    return by_size, by_groups


def draw(by_size: Mapping[str, Line], by_groups: Mapping[str, Line], file: Path = PICTURE) -> None:
    mpl.use("agg")
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _half(left, by_size, f"records in a batch, {GROUPS_OF_SIZES} groups", SIZES)
    _half(right, by_groups, f"groups, {RECORDS:,} records in a batch", GROUPS)
    left.set_ylabel("records a second")
    left.legend()
    figure.savefig(file, dpi=DOTS_PER_INCH, metadata={"Software": None})


def _half(axes: Axes, lines: Mapping[str, Line], label: str, places: Sequence[int]) -> None:
    for name, line in lines.items():
        axes.plot(list(line), list(line.values()), marker="o", label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(places, [f"{place:,}" for place in places])
    axes.minorticks_off()
    axes.set_xlabel(label)
    axes.grid(visible=True, alpha=0.3)
