"""What the core needs from outside: the ledger, the counter API, the vault, the queue, clock and chance."""
