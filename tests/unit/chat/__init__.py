"""Tests of `handler.chat`."""
