"""The protocol, step by step, and scenes that cross its steps."""
