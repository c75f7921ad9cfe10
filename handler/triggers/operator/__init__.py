"""Operator events: direct invocations by those who run the function."""
