"""Operators' looks at a frozen group, and their verdicts."""
