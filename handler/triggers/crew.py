"""How many groups of a batch are worked on at a time, as an instance learns it from one batch to the next."""

from __future__ import annotations

# Groups at a time: enough to hide the API's latency, few enough for one instance's connections.
WORKERS = 8

# Fewer are too few to hide anything.
WORKERS_MIN = 2

# Shares of a batch's time: with the processor busy for longer than this, half as many threads do as much; where it is
# busy for less than that, one more does more.
BUSY = 0.9
IDLE = 0.7


class Crew:
    """The threads that share a batch's work.

    They hide the time in which servers are waited for. Where these answer so soon that the processor is busy all the
    time, more threads only take the interpreter from each other, at each of twenty system calls that a group makes:
    with eight of them a batch took a fifth longer than with two.
    """

    def __init__(self) -> None:
        self.size = WORKERS

    def learn(self, busy: float) -> None:
        """Take in for which share of a batch's time the processor was busy."""
        if busy > BUSY:
            self.size = max(WORKERS_MIN, self.size // 2)
        elif busy < IDLE:
            self.size = min(WORKERS, self.size + 1)
