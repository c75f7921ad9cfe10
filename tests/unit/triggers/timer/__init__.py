"""Ticks of the timer."""
