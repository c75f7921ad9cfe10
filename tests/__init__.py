"""What the function promises, checked."""
