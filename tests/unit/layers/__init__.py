"""Tests of `layers`."""
