"""The parts of the Redis ledger."""
