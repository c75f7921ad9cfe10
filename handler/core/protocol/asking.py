"""Ask the API for its time, where nothing that was heard tells it (R12)."""

from __future__ import annotations

from handler.core.ports.counter_api import Fault, Refused, Unsent
from handler.core.protocol.visit import Again, Stop, Visit


def ask_the_time(visit: Visit) -> Again | Stop | None:
    """Any request does; so an instance without evidence reads the group before it opens anything. None once it may."""
    wait_s = visit.instance.api_clock.ask_in_s()
    if wait_s is None:
        return None
    if wait_s > 0:
        return Again(wait_s)
    reply = visit.read(())
    if isinstance(reply, Unsent):
        # What is opened now could not be sent either.
        return visit.failed_to_send()
    visit.instance.api_clock.asked()
    if isinstance(reply, Refused) and reply.fault not in {Fault.OPERATION, Fault.SIGNATURE}:
        return visit.setback(reply)
    return Again()
