"""What may become of a row: pure functions."""
