"""What operators see, and what they decide."""
