"""What one warm instance has at hand and learns."""
