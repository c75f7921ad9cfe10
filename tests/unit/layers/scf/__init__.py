"""Tests of `layers.scf`."""
