"""The simulated world: its API, network, clocks and ledgers, each with all that can go wrong."""
