"""Tests of `layers.packaging`."""
