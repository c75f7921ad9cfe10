"""The function end to end: through the platforms' own runtimes, their events, their time limits and their signals."""
