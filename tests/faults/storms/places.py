"""Operations without end whose counts can be read: each has a decimal place of its own, or a counter to set.

The counters of a group begin with fours. A five in the end was counted once, a six twice, a three taken off once.
"""

import random
from typing import Final

from tests.faults.storms.asked import Asked
from tests.sandbox.chat import ChatServer

# At any time so many groups are in use, each until all its places are; its counters and the receipt stay below 20.
GROUPS: Final = 12
PLACES: Final = 18
SETS: Final = 12
START: Final = {"like": int("4" * PLACES), "view": int("4" * PLACES)}
PER_GROUP: Final = len(START) * PLACES + SETS


class Places:
    """What is still to be asked for, in groups that are made as they are wanted. It is for one thread at a time."""

    def __init__(self, server: ChatServer, chance: random.Random) -> None:
        self._server = server
        self._chance = chance
        self._orders: dict[str, list[int]] = {}

    def operation(self, number: int) -> Asked:
        """The operation of that number, under a key that no other one has."""
        turn, lane = divmod(number, GROUPS)
        group = f"G{lane}-{turn // PER_GROUP}"
        if group not in self._orders:
            self._server.create_group(group, counters=START)
            self._orders[group] = self._chance.sample(range(PER_GROUP), PER_GROUP)
        part, place = divmod(self._orders[group][turn % PER_GROUP], PLACES)
        if part == len(START):
            return Asked(group, f"key-{number}", "Set", f"set-{place}", number)
        mode = self._chance.choice(("Increase", "Increase", "Decrease"))
        return Asked(group, f"key-{number}", mode, list(START)[part], 10**place)
