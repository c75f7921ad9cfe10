"""What may become of a row: pure functions, which the rule book names."""
