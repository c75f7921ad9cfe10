"""What an event of each kind means, and the reply that it wants."""
