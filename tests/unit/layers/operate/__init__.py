"""Tests of `layers.operate`."""
