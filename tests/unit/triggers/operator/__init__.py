"""Operator events."""
