"""Fifty callers of one group at the same moment, each of them an instance of its own with a connection of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.function import ask, crew
from tests.benchmarks.upstream import chat_server
from tests.faults.ledgers import Kind
from tests.sandbox.relay import Relay

CALLERS: Final = 50
ROUNDS: Final = 3
UPSTREAM_S: Final = 0.06
UPSTREAM_CALLS_MAX: Final = 15
STORE_CALLS_MAX: Final = 6


def measured(kind: Kind, variables: Mapping[str, str], relay: Relay) -> list[Figure]:
    """What the worst of some rounds took, upstream and at the store's socket."""
    calls, trips, right = [], [], []
    with chat_server(lag_s=UPSTREAM_S) as chat:
        for number in range(ROUNDS):
            group = f"crowded-{number}"
            chat.create_group(group)
            for caller in range(CALLERS):
                chat.create_group(f"own-{number}-{caller}")
            warm_ups = [partial(ask, f"own-{number}-{caller}", "first") for caller in range(CALLERS)]
            works = [partial(ask, group, f"key-{caller}") for caller in range(CALLERS)]
            with crew({**variables, "CHAT_ENDPOINT": chat.endpoint}, warm_ups, works) as start:
                before = relay.round_trips
                answers = start()
                trips.append((relay.round_trips - before) / CALLERS)
            right.append(answers == [200] * CALLERS and chat.values(group)["like"] == CALLERS)
            calls.append(sum(entry.group == group for entry in chat.journal()))
    what = f"{CALLERS} callers of one group on {kind}"
    return [
        Figure(f"{what}", "all answered right" if all(right) else "not right", "all answered right", all(right)),
        at_most(f"{what}: upstream calls", max(calls), UPSTREAM_CALLS_MAX),
        at_most(f"{what}: store calls per operation", max(trips), STORE_CALLS_MAX),
    ]
