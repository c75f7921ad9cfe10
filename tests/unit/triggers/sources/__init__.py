"""Batches of event sources."""
