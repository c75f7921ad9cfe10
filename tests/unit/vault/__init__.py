"""Tests of `handler.vault`."""
