"""What the modules of `handler.ledgers` do by themselves; what every ledger has to do is in `tests.contract`."""
