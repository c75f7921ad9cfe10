"""The figures of ledgers, limiter, batches and cold start, beside their bars and beside those of others.

`python -m tests.benchmarks.bench` prints the table, writes it down in RESULTS.md, and draws the picture.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from tests.benchmarks import batches, callers, cold_start, growth, limiter, picture, round_trips, warm
from tests.benchmarks.figures import Figure, table
from tests.faults.storms.ledgers import dynamodb_variables
from tests.sandbox.environment import sandboxed_environment
from tests.sandbox.ministack import MiniStack
from tests.sandbox.redis_servers import RedisServer
from tests.sandbox.relay import Relay

RESULTS: Final = Path(__file__).with_name("RESULTS.md")


def on_redis() -> Iterator[Figure]:
    """What is measured on Redis, which keeps nothing on disk here: that would take longer than all the rest."""
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as server, Relay(server.port) as relay:
        direct = _variables(folder, {"LEDGER_URL": server.url})
        counted = _variables(folder, {"LEDGER_URL": f"redis://127.0.0.1:{relay.server_port}/0"})
        yield from round_trips.measured("redis", counted, relay)
        yield from warm.measured(direct)
        yield from callers.measured("redis", counted, relay)
        yield from limiter.measured({**direct, "CHAT_CALLS_PER_SECOND": f"{limiter.LIMIT}"}, "redis")


def of_batches() -> Iterator[Figure]:
    """Batches on Redis beside their peers, many callers, and growth."""
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as server, Relay(server.port) as relay:
        direct = _variables(folder, {"LEDGER_URL": server.url})
        yield from batches.measured(direct, relay)
        yield from callers.of_many(direct)
        yield from growth.measured(direct)


def on_dynamodb() -> Iterator[Figure]:
    """What is measured on a stand-in for DynamoDB."""
    with ExitStack() as running:
        folder = running.enter_context(tempfile.TemporaryDirectory())
        stack = running.enter_context(MiniStack(Path(folder), "dynamodb"))
        relay = running.enter_context(Relay(int(stack.endpoint.rpartition(":")[2])))
        counted = _variables(folder, dynamodb_variables(relay.server_port))
        yield from round_trips.measured("dynamodb", counted, relay)
        yield from round_trips.units(counted, stack.endpoint)
        yield from callers.measured("dynamodb", counted, relay)
        yield from batches.on_dynamodb(counted, stack.endpoint)


def _draw() -> None:
    """Measure anew for the picture: its lines are shorter runs than the table's."""
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as server:
        picture.draw(*picture.measured(_variables(folder, {"LEDGER_URL": server.url})))


PARTS: Final[Mapping[str, Callable[[], Iterator[Figure]]]] = {
    "redis": on_redis,
    "batches": of_batches,
    "dynamodb": on_dynamodb,
    "cold-start": cold_start.measured,
}


def _variables(folder: str, ledger: Mapping[str, str]) -> dict[str, str]:
    """A function without an endpoint yet, whose rate is no obstacle."""
    return sandboxed_environment("http://127.0.0.1:1", Path(folder), CHAT_CALLS_PER_SECOND="100000", **ledger)


def main() -> int:
    """Measure and print, and write the table down where everything was measured; 1 if a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(PARTS), help="one part, and nothing is written down")
    only = parser.parse_args().only
    figures: list[Figure] = []
    for part in [only] if only else PARTS:
        for figure in PARTS[part]():
            print(table([figure]).splitlines()[-1], file=sys.stderr, flush=True)
            figures.append(figure)
    text = f"{_when_and_where()}\n\n{table(figures)}\n"
    print(text)
    if not only:
        RESULTS.write_text(f"# What `make bench` measured\n\n{text}", "utf-8")
        _draw()
    return 0 if all(figure.is_met is not False for figure in figures) else 1


def _when_and_where() -> str:
    day = datetime.now(tz=timezone.utc).date()
    python = platform.python_version()
    return f"{day}, {os.cpu_count()} cores ({platform.machine()}, {platform.system()}), Python {python}."


if __name__ == "__main__":
    sys.exit(main())
