"""What the core needs from outside, as far as it computes."""
