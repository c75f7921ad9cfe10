"""Hostile input: parsers and the whole function under arbitrary bytes and events."""
