"""Faults: the real core in a simulated world, crash points one by one, and real processes that are killed."""
