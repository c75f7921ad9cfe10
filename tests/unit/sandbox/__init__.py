"""Tests of the sandbox: the local cloud that other tests believe."""
