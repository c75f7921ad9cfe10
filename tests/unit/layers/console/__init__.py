"""Tests of `layers.console`."""
