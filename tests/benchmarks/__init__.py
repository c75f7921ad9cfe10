"""Measurements, which prove nothing by passing: they are read, not run by the tests."""
